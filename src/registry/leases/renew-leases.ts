import type { Sql } from '../pool.js';

/** The newest heartbeat of one process of a node in a batch. */
export interface Beat {
  readonly node_id: string;
  /** The process, where it says who it is. */
  readonly instance_id?: string;
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
    select node_id, instance_id, max(least(coalesce(at, now()), now())) as at
    from unnest($1::text[], $2::timestamptz[], $4::text[]) as beat(node_id, at, instance_id)
    group by node_id, instance_id
  ),
  open as materialized (
    select lease.node_id, lease.instance_id from node_leases lease
    where lease.node_id = any($1::text[]) and lease.expired_at is null
    order by lease.node_id for update of lease
  ),
  counting as (
    select open.node_id, max(beats.at) as at from open join beats using (node_id)
    where (open.instance_id = beats.instance_id) is not false group by open.node_id
  ),
  renewed as (
    update node_leases lease set
      deadline = greatest(lease.deadline, counting.at + make_interval(secs => $3::float8)),
      window_seconds = ceil($3::float8)::integer,
      last_heartbeat_at = greatest(lease.last_heartbeat_at, counting.at)
    from counting where lease.node_id = counting.node_id
  ),
  others as (
    insert into instance_conflicts as known (node_id, instance_id, since, last_seen)
    select beats.node_id, beats.instance_id, beats.at, beats.at from open join beats using (node_id)
    where open.instance_id <> beats.instance_id
    order by beats.node_id, beats.instance_id
    on conflict (node_id, instance_id) do update set
      since = case
        when excluded.last_seen > known.last_seen + 2 * make_interval(secs => $3::float8) then excluded.since
        else known.since end,
      last_seen = greatest(known.last_seen, excluded.last_seen)
    returning node_id, instance_id, since = last_seen as begins
  )
  select distinct node_id, null as instance_id, null as registered, false as begins from beats
  where not exists (select from open where open.node_id = beats.node_id)
  union all
  select node_id, others.instance_id, open.instance_id, others.begins from others join open using (node_id)`;

/** A process that beats under the id of a node while another process is registered under it. */
interface OtherProcess {
  readonly node_id: string;
  readonly instance_id: string;
  /** The process that the lease is of. */
  readonly registered: string;
  /** This is its first heartbeat, or its first one after a long pause. */
  readonly begins: boolean;
}

export interface Renewed {
  /** Nodes that have no open lease: unknown, ended or already expired. */
  readonly withoutLease: readonly string[];
  /** Their heartbeats have renewed nothing. */
  readonly others: readonly OtherProcess[];
}

type Row = { readonly node_id: string; readonly instance_id: null } | OtherProcess;

/**
 * Renews the leases of a batch of heartbeats, never backwards, in one statement. A lease whose process is known is not
 * renewed by another process; that one is written down. A heartbeat that does not say whose it is counts for any.
 *
 * @param window_seconds the lease duration
 */
export async function renewLeases(sql: Sql, beats: readonly Beat[], window_seconds: number): Promise<Renewed> {
  if (beats.length === 0) return { withoutLease: [], others: [] };
  const { rows } = await sql.query<Row>(statement, [
    beats.map(({ node_id }) => node_id),
    beats.map(({ at }) => at),
    window_seconds,
    beats.map(({ instance_id }) => instance_id ?? null),
  ]);
  return {
    withoutLease: rows.flatMap(({ node_id, instance_id }) => (instance_id === null ? [node_id] : [])),
    others: rows.flatMap((row) => (row.instance_id === null ? [] : [row])),
  };
}
