/**
 * How far the heartbeats are stored, as SQL: the one place that says whether leases may expire. Everybody who looks for
 * leases that are over takes it from here: verifying one lease, finding suspects, and self-preservation.
 *
 * Parameters of each statement that uses these parts: $1 final names of the topics, $2 lease duration and $3 grace,
 * both in seconds.
 */

/** Several topics can carry the same kind of message: a fleet moves from one name to another without a gap. */
export type Topics = readonly [string, ...string[]];

/**
 * The lowest watermark over all partitions of the topics, in a statement over their rows. Null while one of the topics
 * was never stored: what lies in it is unknown. A row that is ahead of this database's clock says nothing either: the
 * clock has been set back since.
 */
const LOWEST =
  'case when count(distinct topic) = cardinality($1::text[]) and bool_and(watermark <= now()) then min(watermark) end';

/** The rows of these topics. */
const STORED = 'stream_watermarks where topic = any($1::text[])';

/** Up to when all topics are stored, as an expression. */
export const LOWEST_WATERMARK = `(select ${LOWEST} from ${STORED})`;

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
 */
export const STREAM = `stream as (
    select watermark, moved_seconds, expires_from,
      coalesce(watermark >= coalesce(expires_from, '-infinity'), false) as may_expire,
      watermark - make_interval(secs => $3) as over_before
    from (
      select ${LOWEST} as watermark, coalesce(max(moved_seconds), 0) as moved_seconds,
        greatest(max(resumed_at) + make_interval(secs => $2) + make_interval(secs => $3),
          (select judged_from from liveness_brake where topic = ${FLEET})) as expires_from
      from ${STORED}) as stored)`;
