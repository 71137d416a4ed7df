import type { Sql } from '../pool.js';
import { LOWEST_WATERMARK, type Topics } from './heartbeat-stream.js';

/** How far a partition is stored: everything before `next_offset`, and every record up to the time `watermark`. */
export interface Watermark {
  readonly partition: number;
  /** As Kafka clients give it. */
  readonly next_offset: string;
  readonly watermark: string;
}

/**
 * A partition without a row is a stream that nobody has read yet. If leases are open by then, the heartbeats that were
 * sent to it before are unknown: such a stream counts as one that was stalled.
 */
const statement = `
  insert into stream_watermarks as held (topic, partition, next_offset, watermark, resumed_at)
  select $1, mark.partition, mark.next_offset, mark.watermark,
    case when exists (select from node_leases) then mark.watermark end
  from unnest($2::integer[], $3::bigint[], $4::timestamptz[]) as mark(partition, next_offset, watermark)
  order by mark.partition
  on conflict (topic, partition) do update set
    next_offset = greatest(held.next_offset, excluded.next_offset),
    watermark = greatest(held.watermark, excluded.watermark),
    resumed_at = case
      when excluded.watermark - held.watermark > make_interval(secs => $5) then excluded.watermark
      else held.resumed_at end,
    moved_seconds = held.moved_seconds + case
      when excluded.watermark - held.watermark > make_interval(secs => $5) then 0
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
  marks: readonly Watermark[],
  { stalledSeconds }: AdvanceOptions,
): Promise<void> {
  if (marks.length === 0) return;
  await sql.query(statement, [
    topic,
    marks.map((mark) => mark.partition),
    marks.map((mark) => mark.next_offset),
    marks.map((mark) => mark.watermark),
    stalledSeconds,
  ]);
}

export interface WatermarkRow extends Watermark {
  readonly resumed_at: string | null;
}

export async function readWatermarks(sql: Sql, topic: string): Promise<WatermarkRow[]> {
  const { rows } = await sql.query<WatermarkRow>(
    'select partition, next_offset::text, watermark, resumed_at from stream_watermarks where topic = $1 order ' +
      'by partition',
    [topic],
  );
  return rows;
}

/** Up to when all of these topics are stored: their lowest watermark, null if one of them was never stored. */
export async function lowestWatermark(sql: Sql, topics: Topics): Promise<string | null> {
  const { rows } = await sql.query<{ watermark: string | null }>(`select ${LOWEST_WATERMARK} as watermark`, [topics]);
  return rows[0]?.watermark ?? null;
}
