import { ALLOWED, IDENTITY_AND_TIMES, NEWER, SAME_AND_OPEN, setWhen } from './fence.js';
import type { UpdatePayload } from '../../protocol/intents.js';
import type { Sql } from '../pool.js';
import { rowValues } from './upsert-registration.js';
import { endedBefore, written, type Written } from './written.js';

/** The row: inserted whole if it is missing (an admission rule refused the node; the table was lost). */
const row = `
  insert into node_registrations as held (
    node_id, node_type, node_version, state, reducer_status, attempt,
    capabilities, endpoints, correlation_id, epoch, introspected_at, contract_version,
    reason, ack_deadline, liveness_deadline, active_at, ended_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
    $13, $14, $15, case when $16 then now() end, case when $17 then now() end)
  on conflict (node_id) do update set
    ${setWhen(ALLOWED, ['node_type', 'node_version', 'capabilities', 'endpoints'])},
    ${setWhen(ALLOWED, ['state', 'reducer_status', 'reason', 'ended_at'])},
    state_since = case
      when ${NEWER} or (${SAME_AND_OPEN} and excluded.state <> held.state) then excluded.state_since
      else held.state_since end,
    ${['ack_deadline', 'liveness_deadline']
      .map(
        (column) => `${column} = case
      when ${NEWER} then excluded.${column}
      when ${SAME_AND_OPEN} then coalesce(excluded.${column}, held.${column})
      else held.${column} end`,
      )
      .join(',\n    ')},
    active_at = case
      when ${NEWER} then excluded.active_at
      when ${SAME_AND_OPEN} then coalesce(held.active_at, excluded.active_at)
      else held.active_at end,
    ${IDENTITY_AND_TIMES}
  returning held.node_id, held.attempt, held.state, held.ended_at`;

/**
 * The lease opens and closes with the row, in the same statement and so in the same transaction: only by the attempt
 * that holds the row, and only while that attempt lasts.
 *
 * A lease never opens in the past: the worker or this database may have been away since the ack, and no node was silent
 * before somebody listened.
 */
const lease = {
  /** A lease that the same attempt opens again keeps its deadline: a repair is no heartbeat. */
  open: `
  insert into node_leases as held (node_id, attempt, deadline, window_seconds, instance_id)
  select written.node_id, $6, greatest($15::timestamptz, now() + make_interval(secs => $19)), $18, $20
  from written where written.attempt = $6 and written.ended_at is null
  on conflict (node_id) do update set
    ${setWhen(NEWER, ['deadline', 'last_heartbeat_at', 'expired_at', 'opened_at', 'instance_id'])},
    ${setWhen('excluded.attempt >= held.attempt', ['window_seconds'])},
    attempt = greatest(held.attempt, excluded.attempt)
  returning held.attempt`,
  close: `
  delete from node_leases using written
  where node_leases.node_id = written.node_id and written.attempt = $6 and node_leases.attempt <= $6
  returning node_leases.attempt`,
};

const answer = (leaseAttempt: string): string => `
  select written.attempt, written.state, written.ended_at, ${leaseAttempt} as lease_attempt from written`;

const withLease = (lease: string): string =>
  `with written as (${row}), lease as (${lease}) ${answer('(select attempt from lease)')}`;

const statements = {
  open: withLease(lease.open),
  close: withLease(lease.close),
  none: `with written as (${row}) ${answer('null::integer')}`,
};

/** Whose registration it is. */
export interface Writer {
  readonly attempt: number;
  /** The node's process, where it says who it is: its lease is renewed by no other. */
  readonly instance_id?: string;
}

/** The row after the write, and its lease. */
interface Held {
  readonly attempt: number;
  readonly state: string;
  readonly ended_at: string | null;
  readonly lease_attempt: number | null;
}

/**
 * Writes the state of a node, and opens or closes its lease with it. An attempt that has ended stays as it ended: a
 * late repeat of "active" revives neither the row nor its lease.
 *
 * A write that finds its own attempt ended was not applied, and answers so; except for the repeat of that same end,
 * which is done.
 */
export async function updateRegistration(
  sql: Sql,
  { attempt, instance_id }: Writer,
  node: UpdatePayload,
): Promise<Written> {
  const opens = node.lease === 'open';
  const { rows } = await sql.query<Held>(statements[node.lease ?? 'none'], [
    ...rowValues(attempt, node),
    node.reason,
    node.ack_deadline,
    node.liveness_deadline,
    opens,
    node.ended,
    ...(opens ? [Math.ceil(node.window_seconds), node.first_deadline_seconds, instance_id ?? null] : []),
  ]);
  const [held] = rows;
  if (held === undefined) throw new Error('writing a registry row returned none: its update always runs');
  const isThisEnd = node.ended && held.state === node.state;
  if (held.attempt === attempt && held.ended_at !== null && !isThisEnd) return endedBefore(attempt);
  return written(attempt, Math.max(held.attempt, held.lease_attempt ?? 0));
}
