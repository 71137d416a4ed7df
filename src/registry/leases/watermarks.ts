import type { Sql } from '../pool.js';
import { LOWEST_WATERMARK, type HeartbeatTopics } from './heartbeat-stream.js';

/** How far a partition is stored: everything before `next_offset`, and every record up to the time `watermark`. */
interface Watermark {
  readonly partition: number;
  /** As Kafka clients give it. */
  readonly next_offset: string;
  readonly watermark: string;
}

/** What is known of a partition's watermark. */
export interface Mark extends Pick<Watermark, 'partition' | 'next_offset'> {
  /** A time of the broker's (ISO 8601), or how long ago the partition ended there, in seconds. */
  readonly watermark: string | { readonly seconds_ago: number };
}

/** The watermark of a partition that nobody has read yet. */
const NEVER = `'epoch'::timestamptz`;

/**
 * No watermark is ahead of this database's clock, whatever time a bridge sends. A row that is ahead of it is written
 * anew: the clock has been set back since.
 *
 * A partition that nobody has read yet counts as a stalled stream while leases are open: which heartbeats were sent to
 * it before is not known.
 */
const statement = `
  with mark as (
    select partition, next_offset, least(coalesce(at, now() - make_interval(secs => ago)), now()) as watermark
    from unnest($2::integer[], $3::bigint[], $4::timestamptz[], $5::float8[]) as given(partition, next_offset, at, ago)
  )
  insert into stream_watermarks as held (topic, partition, next_offset, watermark, resumed_at)
  select $1, partition, next_offset, watermark, case when exists (select from node_leases) then watermark end
  from mark order by partition
  on conflict (topic, partition) do update set
    next_offset = greatest(held.next_offset, excluded.next_offset),
    watermark = case
      when held.watermark > now() then excluded.watermark
      else greatest(held.watermark, excluded.watermark) end,
    resumed_at = case
      when held.watermark = ${NEVER} then excluded.resumed_at
      when excluded.watermark - held.watermark > make_interval(secs => $6) or held.resumed_at > now()
        then excluded.watermark
      else held.resumed_at end,
    moved_seconds = held.moved_seconds + case
      when excluded.watermark - held.watermark > make_interval(secs => $6) then 0
      else greatest(0, extract(epoch from excluded.watermark - held.watermark)) end`;

export interface AdvanceOptions {
  /**
   * A watermark that jumps by more than this was stalled: heartbeats of that time may never have been sent. Seconds.
   */
  readonly stalledSeconds: number;
}

/**
 * Advances the watermarks of a topic's partitions, never backwards, in the transaction that stores what they promise.
 */
export async function advanceWatermarks(
  sql: Sql,
  topic: string,
  marks: readonly Mark[],
  { stalledSeconds }: AdvanceOptions,
): Promise<void> {
  if (marks.length === 0) return;
  await sql.query(statement, [
    topic,
    marks.map((mark) => mark.partition),
    marks.map((mark) => mark.next_offset),
    marks.map(({ watermark }) => (typeof watermark === 'string' ? watermark : null)),
    marks.map(({ watermark }) => (typeof watermark === 'string' ? null : watermark.seconds_ago)),
    stalledSeconds,
  ]);
}

/**
 * Gives every partition of a topic a row, and deletes the rows of partitions that it does not have. A partition that
 * nobody has read yet holds the topic back, as it must: what was sent to it is unknown.
 *
 * @param partitions all that the broker names
 */
export async function alignPartitions(sql: Sql, topic: string, partitions: readonly number[]): Promise<void> {
  await sql.query(
    `with gone as (delete from stream_watermarks where topic = $1 and not partition = any($2::integer[]))
     insert into stream_watermarks (topic, partition, next_offset, watermark)
     select $1, partition, 0, ${NEVER} from unnest($2::integer[]) as partition
     on conflict (topic, partition) do nothing`,
    [topic, partitions],
  );
}

/** Up to when all of these topics are stored: their lowest watermark, null if one of them was never stored. */
export async function lowestWatermark(sql: Sql, topics: HeartbeatTopics): Promise<string | null> {
  const { rows } = await sql.query<{ watermark: string | null }>(`select ${LOWEST_WATERMARK} as watermark`, [topics]);
  return rows[0]?.watermark ?? null;
}
