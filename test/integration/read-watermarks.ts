import type { Sql } from '../../src/registry/pool.js';

/** How far a partition of a topic is stored. */
interface WatermarkRow {
  readonly partition: number;
  readonly next_offset: string;
  readonly watermark: string;
  readonly resumed_at: string | null;
}

/** The rows of a topic's partitions, in their order. */
export async function readWatermarks(sql: Sql, topic: string): Promise<WatermarkRow[]> {
  const { rows } = await sql.query<WatermarkRow>(
    'select partition, next_offset::text, watermark, resumed_at from stream_watermarks where topic = $1 order ' +
      'by partition',
    [topic],
  );
  return rows;
}
