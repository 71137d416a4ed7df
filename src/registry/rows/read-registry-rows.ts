import { ROW_WITH_LEASE, type RegistryRow } from './read-registry-row.js';
import type { Sql } from '../pool.js';

/** The rows of these nodes; those without one are missing. */
export async function readRegistryRows(sql: Sql, nodeIds: readonly string[]): Promise<RegistryRow[]> {
  if (nodeIds.length === 0) return [];
  const { rows } = await sql.query<RegistryRow>(`${ROW_WITH_LEASE} where r.node_id = any($1)`, [nodeIds]);
  return rows;
}
