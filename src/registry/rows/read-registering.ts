import type { Sql } from '../pool.js';

/**
 * Which of these nodes, found without a lease, are just being registered. They have a registry row. They get a lease
 * when they are active, or have one by now, because that happened between the two statements.
 */
export async function readRegistering(sql: Sql, nodeIds: readonly string[]): Promise<string[]> {
  const { rows } = await sql.query<{ node_id: string }>(
    `select node_id from node_registrations held where node_id = any($1) and ended_at is null
       and (active_at is null or exists (
         select from node_leases lease where lease.node_id = held.node_id and expired_at is null))`,
    [nodeIds],
  );
  return rows.map((row) => row.node_id);
}
