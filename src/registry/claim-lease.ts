import type { Sql } from './pool.js';

export interface LeaseClaim {
  readonly node_id: string;
  /** Only this attempt's lease is claimed. */
  readonly attempt: number;
  readonly window_seconds: number;
  readonly grace_seconds: number;
  /** Final name of the heartbeat topic. */
  readonly topic: string;
}

/** What the one statement saw and did. */
export interface ClaimedLease {
  readonly claimed: boolean;
  readonly last_heartbeat_at: string | null;
  /** Attempt of the node's lease, whoever holds it; null if there is none. */
  readonly holder: number | null;
  readonly deadline: string | null;
  /** Deadline and grace are still to come, by the database's clock. */
  readonly alive: boolean;
  /** Lowest of the topic; null if nothing was ever stored. */
  readonly watermark: string | null;
  /** The watermark from which expiry is judged again after a standstill; null if there was none. */
  readonly judged_from: string | null;
  readonly now: string;
}

/**
 * A lease that this attempt has claimed before is claimed again: an activity
 * that is repeated because its answer was lost must get the same one.
 *
 * The brake of a fleet (how many suspects at once are believable) belongs into
 * the `where` of `claim`, as one more condition beside the standstill's.
 */
const statement = `
  with stream as (
    select min(watermark) as watermark,
      max(resumed_at) + make_interval(secs => $3) + make_interval(secs => $4) as judged_from
    from stream_watermarks where topic = $5
  ),
  claim as (
    update node_leases lease set expired_at = coalesce(lease.expired_at, now())
    from stream
    where lease.node_id = $1 and lease.attempt = $2
      and (lease.expired_at is not null
        or (lease.deadline + make_interval(secs => $4) < stream.watermark
          and (stream.judged_from is null or stream.watermark >= stream.judged_from)))
    returning lease.last_heartbeat_at
  )
  select
    exists (select from claim) as claimed,
    coalesce((select last_heartbeat_at from claim), lease.last_heartbeat_at) as last_heartbeat_at,
    lease.attempt as holder,
    lease.deadline,
    coalesce(lease.deadline + make_interval(secs => $4) > now(), false) as alive,
    stream.watermark,
    stream.judged_from,
    now() as now
  from stream left join node_leases lease on lease.node_id = $1`;

/** Claims a lease as expired, if it is, in the same statement that judges it. */
export async function claimLease(sql: Sql, claim: LeaseClaim): Promise<ClaimedLease> {
  const { rows } = await sql.query<ClaimedLease>(statement, [
    claim.node_id,
    claim.attempt,
    claim.window_seconds,
    claim.grace_seconds,
    claim.topic,
  ]);
  const row = rows[0];
  if (row === undefined) throw new Error('claiming a lease answered no row: an aggregate always has one');
  return row;
}
