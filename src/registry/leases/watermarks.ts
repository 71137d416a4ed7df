import type { Sql } from '../pool.js';

/** How far a partition is stored: everything before `next_offset`, and every record up to the time `watermark`. */
export interface Watermark {
  readonly partition: number;
  /** As Kafka clients give it. */
  readonly next_offset: string;
  readonly watermark: string;
}

/**
 * A partition without a row is a stream that nobody has watched. If leases are
 * already open then, what was sent to it before is unknown: that counts as a
 * standstill too.
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
  /** A jump of the watermark longer than this is a standstill: beats of that time may never have been sent. Seconds. */
  readonly stalledSeconds: number;
}

/** Moves the watermarks of a topic's partitions, never backwards. In the transaction that stores what they promise. */
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
    'select partition, next_offset::text, watermark, resumed_at from stream_watermarks where topic = $1 order by partition',
    [topic],
  );
  return rows;
}

/** Several topics can carry the same kind of message: a fleet moves from one name to another without a gap. */
export type Topics = readonly [string, ...string[]];

/**
 * The lowest watermark over all partitions of the topics $1, in a statement over their rows. Null while one of them
 * was never stored: what lies in it is unknown.
 */
export const LOWEST = 'case when count(distinct topic) = cardinality($1::text[]) then min(watermark) end';

/** Up to when all of these topics are stored: their lowest watermark, null if one of them was never stored. */
export async function lowestWatermark(sql: Sql, topics: Topics): Promise<string | null> {
  const { rows } = await sql.query<{ watermark: string | null }>(
    `select ${LOWEST} as watermark from stream_watermarks where topic = any($1::text[])`,
    [topics],
  );
  return rows[0]?.watermark ?? null;
}
