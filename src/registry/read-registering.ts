import type { Sql } from './pool.js';

/** Which of these nodes are just being registered: they have a record, and will have a lease when they are active. */
export async function readRegistering(sql: Sql, nodeIds: readonly string[]): Promise<string[]> {
  const { rows } = await sql.query<{ node_id: string }>(
    'select node_id from node_registrations where node_id = any($1) and ended_at is null and active_at is null',
    [nodeIds],
  );
  return rows.map((row) => row.node_id);
}
