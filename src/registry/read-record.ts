import type { NodeRecord } from '../../activities/api.js';
import { derivedId } from '../protocol/ids.js';
import type { Introspection } from '../protocol/messages.js';
import type { Sql } from './pool.js';

type Row = Omit<NodeRecord, 'introspection'> & Pick<Introspection, 'node_id' | 'node_type' | 'node_version' | 'endpoints' | 'capabilities'>;

export async function readRecord(sql: Sql, nodeId: string): Promise<NodeRecord | null> {
  const { rows } = await sql.query<Row>(
    `select attempt, correlation_id, epoch, introspected_at, state, reason, node_id, node_type, node_version, endpoints, capabilities
       from node_registrations where node_id = $1`,
    [nodeId],
  );
  const [row] = rows;
  if (row === undefined) return null;
  const { attempt, correlation_id, epoch, introspected_at, state, reason, ...identity } = row;
  const message_id = derivedId(nodeId, correlation_id, 'record', attempt);
  const introspection: Introspection = { ...identity, message_id, correlation_id, epoch, reason: 'startup', at: introspected_at };
  return { attempt, correlation_id, epoch, introspected_at, state, reason, introspection };
}
