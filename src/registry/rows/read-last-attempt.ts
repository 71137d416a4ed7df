import { derivedId } from '../../protocol/ids.js';
import type { Introspection } from '../../protocol/introspection.js';
import type { Sql } from '../pool.js';
import type { LastingAttempt, NodeRow } from './node-row.js';

type Identity = Pick<Introspection, 'node_id' | 'node_type' | 'node_version' | 'endpoints' | 'capabilities'>;
type Row = Omit<NodeRow, 'introspection' | 'lasting' | 'unfinished'> &
  Identity &
  LastingAttempt & { readonly has_lease: boolean };

/** The registry row of a node, as a fresh run needs it; null if there is none. */
export async function readLastAttempt(sql: Sql, nodeId: string): Promise<NodeRow | null> {
  const { rows } = await sql.query<Row>(
    `select attempt, correlation_id, epoch, introspected_at, state, reason, node_id, node_type, node_version,
        endpoints, capabilities,
        reducer_status, state_since, ack_deadline, liveness_deadline,
        (select instance_id from node_leases lease
          where lease.node_id = held.node_id and lease.attempt = held.attempt) as instance_id,
        ended_at,
        exists (
          select from node_leases lease
          where lease.node_id = held.node_id and lease.attempt = held.attempt) as has_lease
       from node_registrations held where node_id = $1`,
    [nodeId],
  );
  const [row] = rows;
  if (row === undefined) return null;
  const {
    attempt,
    correlation_id,
    epoch,
    introspected_at,
    state,
    reason,
    ended_at = null,
    has_lease,
    instance_id,
    reducer_status,
    state_since,
    ack_deadline,
    liveness_deadline,
    ...identity
  } = row;
  const message_id = derivedId(nodeId, correlation_id, 'record', attempt);
  const introspection: Introspection = {
    ...identity,
    message_id,
    correlation_id,
    epoch,
    reason: 'startup',
    at: introspected_at,
  };
  const open = ended_at === null;
  const lasting = open && has_lease ? { state_since, ack_deadline, liveness_deadline } : null;
  const last = { attempt, correlation_id, epoch, introspected_at, state, reducer_status, reason, ended_at };
  return { ...last, introspection, lasting, unfinished: open && !has_lease, instance_id: instance_id ?? null };
}
