/**
 * How far the heartbeats are stored, as SQL: the one place that says whether leases may expire. Everybody who looks for
 * leases that are over takes it from here: verifying one lease, finding suspects, and self-preservation.
 *
 * Parameters of each statement that uses these parts: $1 final names of the topics, $2 lease duration and $3 grace,
 * both in seconds.
 */

/** Several topics can carry the same kind of message: a fleet moves from one name to another without a gap. */
export type HeartbeatTopics = readonly [string, ...string[]];

/**
 * The lowest watermark over all partitions of the topics, in a statement over their rows. Null while one of the topics
 * was never stored: what lies in it is unknown. A row that is ahead of this database's clock says nothing either: the
 * clock has been set back since.
 */
const LOWEST =
  'case when count(distinct stored.topic) = cardinality($1::text[]) and bool_and(watermark <= now()) ' +
  'then min(watermark) end';

/** Up to when all topics are stored, as an expression. */
export const LOWEST_WATERMARK = `(
  select ${LOWEST} from stream_watermarks stored where stored.topic = any($1::text[]))`;

/** The topic that names the row of self-preservation: the first one. */
export const FLEET = '($1::text[])[1]';

/**
 * One row.
 * - watermark: LOWEST_WATERMARK.
 * - moved_seconds: the stream's own clock, which stands while the stream is stalled.
 * - expires_from: the watermark from which leases expire again after a stall, or after self-preservation has ended by
 *   itself; null where there was neither.
 * - may_expire: whether the watermark has reached it. False while the watermark is null.
 * - over_before: a lease with an earlier deadline is over, its grace included.
 * - released_before: self-preservation does not hold a lease with an earlier deadline.
 * - expires_before: a lease with an earlier deadline may expire now: the stream lets it, and nothing holds it.
 */
export const STREAM = `stream as (
    select watermark, moved_seconds, expires_from, may_expire, over_before, released_before,
      case
        when not may_expire then '-infinity'
        when is_held then least(over_before, released_before)
        else over_before end as expires_before
    from (
      select stored.*,
        coalesce(watermark >= coalesce(expires_from, '-infinity'), false) as may_expire,
        watermark - make_interval(secs => $3) as over_before
      from (
        select ${LOWEST} as watermark, coalesce(max(moved_seconds), 0) as moved_seconds,
          greatest(max(resumed_at) + make_interval(secs => $2) + make_interval(secs => $3),
            max(brake.judged_from)) as expires_from,
          coalesce(max(brake.released_before), '-infinity') as released_before,
          coalesce(bool_or(brake.held_since is not null), false) as is_held
        from (select) as one
        left join liveness_brake brake on brake.topic = ${FLEET}
        left join stream_watermarks stored on stored.topic = any($1::text[])) as stored) as timed)`;
