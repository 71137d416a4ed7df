import type { SelfPreservationRule } from '../../contracts/compiled.js';
import type { Sql } from '../pool.js';
import { FLEET, LOWEST_WATERMARK, STREAM, type HeartbeatTopics } from './heartbeat-stream.js';

/**
 * Self-preservation, as in Eureka: too many nodes that are gone at once are more likely a fault of ours than their
 * death, so nobody expires for a while. The contract's key for it is `brake`, and so are the names of its table.
 */

/** What decides on the self-preservation of a fleet. */
export interface SelfPreservationQuestion {
  /** Final names of the heartbeat topics; the first one names the row of self-preservation. */
  readonly topics: HeartbeatTopics;
  /** The lease duration. */
  readonly window_seconds: number;
  readonly grace_seconds: number;
  readonly rule: SelfPreservationRule;
}

/** Whether self-preservation holds, and the numbers behind it. */
export interface SelfPreservationState {
  /** null while it does not hold. */
  readonly held_since: string | null;
  /** How much of the longest hold is used up; null while it does not hold. Seconds. */
  readonly held_seconds: number | null;
  /** Nodes with a lease whose deadline and grace are behind the stream. */
  readonly suspects: number;
  /** Nodes whose lease has expired within the last lease duration. */
  readonly expired: number;
  /** Nodes with an open lease, the suspects among them. */
  readonly active: number;
  /** Who changed it last: "itself", "max_hold", or an operator; null if it never held. */
  readonly changed_by: string | null;
  readonly changed_at: string | null;
}

/**
 * Parts of the statements that decide on self-preservation; each needs STREAM before it. Their parameters: $1 topics,
 * $2 lease duration and $3 grace in seconds, $4 share, $5 floor.
 *
 * A lease that expires leaves the suspects and joins the expired, so the share stays the same: many expiries at once
 * cannot slip through beneath it.
 */
export const PARTS = {
  /** One row, with nulls where it never held. */
  preservation: `preservation as (
    select held_since, held_moved_seconds, suspects, expired, active, changed_by, changed_at
    from (select) as one left join liveness_brake on topic = ${FLEET})`,

  /**
   * Counts the fleet once, or not at all where `from` has no row.
   *
   * @param from a join of stream and preservation, and of what else must hold
   * @param enough false counts everybody; true counts the active only until the share is surely not exceeded, which is
   *   after a few where few are gone
   */
  counted: (from: string, enough: boolean): string => `wanted as materialized (
    select stream.watermark, stream.over_before, stream.released_before from ${from}
  ),
  counted as (
    select gone.suspects, gone.expired, fleet.active,
      gone.suspects > 0 and gone.suspects + gone.expired > $4::float8 * (fleet.active + gone.expired)
        and fleet.active + gone.expired >= $5::bigint as too_many
    from wanted
    cross join lateral (
      select
        (select count(*) from node_leases
          where expired_at is null and deadline < wanted.over_before
            and deadline >= wanted.released_before) as suspects,
        (select count(*) from lease_expiries
          where watermark > wanted.watermark - make_interval(secs => $2)
            and deadline >= wanted.released_before) as expired
      ) as gone
    cross join lateral (
      select count(*) as active from (
        select from node_leases where expired_at is null and deadline >= wanted.released_before
        ${enough ? 'limit greatest(ceil((gone.suspects + gone.expired) / $4::float8)::bigint + 1, $5::bigint)' : ''}
      ) as enough
    ) as fleet)`,

  /** Starts to hold, unless another process has changed self-preservation meanwhile. */
  hold: (from: string, where: string): string => `hold as (
    insert into liveness_brake as held (topic, held_since, held_moved_seconds, suspects, expired, active, changed_by)
    select ${FLEET}, now(), stream.moved_seconds, counted.suspects, counted.expired, counted.active, 'itself'
    from ${from} where ${where}
    on conflict (topic) do update set
      held_since = excluded.held_since, held_moved_seconds = excluded.held_moved_seconds,
      suspects = excluded.suspects, expired = excluded.expired, active = excluded.active,
      changed_at = excluded.changed_at, changed_by = excluded.changed_by
    where held.held_since is null
    returning held.*)`,
};

const NOW = `
  with ${STREAM}, ${PARTS.preservation}, ${PARTS.counted('stream cross join preservation', false)}`;

const read = `${NOW}
  select preservation.held_since, stream.moved_seconds - preservation.held_moved_seconds as held_seconds,
    counted.suspects, counted.expired, counted.active, preservation.changed_by, preservation.changed_at
  from stream, preservation, counted`;

