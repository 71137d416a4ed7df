import { activityInfo, cancellationSignal, metricMeter } from '@temporalio/activity';
import type { ApplicationFailure } from '@temporalio/common';
import type { Pool } from 'pg';
import type { z } from 'zod';
import { errorText } from '../src/error-text.js';
import { OnceAMinute } from '../src/once-a-minute.js';
import { ConsulPayload } from '../src/protocol/intents.js';
import type { Catalog } from '../src/registry/consul/catalog.js';
import { ConsulError, type ConsulFailure } from '../src/registry/consul/error.js';
import { databaseAddress, type Sql } from '../src/registry/pool.js';
import type { Written } from '../src/registry/rows/written.js';
import { whileWanted } from '../src/registry/while-wanted.js';
import { logger } from '../src/telemetry.js';
import { REFUSED, UNAVAILABLE, type EffectRequest, type EffectResult } from './api.js';
import { LONGEST, oneLine } from './one-line.js';
import { effectResult } from './effect-result.js';
import { shortFailure } from './short-failure.js';

/** What to look at when PostgreSQL refuses the registrar. */
export const DATABASE_SET_UP = "check the tables ('registrar setup') and the rights of the database user";

/** A call of a backend, in the words of its error texts. */
export interface BackendCall {
  /** Name and address: "Consul at http://127.0.0.1:8500". */
  readonly backend: string;
  /** What the backend should do: "register node abc-1 (consul://service/onex-effect-abc-1), registration attempt 2". */
  readonly what: string;
  /** The node that an operator registers again after a refusal. */
  readonly node_id?: string;
  /** What to look at when the backend refuses the registrar, whatever the node. */
  readonly setUp: string;
}

/**
 * Calls a backend in an activity; not at all once the activity is cancelled. No error text is longer than 1,000
 * characters.
 *
 * @param work is given the activity's signal, which is aborted on cancellation
 * @throws ApplicationFailure of type REFUSED or UNAVAILABLE, with the backend's own words and what to do next
 */
export async function callBackend<T>(call: BackendCall, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const signal = cancellationSignal();
  signal.throwIfAborted();
  try {
    return await work(signal);
  } catch (error) {
    // A cancelled call ends with the cancellation, not with a failure of the backend.
    signal.throwIfAborted();
    throw failure(call, error);
  }
}

/**
 * Brings an intent to Consul.
 *
 * @param what names the work, given the node: (node) => `register ${node}`
 */
export async function callConsul(
  catalog: Catalog,
  request: EffectRequest,
  what: (node: string) => string,
  work: (payload: ConsulPayload, signal: AbortSignal) => Promise<Written>,
): Promise<EffectResult> {
  const call: BackendCall = {
    backend: `Consul at ${catalog.url}`,
    what: what(nodeOf(request)),
    node_id: request.node_id,
    setUp:
      'check CONSUL_HTTP_TOKEN, its policy (node:write and service:write on "onex-"), the scheme of the address ' +
      'and the certificates',
  };
  // The payload is parsed within the call, so that a bad one ends as every refusal does.
  return effectResult(request, await callBackend(call, (signal) => work(payloadOf(ConsulPayload, request), signal)));
}

/**
 * Brings an intent to PostgreSQL.
 *
 * @param what names the work, given the node: (node) => `update the registry row of ${node}`
 */
export async function callPostgres<Payload>(
  pool: Pool,
  request: EffectRequest,
  what: (node: string) => string,
  schema: z.ZodType<Payload>,
  work: (sql: Sql, payload: Payload) => Promise<Written>,
): Promise<EffectResult> {
  const call: BackendCall = {
    backend: `PostgreSQL at ${databaseAddress(pool)}`,
    what: what(nodeOf(request)),
    node_id: request.node_id,
    setUp: DATABASE_SET_UP,
  };
  const written = await callBackend(call, (signal) => {
    const payload = payloadOf(schema, request);
    return whileWanted(pool, signal, (sql) => work(sql, payload));
  });
  return effectResult(request, written);
}

