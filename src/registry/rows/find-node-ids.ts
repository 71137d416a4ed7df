import type { Sql } from '../pool.js';

/**
 * Ids that begin so: those of attempts that last first, then the newest.
 *
 * @param limit ids at most
 */
export async function findNodeIds(sql: Sql, prefix: string, limit: number): Promise<string[]> {
  const { rows } = await sql.query<{ node_id: string }>(
    `select node_id from node_registrations where starts_with(node_id, $1)
     order by ended_at is not null, state_since desc limit $2`,
    [prefix, limit],
  );
  return rows.map(({ node_id }) => node_id);
}