/** The state of self-preservation, with everybody counted. Changes nothing. */
export async function readSelfPreservation(
  sql: Sql,
  question: SelfPreservationQuestion,
): Promise<SelfPreservationState> {
  return one(await sql.query<SelfPreservationState>(read, parameters(question)));
}

/**
 * The row changes only where it still is as it was read: what another process has changed meanwhile stays. When
 * self-preservation ends by itself, a lease duration passes before anybody expires: the first nodes that come back must
 * not cost the last ones their lives. A release counts for everybody whose heartbeats do not come again: their
 * deadlines are at most a lease duration away.
 */
const update = `${NOW},
  decision as (
    select case
      when not stream.may_expire then 'unknown'
      when preservation.held_since is null then case when counted.too_many then 'hold' else 'open' end
      when not counted.too_many then 'itself'
      when stream.moved_seconds - preservation.held_moved_seconds >= $6::float8 * $2::float8 then 'max_hold'
      else 'held' end as outcome
    from stream, preservation, counted
  ),
  ${PARTS.hold('stream, counted, decision', "decision.outcome = 'hold'")},
  changed as (
    update liveness_brake held set
      suspects = counted.suspects, expired = counted.expired, active = counted.active,
      held_since = case when decision.outcome = 'held' then held.held_since end,
      held_moved_seconds = case when decision.outcome = 'held' then held.held_moved_seconds end,
      released_before = case when decision.outcome = 'max_hold' then stream.watermark + make_interval(secs => $2)
        else held.released_before end,
      judged_from = case when decision.outcome = 'itself' then stream.watermark + make_interval(secs => $2)
        else held.judged_from end,
      changed_at = case when decision.outcome = 'held' then held.changed_at else now() end,
      changed_by = case when decision.outcome = 'held' then held.changed_by else decision.outcome end
    from stream, preservation, counted, decision
    where held.topic = ${FLEET} and held.held_since = preservation.held_since
      and decision.outcome in ('held', 'itself', 'max_hold')
      and (decision.outcome <> 'held' or (held.suspects, held.expired, held.active)
        <> (counted.suspects, counted.expired, counted.active))
    returning held.*
  ),
  deleted as (
    delete from lease_expiries where ctid in (
      select old.ctid from lease_expiries old, stream
      where old.watermark <= stream.watermark - make_interval(secs => $2) limit 10000 for update of old skip locked)
  ),
  written as (select * from hold union all select * from changed)
  select
    case when written.topic is null then preservation.held_since else written.held_since end as held_since,
    case when written.topic is null then stream.moved_seconds - preservation.held_moved_seconds
      else stream.moved_seconds - written.held_moved_seconds end as held_seconds,
    counted.suspects, counted.expired, counted.active,
    coalesce(written.changed_by, preservation.changed_by) as changed_by,
    coalesce(written.changed_at, preservation.changed_at) as changed_at
  from stream cross join preservation cross join counted left join written on true`;

/**
 * Lets self-preservation change: it starts when too many are gone at once, ends by itself when enough of them are back,
 * and is released after its longest hold. While the stream is stalled nothing changes. Any number of processes may do
 * this at once.
 *
 * @returns its state now
 */
export async function updateSelfPreservation(
  sql: Sql,
  question: SelfPreservationQuestion,
): Promise<SelfPreservationState> {
  return one(await sql.query<SelfPreservationState>(update, [...parameters(question), question.rule.max_hold_windows]));
}

/**
 * Releases self-preservation on an operator's order: nodes whose heartbeats do not come again may expire.
 *
 * @param by the operator's name
 * @returns false if it does not hold
 */
export async function releaseSelfPreservation(
  sql: Sql,
  { topics, window_seconds }: SelfPreservationQuestion,
  by: string,
): Promise<boolean> {
  const { rowCount } = await sql.query(
    `update liveness_brake set held_since = null, held_moved_seconds = null, changed_at = now(), changed_by = $3,
       released_before = ${LOWEST_WATERMARK} + make_interval(secs => $2)
     where topic = ${FLEET} and held_since is not null`,
    [topics, window_seconds, by],
  );
  return rowCount === 1;
}

/** $1 to $5 of the parts. */
export function parameters({ topics, window_seconds, grace_seconds, rule }: SelfPreservationQuestion): unknown[] {
  return [topics, window_seconds, grace_seconds, rule.share, rule.floor];
}

function one({ rows }: { readonly rows: readonly SelfPreservationState[] }): SelfPreservationState {
  const [row] = rows;
  if (row === undefined) throw new Error('reading self-preservation answered no row: an aggregate always has one');
  return row;
}
