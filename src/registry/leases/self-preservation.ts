import type { Sql } from '../pool.js';
import { LOWEST, type Topics } from './watermarks.js';

/** When expiry is held. */
export interface SelfPreservationRule {
  /** More than this share of the fleet gone at once is not believed. */
  readonly share: number;
  /** In smaller fleets nothing is held: nodes. */
  readonly floor: number;
  /** Longest hold, in windows of a stream that moves. */
  readonly max_hold_windows: number;
}

/** What the brake of a topic is judged by. */
export interface SelfPreservationQuestion {
  /** Final names of the heartbeat topics. All of them must be stored past a deadline; the first names the brake's row. */
  readonly topics: Topics;
  readonly window_seconds: number;
  readonly grace_seconds: number;
  readonly rule: SelfPreservationRule;
}

/** How the brake stands, and the numbers behind it. */
export interface SelfPreservationState {
  /** null while it does not hold. */
  readonly held_since: string | null;
  /** How much of the longest hold is used up; null while it does not hold. Seconds. */
  readonly held_seconds: number | null;
  /** Nodes with a lease whose deadline and grace are behind the stream. */
  readonly suspects: number;
  /** Nodes that were claimed as expired within the last window. */
  readonly expired: number;
  /** Nodes with an open lease, the suspects among them. */
  readonly active: number;
  /** Who changed it last: "itself", "max_hold", or an operator; null if it never held. */
  readonly changed_by: string | null;
  readonly changed_at: string | null;
}

/** The topic that names the brake's row. */
const KEY = '($1::text[])[1]';

/**
 * Parts of the statements that judge the brake. Their parameters: $1 topics,
 * $2 window and $3 grace in seconds, $4 share, $5 floor.
 *
 * Claiming a lease moves it from the suspects to the expired, so the share
 * stays the same: many claims at once can't slip through beneath it.
 */
export const PARTS = {
  /** How far the stream is, by its own clock too, and from where on it is judged. */
  stream: `stream as (
    select ${LOWEST} as watermark, coalesce(max(moved_seconds), 0) as moved_seconds,
      greatest(max(resumed_at) + make_interval(secs => $2) + make_interval(secs => $3),
        (select judged_from from liveness_brake where topic = ${KEY})) as judged_from
    from stream_watermarks where topic = any($1::text[]))`,

  /** One row, with nulls where it never held. */
  brake: `brake as (
    select held_since, held_moved_seconds, suspects, expired, active, changed_by, changed_at, coalesce(released_before, '-infinity') as released_before
    from (select) as one left join liveness_brake on topic = ${KEY})`,

  isJudged: '(stream.judged_from is null or stream.watermark >= stream.judged_from)',

  /**
   * Counts the fleet once, or not at all where `from` has no row: the counting hangs on what was asked.
   *
   * @param from a join of stream and brake, and of what else must hold
   * @param enough false counts everybody; true counts the active only until the share is surely not exceeded, which is
   *   after a few where few are gone
   */
  counted: (from: string, enough: boolean): string => `asked as materialized (
    select stream.watermark, brake.released_before from ${from}
  ),
  counted as (
    select gone.suspects, gone.expired, fleet.active,
      gone.suspects > 0 and gone.suspects + gone.expired > $4::float8 * (fleet.active + gone.expired)
        and fleet.active + gone.expired >= $5::bigint as too_many
    from asked
    cross join lateral (
      select
        (select count(*) from node_leases
          where expired_at is null and deadline < asked.watermark - make_interval(secs => $3) and deadline >= asked.released_before) as suspects,
        (select count(*) from lease_expiries
          where watermark > asked.watermark - make_interval(secs => $2) and deadline >= asked.released_before) as expired
      ) as gone
    cross join lateral (
      select count(*) as active from (
        select from node_leases where expired_at is null and deadline >= asked.released_before
        ${enough ? 'limit greatest(ceil((gone.suspects + gone.expired) / $4::float8)::bigint + 1, $5::bigint)' : ''}
      ) as enough
    ) as fleet)`,

  /** Holds, unless another has changed the brake since it was looked at. */
  hold: (from: string, where: string): string => `hold as (
    insert into liveness_brake as held (topic, held_since, held_moved_seconds, suspects, expired, active, changed_by)
    select ${KEY}, now(), stream.moved_seconds, counted.suspects, counted.expired, counted.active, 'itself'
    from ${from} where ${where}
    on conflict (topic) do update set
      held_since = excluded.held_since, held_moved_seconds = excluded.held_moved_seconds,
      suspects = excluded.suspects, expired = excluded.expired, active = excluded.active,
      changed_at = excluded.changed_at, changed_by = excluded.changed_by
    where held.held_since is null
    returning held.*)`,
};

