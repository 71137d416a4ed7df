import { ALLOWED, IDENTITY_AND_TIMES, NEWER, SAME_AND_OPEN, takeWhen } from './fence.js';
import type { UpdatePayload } from '../../protocol/intents.js';
import type { Sql } from '../pool.js';
import { recordValues } from './upsert-registration.js';
import { written, type Written } from './written.js';

/** The row: inserted whole if it is missing (an admission rule refused the node; the table was lost). */
const record = `
  insert into node_registrations as held (
    node_id, node_type, node_version, state, reducer_status, attempt,
    capabilities, endpoints, correlation_id, epoch, introspected_at, contract_version,
    reason, ack_deadline, liveness_deadline, active_at, ended_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
    $13, $14, $15, case when $16 then now() end, case when $17 then now() end)
  on conflict (node_id) do update set
    ${takeWhen(NEWER, ['node_type', 'node_version', 'capabilities', 'endpoints'])},
    ${takeWhen(ALLOWED, ['state', 'reducer_status', 'reason', 'ended_at'])},
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
  returning held.node_id, held.attempt, held.ended_at`;

/**
 * The lease moves with the record, in the same statement and so in the same
 * transaction. Only by the attempt that holds the row, and only while it lasts.
 */
const lease = {
  /** Opened again by the same attempt, the lease keeps what heartbeats have made of it in between. */
  open: `
  insert into node_leases as held (node_id, attempt, deadline, window_seconds)
  select record.node_id, $6, $15::timestamptz, $18 from record where record.attempt = $6 and record.ended_at is null
  on conflict (node_id) do update set
    deadline = case
      when ${NEWER} then excluded.deadline
      when excluded.attempt = held.attempt then greatest(held.deadline, excluded.deadline)
      else held.deadline end,
    ${takeWhen(NEWER, ['last_heartbeat_at', 'expired_at', 'opened_at'])},
    ${takeWhen('excluded.attempt >= held.attempt', ['window_seconds'])},
    attempt = greatest(held.attempt, excluded.attempt)
  returning held.attempt`,
  close: `
  delete from node_leases using record
  where node_leases.node_id = record.node_id and record.attempt = $6 and node_leases.attempt <= $6
  returning node_leases.attempt`,
};

const answer = 'select record.attempt as record_attempt, ';

const statements = {
  open: `with record as (${record}), lease as (${lease.open}) ${answer} (select attempt from lease) as lease_attempt from record`,
  close: `with record as (${record}), lease as (${lease.close}) ${answer} (select attempt from lease) as lease_attempt from record`,
  none: `with record as (${record}) ${answer} null::integer as lease_attempt from record`,
};

/**
 * Records what has become of a node, and opens or closes its lease with it.
 * An attempt that has ended stays as it ended: a late repeat of "active"
 * neither revives the row nor its lease.
 */
export async function updateRegistration(sql: Sql, attempt: number, node: UpdatePayload): Promise<Written> {
  const opens = node.lease === 'open';
  const { rows } = await sql.query<{ record_attempt: number; lease_attempt: number | null }>(
    statements[node.lease ?? 'none'],
    [
      ...recordValues(attempt, node),
      node.reason,
      node.ack_deadline,
      node.liveness_deadline,
      opens,
      node.ended,
      ...(opens ? [Math.ceil(node.window_seconds)] : []),
    ],
  );
  const holder = Math.max(attempt, rows[0]?.record_attempt ?? 0, rows[0]?.lease_attempt ?? 0);
  return written(attempt, holder);
}
