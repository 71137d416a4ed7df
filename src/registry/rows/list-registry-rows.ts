import { ROW_WITH_LEASE, type RegistryRow } from './read-registry-row.js';
import type { Sql } from '../pool.js';

export interface ListFilter {
  readonly state?: string;
  readonly node_type?: string;
  /** Rows at most. Default 1000. */
  readonly limit?: number;
}

/** The fleet, by type and id. */
export async function listRegistryRows(sql: Sql, filter: ListFilter = {}): Promise<RegistryRow[]> {
  const { rows } = await sql.query<RegistryRow>(
    `${ROW_WITH_LEASE}
     where ($1::text is null or r.state = $1) and ($2::text is null or r.node_type = $2)
     order by r.node_type, r.node_id
     limit $3`,
    [filter.state ?? null, filter.node_type ?? null, filter.limit ?? 1_000],
  );
  return rows;
}