const NOW = `
  with ${PARTS.stream}, ${PARTS.brake}, ${PARTS.counted('stream cross join brake', false)}`;

const read = `${NOW}
  select brake.held_since, stream.moved_seconds - brake.held_moved_seconds as held_seconds,
    counted.suspects, counted.expired, counted.active, brake.changed_by, brake.changed_at
  from stream, brake, counted`;

/** How the brake stands, everybody counted. Changes nothing. */
export async function readSelfPreservation(
  sql: Sql,
  question: SelfPreservationQuestion,
): Promise<SelfPreservationState> {
  return one(await sql.query<SelfPreservationState>(read, parameters(question)));
}

/**
 * The brake changes only where it is as it was seen: what another has changed
 * meanwhile stays. When it opens by itself, a window passes before anybody is
 * judged: the first of those who come back must not cost the last their lives.
 * A release counts for everybody who is not heard of again:
 * their deadlines are at most a window away.
 */
const judge = `${NOW},
  verdict as (
    select case
      when stream.watermark is null or not ${PARTS.isJudged} then 'unknown'
      when brake.held_since is null then case when counted.too_many then 'hold' else 'open' end
      when not counted.too_many then 'itself'
      when stream.moved_seconds - brake.held_moved_seconds >= $6::float8 * $2::float8 then 'max_hold'
      else 'held' end as says
    from stream, brake, counted
  ),
  ${PARTS.hold('stream, counted, verdict', "verdict.says = 'hold'")},
  changed as (
    update liveness_brake held set
      suspects = counted.suspects, expired = counted.expired, active = counted.active,
      held_since = case when verdict.says = 'held' then held.held_since end,
      held_moved_seconds = case when verdict.says = 'held' then held.held_moved_seconds end,
      released_before = case when verdict.says = 'max_hold' then stream.watermark + make_interval(secs => $2) else held.released_before end,
      judged_from = case when verdict.says = 'itself' then stream.watermark + make_interval(secs => $2) else held.judged_from end,
      changed_at = case when verdict.says = 'held' then held.changed_at else now() end,
      changed_by = case when verdict.says = 'held' then held.changed_by else verdict.says end
    from stream, brake, counted, verdict
    where held.topic = ${KEY} and held.held_since = brake.held_since and verdict.says in ('held', 'itself', 'max_hold')
      and (verdict.says <> 'held' or (held.suspects, held.expired, held.active) <> (counted.suspects, counted.expired, counted.active))
    returning held.*
  ),
  forgotten as (
    delete from lease_expiries where ctid in (
      select old.ctid from lease_expiries old, stream
      where old.watermark <= stream.watermark - make_interval(secs => $2) limit 10000 for update of old skip locked)
  ),
  written as (select * from hold union all select * from changed)
  select
    case when written.topic is null then brake.held_since else written.held_since end as held_since,
    case when written.topic is null then stream.moved_seconds - brake.held_moved_seconds
      else stream.moved_seconds - written.held_moved_seconds end as held_seconds,
    counted.suspects, counted.expired, counted.active,
    coalesce(written.changed_by, brake.changed_by) as changed_by,
    coalesce(written.changed_at, brake.changed_at) as changed_at
  from stream cross join brake cross join counted left join written on true`;

/**
 * Looks at the brake and lets it change: it holds when too many are gone at
 * once, opens by itself when enough of them are back, and is released after its
 * longest hold. While the stream itself is not judged (it has stood still)
 * nothing changes. Any number of processes may do this at once.
 *
 * @returns how it stands now
 */
export async function updateSelfPreservation(
  sql: Sql,
  question: SelfPreservationQuestion,
): Promise<SelfPreservationState> {
  return one(await sql.query<SelfPreservationState>(judge, [...parameters(question), question.rule.max_hold_windows]));
}

/**
 * Releases the brake by an operator's word: whoever is not heard of again may
 * expire.
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
       released_before = (select ${LOWEST} + make_interval(secs => $2) from stream_watermarks where topic = any($1::text[]))
     where topic = ${KEY} and held_since is not null`,
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
  if (row === undefined) throw new Error('looking at the brake answered no row: an aggregate always has one');
  return row;
}
