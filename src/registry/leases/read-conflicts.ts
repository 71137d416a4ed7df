import type { Sql } from '../pool.js';

/** A process that sends heartbeats under the id of a node, and is not the registered one. */
export interface Conflict {
  readonly instance_id: string;
  /** The process that is registered. */
  readonly registered: string | null;
  readonly since: string;
  readonly last_seen: string;
  /** It was seen within the last lease duration. */
  readonly lasts: boolean;
}

/** Of one that has become the registered one since, nothing is said. */
const OTHERS = `
  from instance_conflicts other left join node_leases lease using (node_id)
  where other.instance_id is distinct from lease.instance_id`;

/** The other processes of a node that were seen within the last day, the newest first. */
export async function readConflicts(sql: Sql, nodeId: string, window_seconds: number): Promise<Conflict[]> {
  const { rows } = await sql.query<Conflict>(
    `select other.instance_id, lease.instance_id as registered, since, last_seen,
       last_seen > now() - make_interval(secs => $2) as lasts
     ${OTHERS} and other.node_id = $1 and last_seen > now() - interval '1 day' order by last_seen desc`,
    [nodeId, window_seconds],
  );
  return rows;
}

/** The nodes that have another process now. */
export async function conflictingNodes(sql: Sql, window_seconds: number): Promise<readonly string[]> {
  const { rows } = await sql.query<{ node_id: string }>(
    `select distinct node_id ${OTHERS} and last_seen > now() - make_interval(secs => $1)`,
    [window_seconds],
  );
  return rows.map(({ node_id }) => node_id);
}

/** How many nodes have another process now. */
export async function countConflicts(sql: Sql, window_seconds: number): Promise<number> {
  const { rows } = await sql.query<{ nodes: number }>(
    `select count(distinct node_id)::integer as nodes
     ${OTHERS} and last_seen > now() - make_interval(secs => $1)`,
    [window_seconds],
  );
  return rows[0]?.nodes ?? 0;
}
