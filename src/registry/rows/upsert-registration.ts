import { ALLOWED, IDENTITY_AND_TIMES, NEWER, setWhen } from './fence.js';
import type { UpsertPayload } from '../../protocol/intents.js';
import type { Sql } from '../pool.js';
import { endedBefore, written, type Written } from './written.js';

const statement = `
  insert into node_registrations as held (
    node_id, node_type, node_version, state, reducer_status, attempt,
    capabilities, endpoints, correlation_id, epoch, introspected_at, contract_version)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
  on conflict (node_id) do update set
    ${setWhen(ALLOWED, ['node_type', 'node_version', 'capabilities', 'endpoints'])},
    ${setWhen(NEWER, ['state', 'reducer_status', 'reason', 'state_since', 'active_at', 'ended_at'])},
    ${setWhen(NEWER, ['ack_deadline', 'liveness_deadline'])},
    ${IDENTITY_AND_TIMES}
  returning attempt, ended_at`;

/**
 * Writes who a node is. A higher attempt begins the row anew; the same attempt refreshes the node's data and leaves how
 * far it has come; an attempt that has ended stays as it ended.
 */
export async function upsertRegistration(sql: Sql, attempt: number, node: UpsertPayload): Promise<Written> {
  const { rows } = await sql.query<{ attempt: number; ended_at: string | null }>(statement, rowValues(attempt, node));
  const [row] = rows;
  if (row === undefined) throw new Error('writing a registry row returned none: its update always runs');
  return row.attempt === attempt && row.ended_at !== null ? endedBefore(attempt) : written(attempt, row.attempt);
}

/** $1 to $12 of every statement that writes a whole registry row. */
export function rowValues(attempt: number, node: UpsertPayload): unknown[] {
  return [
    node.node_id,
    node.node_type,
    node.node_version,
    node.state,
    node.reducer_status,
    attempt,
    node.capabilities,
    JSON.stringify(node.endpoints),
    node.correlation_id,
    node.epoch,
    node.introspected_at,
    node.contract_version,
  ];
}
