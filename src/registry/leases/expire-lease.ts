import type { Sql } from '../pool.js';
import { STREAM } from './heartbeat-stream.js';
import { PARTS, parameters, type SelfPreservationQuestion, type SelfPreservationState } from './self-preservation.js';

export interface LeaseExpiry extends SelfPreservationQuestion {
  readonly node_id: string;
  /** Only this attempt's lease expires. */
  readonly attempt: number;
  /** The node's process, for a lease that must be opened again. */
  readonly instance_id?: string;
}

/**
 * What the one statement saw and did, and the state of self-preservation; its numbers are those of its last change.
 */
export interface LeaseVerdict extends SelfPreservationState {
  /** The lease is marked as expired, by this call or by an earlier one of the same attempt. */
  readonly lease_expired: boolean;
  readonly last_heartbeat_at: string | null;
  /** Attempt of the node's lease, whoever holds it; null if there is none. */
  readonly holder: number | null;
  readonly deadline: string | null;
  /** Deadline and grace are still to come, by the database's clock. */
  readonly alive: boolean;
  /** Lowest of the topic; null if nothing was ever stored. */
  readonly watermark: string | null;
  /** The watermark from which leases expire again; null where they expire now. */
  readonly expires_from: string | null;
  readonly now: string;
  /** There was no lease of this attempt, so it was opened again: its deadline. Null in every other case. */
  readonly reopened_until: string | null;
  /** The lease is over, and self-preservation keeps it from expiring. */
  readonly held: boolean;
}

/**
 * A lease that this attempt has marked as expired before is answered the same way: an activity that is repeated because
 * its answer was lost must get the same one.
 *
 * The fleet is counted only for a lease that would expire, and not while self-preservation holds anyway. A statement
 * either marks its own lease or starts self-preservation, never both, so that no two can wait for each other.
 *
 * The attempt in question is active. If its lease is gone, or belongs to an older attempt (the database was lost, or an
 * older copy of it was brought back), the lease is opened again: otherwise the node could never be found dead.
 */
const statement = `
  with ${STREAM}, ${PARTS.preservation},
  over as (
    select lease.deadline < stream.released_before as released
    from stream cross join preservation join node_leases lease on lease.node_id = $6 and lease.attempt = $7
    where lease.expired_at is null and lease.deadline < stream.over_before and stream.may_expire
  ),
  ${PARTS.counted(
    'stream cross join preservation join over on not over.released and preservation.held_since is null',
    true,
  )},
  ${PARTS.hold('stream, counted', 'counted.too_many')},
  decision as (
    select over.released or (preservation.held_since is null and not counted.too_many) as may
    from over cross join preservation left join counted on true
  ),
  marked as (
    update node_leases lease set expired_at = coalesce(lease.expired_at, now())
    from stream left join decision on true
    where lease.node_id = $6 and lease.attempt = $7
      and (lease.expired_at is not null or (decision.may and lease.deadline < stream.over_before))
    returning lease.last_heartbeat_at, lease.deadline, lease.expired_at
  ),
  reopened as (
    insert into node_leases as lost (node_id, attempt, deadline, window_seconds, instance_id)
    select $6, $7::integer, now() + make_interval(secs => $2), ceil($2)::integer, $8::text
    where not exists (select from node_leases where node_id = $6 and attempt >= $7)
      and not exists (
        select from node_registrations
        where node_id = $6 and (attempt > $7 or (attempt = $7 and ended_at is not null)))
    on conflict (node_id) do update set
      attempt = excluded.attempt, deadline = excluded.deadline, window_seconds = excluded.window_seconds,
      instance_id = excluded.instance_id, last_heartbeat_at = null, expired_at = null, opened_at = excluded.opened_at
    where lost.attempt < excluded.attempt
    returning lost.deadline
  ),
  noted as (
    insert into lease_expiries (node_id, deadline, watermark)
    select $6, marked.deadline, stream.watermark from marked, stream where marked.expired_at = now()
  )
  select
    exists (select from marked) as lease_expired,
    coalesce((select last_heartbeat_at from marked), lease.last_heartbeat_at) as last_heartbeat_at,
    lease.attempt as holder,
    lease.deadline,
    coalesce(lease.deadline + make_interval(secs => $3) > now(), false) as alive,
    stream.watermark,
    case when not stream.may_expire then stream.expires_from end as expires_from,
    now() as now,
    (select deadline from reopened) as reopened_until,
    coalesce((select not may from decision), false) as held,
    coalesce(hold.held_since, preservation.held_since) as held_since,
    stream.moved_seconds - coalesce(hold.held_moved_seconds, preservation.held_moved_seconds) as held_seconds,
    coalesce(hold.suspects, preservation.suspects, 0) as suspects,
    coalesce(hold.expired, preservation.expired, 0) as expired,
    coalesce(hold.active, preservation.active, 0) as active,
    coalesce(hold.changed_by, preservation.changed_by) as changed_by,
    coalesce(hold.changed_at, preservation.changed_at) as changed_at
  from stream cross join preservation left join hold on true left join node_leases lease on lease.node_id = $6`;

/**
 * Marks a lease as expired if it is over, in the same statement that verifies it. Self-preservation is verified by it
 * too, and starts where too many are gone at once.
 */
export async function expireLease(sql: Sql, expiry: LeaseExpiry): Promise<LeaseVerdict> {
  const { rows } = await sql.query<LeaseVerdict>(statement, [
    ...parameters(expiry),
    expiry.node_id,
    expiry.attempt,
    expiry.instance_id ?? null,
  ]);
  const row = rows[0];
  if (row === undefined) throw new Error('verifying a lease answered no row: an aggregate always has one');
  return row;
}
