import { PARTS, parameters, type SelfPreservationQuestion, type SelfPreservationState } from './self-preservation.js';
import type { Sql } from '../pool.js';

export interface LeaseExpiry extends SelfPreservationQuestion {
  readonly node_id: string;
  /** Only this attempt's lease is claimed. */
  readonly attempt: number;
}

/** What the one statement saw and did, and how the brake stands; its numbers are those of when it was last written. */
export interface LeaseVerdict extends SelfPreservationState {
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
  /** There was no lease of this attempt, so it has one again from now on: its deadline; null in every other case. */
  readonly reopened_until: string | null;
  /** The lease is over, and the brake keeps it from being claimed. */
  readonly held: boolean;
}

/**
 * A lease that this attempt has claimed before is claimed again: an activity
 * that is repeated because its answer was lost must get the same one.
 *
 * The fleet is counted only for a lease that would be claimed, and not while
 * the brake holds anyway. A statement either claims its own row or holds the
 * brake, never both, so that no two can wait for each other.
 *
 * Who asks is an attempt that is active. If its lease is gone, or is that of an
 * older attempt (the database was lost, or an older copy of it brought back),
 * it is opened again: otherwise nobody could ever say that the node is dead.
 */
const statement = `
  with ${PARTS.stream}, ${PARTS.brake},
  lapsed as (
    select lease.deadline < brake.released_before as released
    from stream cross join brake join node_leases lease on lease.node_id = $6 and lease.attempt = $7
    where lease.expired_at is null and lease.deadline + make_interval(secs => $3) < stream.watermark and ${PARTS.isJudged}
  ),
  ${PARTS.counted('stream cross join brake join lapsed on not lapsed.released and brake.held_since is null', true)},
  ${PARTS.hold('stream, counted', 'counted.too_many')},
  verdict as (
    select lapsed.released or (brake.held_since is null and not counted.too_many) as may
    from lapsed cross join brake left join counted on true
  ),
  claim as (
    update node_leases lease set expired_at = coalesce(lease.expired_at, now())
    from stream left join verdict on true
    where lease.node_id = $6 and lease.attempt = $7
      and (lease.expired_at is not null
        or (verdict.may and lease.deadline + make_interval(secs => $3) < stream.watermark))
    returning lease.last_heartbeat_at, lease.deadline, lease.expired_at
  ),
  reopened as (
    insert into node_leases as lost (node_id, attempt, deadline, window_seconds)
    select $6, $7::integer, now() + make_interval(secs => $2), ceil($2)::integer
    where not exists (select from node_leases where node_id = $6 and attempt >= $7)
      and not exists (select from node_registrations where node_id = $6 and (attempt > $7 or (attempt = $7 and ended_at is not null)))
    on conflict (node_id) do update set
      attempt = excluded.attempt, deadline = excluded.deadline, window_seconds = excluded.window_seconds,
      last_heartbeat_at = null, expired_at = null, opened_at = excluded.opened_at
    where lost.attempt < excluded.attempt
    returning lost.deadline
  ),
  noted as (
    insert into lease_expiries (node_id, deadline, watermark)
    select $6, claim.deadline, stream.watermark from claim, stream where claim.expired_at = now()
  )
  select
    exists (select from claim) as claimed,
    coalesce((select last_heartbeat_at from claim), lease.last_heartbeat_at) as last_heartbeat_at,
    lease.attempt as holder,
    lease.deadline,
    coalesce(lease.deadline + make_interval(secs => $3) > now(), false) as alive,
    stream.watermark,
    stream.judged_from,
    now() as now,
    (select deadline from reopened) as reopened_until,
    coalesce((select not may from verdict), false) as held,
    coalesce(hold.held_since, brake.held_since) as held_since,
    stream.moved_seconds - coalesce(hold.held_moved_seconds, brake.held_moved_seconds) as held_seconds,
    coalesce(hold.suspects, brake.suspects, 0) as suspects,
    coalesce(hold.expired, brake.expired, 0) as expired,
    coalesce(hold.active, brake.active, 0) as active,
    coalesce(hold.changed_by, brake.changed_by) as changed_by,
    coalesce(hold.changed_at, brake.changed_at) as changed_at
  from stream cross join brake left join hold on true left join node_leases lease on lease.node_id = $6`;

/**
 * Claims a lease as expired, if it is, in the same statement that judges it.
 * The brake of the fleet is judged by it too, and held where too many are gone
 * at once.
 */
export async function expireLease(sql: Sql, claim: LeaseExpiry): Promise<LeaseVerdict> {
  const { rows } = await sql.query<LeaseVerdict>(statement, [...parameters(claim), claim.node_id, claim.attempt]);
  const row = rows[0];
  if (row === undefined) throw new Error('claiming a lease answered no row: an aggregate always has one');
  return row;
}
