import type { Sql } from '../pool.js';

/** An attempt that has neither ended nor a lease, for longer than a registration takes. */
export interface Unfinished {
  readonly node_id: string;
  readonly node_type: string;
  readonly node_version: string;
  readonly attempt: number;
  /** When its row entered its state, as the database writes it. */
  readonly state_since: string;
}

export interface UnfinishedSearch {
  /** Rows that entered their state less long ago belong to nodes that are just being registered. Seconds. */
  readonly older_than_seconds: number;
  /** Rows at most. */
  readonly limit: number;
  /** The node_id after which this page begins; "" for the first. */
  readonly after: string;
}

/**
 * `state_since` shows how long an attempt has not come on. The time of the last write does not: a node's changed data
 * write the row without bringing the attempt on.
 */
const statement = `
  select node_id, node_type, node_version, attempt, state_since::text
  from node_registrations held
  where ended_at is null and state_since < now() - make_interval(secs => $1) and node_id > $2
    and not exists (select from node_leases lease where lease.node_id = held.node_id and lease.attempt = held.attempt)
  order by node_id
  limit $3`;

/** One page of unfinished attempts, in the order of their node ids. */
export async function findUnfinished(
  sql: Sql,
  { older_than_seconds, limit, after }: UnfinishedSearch,
): Promise<Unfinished[]> {
  const { rows } = await sql.query<Unfinished>(statement, [older_than_seconds, after, limit]);
  return rows;
}
