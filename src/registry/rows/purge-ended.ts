import type { Sql } from '../pool.js';

export interface PurgeOptions {
  /** What ended, or ran out, longer ago than this is deleted. Seconds. */
  readonly ended_seconds: number;
  /** Rows of each kind at most. */
  readonly limit: number;
}

export interface Purged {
  readonly records: number;
  readonly leases: number;
}

/**
 * A row that somebody holds is left for the next time: a node that comes back
 * just now is not made to wait, and is not forgotten.
 */
const records = `
  delete from node_registrations where node_id in (
    select node_id from node_registrations
    where ended_at < now() - make_interval(secs => $1)
    order by ended_at limit $2
    for update skip locked)`;

/** What an attempt left behind that is no more: an attempt that lasts keeps its lease however old it is. */
const leases = `
  delete from node_leases where node_id in (
    select lease.node_id from node_leases lease
    where lease.deadline < now() - make_interval(secs => $1)
      and not exists (
        select from node_registrations record
        where record.node_id = lease.node_id and record.attempt = lease.attempt and record.ended_at is null)
    order by lease.deadline limit $2
    for update of lease skip locked)`;

/** Forgets nodes that ended long ago, and leases that belong to no lasting attempt; some at a time. */
export async function purgeEnded(sql: Sql, { ended_seconds, limit }: PurgeOptions): Promise<Purged> {
  const forgotten = await sql.query(records, [ended_seconds, limit]);
  const left = await sql.query(leases, [ended_seconds, limit]);
  return { records: forgotten.rowCount ?? 0, leases: left.rowCount ?? 0 };
}
