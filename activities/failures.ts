import { activityInfo, cancellationSignal } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { Pool } from 'pg';
import type { z } from 'zod';
import { errorText } from '../src/error-text.js';
import { ConsulPayload } from '../src/protocol/intents.js';
import type { Catalog } from '../src/registry/consul/catalog.js';
import { ConsulError } from '../src/registry/consul/error.js';
import { placeOf } from '../src/registry/pool.js';
import type { Written } from '../src/registry/rows/written.js';
import { REFUSED, UNAVAILABLE, type EffectRequest, type EffectResult } from './api.js';
import { cut, LONGEST } from './cut.js';
import { effectResult } from './effect-result.js';

/** A call of a backend, in the words of its error texts. */
export interface BackendCall {
  /** Name and address: "Consul at http://127.0.0.1:8500". */
  readonly backend: string;
  /** What the backend should do: "register node abc-123 (consul://service/onex-effect-abc-123), registration attempt 2". */
  readonly what: string;
  /** The node that an operator registers again after a refusal. */
  readonly node_id?: string;
  /** What to look at when the backend refuses. */
  readonly ifRefused: string;
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
    ifRefused:
      'check the policy of the token (it needs node:write, service:write and read) and the data that the node sends',
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
  work: (payload: Payload) => Promise<Written>,
): Promise<EffectResult> {
  const call: BackendCall = {
    backend: `PostgreSQL at ${placeOf(pool)}`,
    what: what(nodeOf(request)),
    node_id: request.node_id,
    ifRefused: 'check the rights of the database user and the data that the node sends',
  };
  return effectResult(request, await callBackend(call, () => work(payloadOf(schema, request))));
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
function failure({ backend, what, node_id, ifRefused }: BackendCall, error: unknown): ApplicationFailure {
  const next = node_id === undefined ? '' : `, then: registrar retry ${node_id}`;
  if (error instanceof BadPayload) {
    const fix = "Correct the intent's template in the reducer's contract";
    return failed(REFUSED, error, (words) => `Cannot ${what}: ${words}. ${fix}${next}`);
  }
  if (isRefusal(error))
    return failed(REFUSED, error, (words) => `${backend} refused to ${what}: ${words}. Next: ${ifRefused}${next}`);
  const tried = activityInfo().attempt;
  const outlook = `retried until it does (this was try ${tried})`;
  return failed(UNAVAILABLE, error, (words) => `${backend} did not ${what}: ${words}; ${outlook}`);
}

/** The backend's own words are what is cut: whatever an operator should do stands behind them. */
function failed(type: string, error: unknown, text: (words: string) => string): ApplicationFailure {
  const words = cut(errorText(error), Math.max(100, LONGEST - text('').length));
  return ApplicationFailure.create({ type, message: cut(text(words)), cause: causeOf(error, words) });
}

/** The cause goes into the history with its message and its stack, which repeats the message: both have to be short. */
function causeOf(error: unknown, words: string): Error {
  return error instanceof Error && error.message === words ? error : new Error(words);
}

/** Data, integrity and permission: the statement will not succeed by being repeated. */
const REFUSED_SQL = /^(22|23|42)/;

/** A missing schema, table or column is a database that has not been migrated yet: not the node's fault. */
const NOT_MIGRATED = new Set(['42P01', '42703']);

/** Only what is known to be permanent is refused; whatever is not known is worth another try. */
function isRefusal(error: unknown): boolean {
  if (error instanceof ConsulError) return error.refused;
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  // SQLSTATE has five characters; ECONNREFUSED and the like do not.
  return code.length === 5 && REFUSED_SQL.test(code) && !NOT_MIGRATED.has(code);
}
