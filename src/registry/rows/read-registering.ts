import type { Sql } from '../pool.js';

/**
 * Which of these nodes, found without a lease, are just being registered: they
 * have a record, and will have a lease when they are active, or have it now
 * because that happened between the two looks.
 */
export async function readRegistering(sql: Sql, nodeIds: readonly string[]): Promise<string[]> {
  const { rows } = await sql.query<{ node_id: string }>(
    `select node_id from node_registrations record where node_id = any($1) and ended_at is null
       and (active_at is null or exists (select from node_leases lease where lease.node_id = record.node_id and expired_at is null))`,
    [nodeIds],
  );
  return rows.map((row) => row.node_id);
}
