import type { Sql } from '../pool.js';

/** A registration attempt that has not ended, as far as Consul shows it. */
export interface LastingRow {
  readonly node_id: string;
  readonly node_type: string;
  readonly node_version: string;
  readonly state: string;
  readonly attempt: number;
  readonly endpoints: Readonly<Record<string, string>>;
}

/** One page of the attempts that have not ended, in the order of their node ids. */
export async function pageLasting(
  sql: Sql,
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<LastingRow[]> {
  const { rows } = await sql.query<LastingRow>(
    `select node_id, node_type, node_version, state, attempt, endpoints
     from node_registrations where ended_at is null and node_id > $1 order by node_id limit $2`,
    [after, limit],
  );
  return rows;
}

/** Nodes that have a lease, and no row at all: somebody has deleted it. */
export async function findLeasesWithoutRow(sql: Sql, limit: number): Promise<string[]> {
  const { rows } = await sql.query<{ node_id: string }>(
    `select node_id from node_leases lease
     where expired_at is null and deadline > now()
       and not exists (select from node_registrations held where held.node_id = lease.node_id)
     order by node_id limit $1`,
    [limit],
  );
  return rows.map(({ node_id }) => node_id);
}