function nodeOf({ node_id, attempt, intent }: EffectRequest): string {
  return `node ${node_id} (${intent.target}), registration attempt ${attempt}`;
}

/** An intent whose payload lacks what its backend needs: its template in the contract is wrong. */
class BadPayload extends Error {}

function payloadOf<Payload>(schema: z.ZodType<Payload>, { node_id, intent }: EffectRequest): Payload {
  const parsed = schema.safeParse(intent.payload);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'payload'}: ${message}`);
    throw new BadPayload(`the intent ${intent.payload.intent_type} lacks what it needs (${problems.join('; ')})`);
  }
  if ((parsed.data as { node_id?: unknown }).node_id !== node_id) {
    throw new BadPayload(`the intent ${intent.payload.intent_type} names another node than its request`);
  }
  return parsed.data;
}

/**
 * The failure of a call. Whether a refusal is final is the workflow's decision: for a registration it is, for the
 * effects of later steps it is not.
 */
function failure({ backend, what, node_id, setUp }: BackendCall, error: unknown): ApplicationFailure {
  const next = node_id === undefined ? '' : `, then: registrar retry ${node_id}`;
  if (error instanceof BadPayload) {
    const fix = "Correct the intent's template in the reducer's contract";
    return failed(REFUSED, error, (words) => `Cannot ${what}: ${words}. ${fix}${next}`);
  }
  const kind = kindOf(error);
  if (kind === 'refused') {
    const fix = 'Next: correct the data that the node sends';
    return failed(REFUSED, error, (words) => `${backend} refused to ${what}: ${words}. ${fix}${next}`);
  }
  const outlook = `retried until it does (this was try ${activityInfo().attempt})`;
  if (kind === 'misconfigured') {
    emitMisconfigured(backend, setUp, error);
    return failed(
      UNAVAILABLE,
      error,
      (words) => `${backend} does not let the registrar ${what}: ${words}. Next: ${setUp}; ${outlook}`,
    );
  }
  return failed(UNAVAILABLE, error, (words) => `${backend} did not ${what}: ${words}; ${outlook}`);
}

const log = logger('worker');
const minute = new OnceAMinute();

/** Every node waits for it, and only an operator can mend it: it is logged as an error, and counted. */
function emitMisconfigured(backend: string, setUp: string, error: unknown): void {
  metricMeter
    .createCounter('registrar_backend_misconfigured', 'calls', 'calls that a backend refuses the registrar')
    .add(1, { backend: backend.split(' ')[0] ?? backend });
  const text = `${backend} refuses the registrar, whatever the node; nodes wait until it is mended: ${setUp}`;
  if (minute.isDue(text)) log.error({ reason: oneLine(errorText(error)) }, text);
}

/** The backend's own words are what is cut: whatever an operator should do stands behind them. */
function failed(type: string, error: unknown, text: (words: string) => string): ApplicationFailure {
  const words = oneLine(errorText(error), Math.max(100, LONGEST - text('').length));
  return shortFailure(type, error, words, (cut) => oneLine(text(cut)));
}

/** SQLSTATE, class 22: a value that no column of its type takes. Only a node's data can be that. */
const ABOUT_THE_NODE = /^22/;

/**
 * SQLSTATE classes of what the registrar is or finds, whatever the node: a table, column or right that is missing (42),
 * a constraint that somebody has added (23), an unknown database or schema (3D, 3F), a wrong user or password (28).
 */
const OUR_SET_UP = /^(23|28|3D|3F|42)/;

/** Only what is known to be about the node is refused; whatever is not known is worth another try. */
function kindOf(error: unknown): Exclude<ConsulFailure, 'stale'> {
  if (error instanceof ConsulError) return error.kind === 'stale' ? 'away' : error.kind;
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  // SQLSTATE has five characters; ECONNREFUSED and the like do not.
  if (code.length !== 5) return 'away';
  if (ABOUT_THE_NODE.test(code)) return 'refused';
  return OUR_SET_UP.test(code) ? 'misconfigured' : 'away';
}
