import { REGISTRATION_WITH_LEASE, type Registration } from './read-registration.js';
import type { Sql } from '../pool.js';

/** The rows of these nodes; those without one are missing. */
export async function readRegistrations(sql: Sql, nodeIds: readonly string[]): Promise<Registration[]> {
  if (nodeIds.length === 0) return [];
  const { rows } = await sql.query<Registration>(`${REGISTRATION_WITH_LEASE} where r.node_id = any($1)`, [nodeIds]);
  return rows;
}
