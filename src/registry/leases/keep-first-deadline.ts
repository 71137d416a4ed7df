import type { Sql } from '../pool.js';

export interface FirstDeadline {
  readonly node_id: string;
  /** Only this attempt's lease. */
  readonly attempt: number;
  /** ISO 8601. */
  readonly first_deadline: string;
  readonly window_seconds: number;
}

/**
 * Makes the lease of a node that has not beaten so far last until its first deadline. The lease opens when its row is
 * written; the node reads that it is active only when Consul has confirmed too, which may be long after. Whatever the
 * clock of another machine says, it never lasts longer than a lease duration from now.
 */
export async function keepFirstDeadline(sql: Sql, lease: FirstDeadline): Promise<void> {
  await sql.query(
    `update node_leases lease set deadline = first.deadline
     from (select least($3::timestamptz, now() + make_interval(secs => $4::float8)) as deadline) first
     where lease.node_id = $1 and lease.attempt = $2 and lease.deadline < first.deadline
       and lease.last_heartbeat_at is null and lease.expired_at is null`,
    [lease.node_id, lease.attempt, lease.first_deadline, lease.window_seconds],
  );
}
