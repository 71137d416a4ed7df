import { activityInfo, cancellationSignal } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { Pool } from 'pg';
import type { z } from 'zod';
import { errorText } from '../src/error-text.js';
import type { Catalog } from '../src/registry/consul/catalog.js';
import { ConsulError } from '../src/registry/consul/error.js';
import { ConsulPayload } from '../src/protocol/intents.js';
import { placeOf } from '../src/registry/pool.js';
import type { Written } from '../src/registry/rows/written.js';
import { REFUSED, UNAVAILABLE, type EffectRequest, type EffectResult } from './api.js';
import { effectResult } from './effect-result.js';

export interface Asked {
  /** "Consul at http://127.0.0.1:8500": who was asked, and where. */
  readonly backend: string;
  /** "register node abc-123, attempt 2": what it was asked for. */
  readonly what: string;
  /** Which node, for whoever has to act on a refusal. */
  readonly node_id?: string;
  /** What to look at when the backend refuses. */
  readonly ifRefused: string;
}

/**
 * Asks a backend, in an activity: not at all once the activity is cancelled,
 * and every failure comes out as an ApplicationFailure of one of two types,
 * with the backend's own words and what happens or is to be done next.
 *
 * @param ask is given the activity's signal; it is aborted on cancellation
 */
export async function asking<T>(asked: Asked, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const signal = cancellationSignal();
  signal.throwIfAborted();
  try {
    return await ask(signal);
  } catch (error) {
    // What a cancelled call ends with is the cancellation, not a failure of the backend.
    signal.throwIfAborted();
    throw failure(asked, error);
  }
}

/** Asks Consul to carry out an intent; `verb` reads before "node abc-123". */
export async function askingConsul(
  catalog: Catalog,
  request: EffectRequest,
  verb: string,
  ask: (payload: ConsulPayload, signal: AbortSignal) => Promise<Written>,
): Promise<EffectResult> {
  const written = await asking(
    {
      backend: `Consul at ${catalog.url}`,
      what: `${verb} node ${request.node_id}, attempt ${request.attempt}`,
      node_id: request.node_id,
      ifRefused:
        'look at the policy of the token (it needs node:write, service:write and read) and at what the node ' +
        'says about itself',
    },
    // Parsed in here, so that a payload that does not hold ends as every refusal does.
    (signal) => ask(payloadOf(ConsulPayload, request), signal),
  );
  return effectResult(request, written);
}

/** Asks PostgreSQL to carry out an intent; `verb` reads before "node abc-123". */
export async function askingPostgres<P>(
  pool: Pool,
  request: EffectRequest,
  verb: string,
  schema: z.ZodType<P>,
  ask: (payload: P) => Promise<Written>,
): Promise<EffectResult> {
  const written = await asking(
    {
      backend: `PostgreSQL at ${placeOf(pool)}`,
      what: `${verb} node ${request.node_id}, attempt ${request.attempt}`,
      node_id: request.node_id,
      ifRefused: 'look at the rights of the database user and at what the node says about itself',
    },
    () => ask(payloadOf(schema, request)),
  );
  return effectResult(request, written);
}

/** An intent whose payload does not hold what its backend needs: the template in the contract is wrong. */
class BadPayload extends Error {}

function payloadOf<P>(schema: z.ZodType<P>, { node_id, intent }: EffectRequest): P {
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
 * Whether a refusal is final is the workflow's to say: it is for a registration, and not for what repairs or ends one.
 */
function failure(asked: Asked, error: unknown): ApplicationFailure {
  const { backend, what, node_id, ifRefused } = asked;
  const cause = error instanceof Error ? error : new Error(String(error));
  const next = node_id === undefined ? '' : `, then: registrar retry ${node_id}`;
  if (cause instanceof BadPayload) {
    return ApplicationFailure.create({
      type: REFUSED,
      message: `Cannot ${what}: ${cause.message}. Correct the intent's template in the reducer's contract${next}`,
    });
  }
  if (isRefusal(cause)) {
    return ApplicationFailure.create({
      type: REFUSED,
      message: `${backend} refused to ${what}: ${errorText(cause)}. Next: ${ifRefused}${next}`,
      cause,
    });
  }
  const tried = activityInfo().attempt;
  return ApplicationFailure.create({
    type: UNAVAILABLE,
    message: `${backend} did not ${what}: ${errorText(cause)}; retried until it does (this was try ${tried})`,
    cause,
  });
}

/** Data, integrity and permission: the statement will not succeed by being repeated. */
const REFUSED_SQL = /^(22|23|42)/;

/** A missing schema, table or column is a database that has not been migrated yet: not the node's fault. */
const NOT_MIGRATED = new Set(['42P01', '42703']);

/** Only what is known to be permanent is refused; whatever is not known is worth another try. */
function isRefusal(error: Error): boolean {
  if (error instanceof ConsulError) return error.refused;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  // SQLSTATE has five characters; ECONNREFUSED and the like do not.
  return code.length === 5 && REFUSED_SQL.test(code) && !NOT_MIGRATED.has(code);
}
