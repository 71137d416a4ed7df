import type { Sql } from '../pool.js';

/** The newest heartbeat of one node in a batch. */
export interface Beat {
  readonly node_id: string;
  /** When the broker recorded it; null: no broker did, and it counts from now. */
  readonly at: string | null;
}

/**
 * No heartbeat counts from a time that is still to come by the database's clock, whatever another machine's clock says.
 * A renewal gives the lease today's duration, so that a changed contract reaches the leases that are open.
 *
 * The rows are locked in the order of their ids: two bridges with heartbeats of the same nodes (heartbeats need not
 * carry a key) wait for each other instead of ending in a deadlock.
 */
const statement = `
  with beats as (
    select node_id, max(least(coalesce(at, now()), now())) as at
    from unnest($1::text[], $2::timestamptz[]) as beat(node_id, at) group by node_id
  ),
  open as materialized (
    select lease.node_id, beats.at from node_leases lease join beats using (node_id)
    where lease.expired_at is null
    order by lease.node_id for update of lease
  ),
  renewed as (
    update node_leases lease set
      deadline = greatest(lease.deadline, open.at + make_interval(secs => $3::float8)),
      window_seconds = ceil($3::float8)::integer,
      last_heartbeat_at = greatest(lease.last_heartbeat_at, open.at)
    from open where lease.node_id = open.node_id
    returning lease.node_id
  )
  select node_id from beats where not exists (select from renewed where renewed.node_id = beats.node_id)`;

/**
 * Renews the leases of a batch of heartbeats, never backwards, in one statement.
 *
 * @param window_seconds the lease duration
 * @returns nodes that have no open lease: unknown, ended or already expired
 */
export async function renewLeases(sql: Sql, beats: readonly Beat[], window_seconds: number): Promise<string[]> {
  if (beats.length === 0) return [];
  const { rows } = await sql.query<{ node_id: string }>(statement, [
    beats.map((beat) => beat.node_id),
    beats.map((beat) => beat.at),
    window_seconds,
  ]);
  return rows.map((row) => row.node_id);
}
