import type { Sql } from '../pool.js';

/** A node's row with its lease beside it; the lease's columns are null where none is open. */
export interface RegistryRow {
  readonly node_id: string;
  readonly node_type: string;
  readonly node_version: string;
  readonly state: string;
  readonly reducer_status: string;
  readonly attempt: number;
  readonly reason: string | null;
  readonly state_since: string;
  readonly active_at: string | null;
  readonly ended_at: string | null;
  readonly ack_deadline: string | null;
  readonly liveness_deadline: string | null;
  readonly capabilities: readonly string[];
  readonly endpoints: Readonly<Record<string, string>>;
  readonly correlation_id: string;
  readonly epoch: number | null;
  readonly introspected_at: string;
  readonly contract_version: string;
  readonly created_at: string;
  readonly updated_at: string;
  readonly lease_deadline: string | null;
  readonly last_heartbeat_at: string | null;
  readonly expired_at: string | null;
}

/** Shared by everybody who reads registry rows. */
export const ROW_WITH_LEASE = `
  select r.*, l.deadline as lease_deadline, l.last_heartbeat_at, l.expired_at
  from node_registrations r left join node_leases l on l.node_id = r.node_id and l.attempt = r.attempt`;

export async function readRegistryRow(sql: Sql, nodeId: string): Promise<RegistryRow | null> {
  const { rows } = await sql.query<RegistryRow>(`${ROW_WITH_LEASE} where r.node_id = $1`, [nodeId]);
  return rows[0] ?? null;
}
