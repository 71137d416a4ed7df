import type { Sql } from '../pool.js';

export interface PurgeOptions {
  /** Rows and leases that ended or ran out longer ago are deleted. Seconds. */
  readonly ended_seconds: number;
  /** Rows of each table at most. */
  readonly limit: number;
}

export interface Purged {
  readonly rows: number;
  readonly leases: number;
}

/**
 * A row that another transaction has locked is left for the next time: a node that comes back just now does not wait,
 * and is not deleted.
 */
const rows = `
  delete from node_registrations where node_id in (
    select node_id from node_registrations
    where ended_at < now() - make_interval(secs => $1)
    order by ended_at limit $2
    for update skip locked)`;

/** Leases of attempts that are over. An attempt that lasts keeps its lease, however old it is. */
const leases = `
  delete from node_leases where node_id in (
    select lease.node_id from node_leases lease
    where lease.deadline < now() - make_interval(secs => $1)
      and not exists (
        select from node_registrations held
        where held.node_id = lease.node_id and held.attempt = lease.attempt and held.ended_at is null)
    order by lease.deadline limit $2
    for update of lease skip locked)`;

/** Processes that were in conflict with a registered one long ago. */
const conflicts = 'delete from instance_conflicts where last_seen < now() - make_interval(secs => $1)';

/** That a row was deleted is known as long as readers may come back that have not read it. */
const removals = 'delete from node_changes where removed_at < now() - make_interval(secs => $1)';

/** Deletes nodes that ended long ago, and leases that belong to no lasting attempt. */
export async function purgeEnded(sql: Sql, { ended_seconds, limit }: PurgeOptions): Promise<Purged> {
  const ofNodes = await sql.query(rows, [ended_seconds, limit]);
  const ofLeases = await sql.query(leases, [ended_seconds, limit]);
  await sql.query(conflicts, [ended_seconds]);
  await sql.query(removals, [ended_seconds]);
  return { rows: ofNodes.rowCount ?? 0, leases: ofLeases.rowCount ?? 0 };
}
