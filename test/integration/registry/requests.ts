import type { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import type { Pool } from 'pg';
import { expect } from 'vitest';
import type { EffectRequest, EffectResult } from '../../../activities/api.js';

/** Requests to the effects as a workflow sends them, and how their activities run outside a worker. */

export const CONTRACT = '1.0.0+test';
export const INTROSPECTED = '2026-01-31T12:00:00.000Z';

/** Failures are asserted by the tests; a worker's warnings about them are of no use. */
const silent = new DefaultLogger('ERROR');

/** An activity's environment; `cancel` cancels it. */
export const environment = (): MockActivityEnvironment => new MockActivityEnvironment({}, { logger: silent });

/** Runs an activity as a worker would. */
export function run<Args extends unknown[], Result>(
  activity: (...args: Args) => Promise<Result>,
  ...args: Args
): Promise<Result> {
  return environment().run(activity, ...args);
}

export async function failureOf(outcome: Promise<unknown>): Promise<ApplicationFailure> {
  return outcome.then(
    (value) => expect.fail(`expected a failure, got ${JSON.stringify(value)}`),
    (error: unknown) => error as ApplicationFailure,
  );
}

/** The time so many seconds from now. */
export function seconds(from: number): string {
  return new Date(Date.now() + from * 1_000).toISOString();
}

export function identity(node_id: string) {
  return {
    node_id,
    node_type: 'effect',
    node_version: '1.2.3',
    endpoints: { health: 'http://10.0.0.9:8080/health', api: 'http://10.0.0.10/' },
    correlation_id: 'c-1',
  };
}

export function request(node_id: string, attempt: number, intent_type: string, payload: object): EffectRequest {
  return {
    node_id,
    attempt,
    confirmation: `${intent_type}.confirmed`,
    intent: { intent_type: 'extension', target: `test://${node_id}`, payload: { intent_type, ...payload } },
  };
}

export function upsert(node_id: string, attempt: number, changes: object = {}): EffectRequest {
  return request(node_id, attempt, 'postgres.upsert_registration', {
    ...identity(node_id),
    capabilities: ['a', 'b'],
    epoch: null,
    introspected_at: INTROSPECTED,
    contract_version: CONTRACT,
    state: 'PENDING_REGISTRATION',
    reducer_status: 'pending',
    ...changes,
  });
}

export function update(node_id: string, attempt: number, changes: object): EffectRequest {
  const whole = {
    reducer_status: 'complete',
    reason: null,
    lease: null,
    ack_deadline: null,
    liveness_deadline: null,
    window_seconds: 90,
    ended: false,
  };
  return request(node_id, attempt, 'postgres.update_registration', {
    ...upsert(node_id, attempt).intent.payload,
    ...whole,
    ...changes,
    intent_type: 'postgres.update_registration',
  });
}

/** Opens the lease with the row that says ACTIVE. */
export const active = (node_id: string, attempt: number, deadline: string, changes: object = {}): EffectRequest =>
  update(node_id, attempt, { state: 'ACTIVE', lease: 'open', liveness_deadline: deadline, ...changes });

/** Ends an attempt, and its lease with it. */
export const ended = (
  node_id: string,
  attempt: number,
  state = 'DEREGISTERED',
  reason: string | null = null,
): EffectRequest => update(node_id, attempt, { state, reason, lease: 'close', ended: true });

/** The answer of an effect that was applied. */
export function done({ node_id, confirmation, intent: { payload } }: EffectRequest): EffectResult {
  const { service_id } = payload;
  const whom = typeof service_id === 'string' ? { service_id } : { node_id };
  return { done: true, event: { event_type: confirmation, correlation_id: 'c-1', ...whom } };
}

/** Runs an effect, which must be applied. */
export async function apply(
  effect: (request: EffectRequest) => Promise<EffectResult>,
  request: EffectRequest,
): Promise<void> {
  expect(await run(effect, request)).toEqual(done(request));
}

export interface LeaseRow {
  readonly attempt: number;
  readonly deadline: string;
  readonly last_heartbeat_at: string | null;
  readonly expired_at: string | null;
}

export async function leaseOf(pool: Pool, node_id: string): Promise<LeaseRow | undefined> {
  const { rows } = await pool.query<LeaseRow>('select * from node_leases where node_id = $1', [node_id]);
  return rows[0];
}
