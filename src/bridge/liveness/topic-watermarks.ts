import type { Pool } from 'pg';
import type { RecordBatch, ReadUpTo } from '../../kafka/index.js';
import type { Sql } from '../../registry/pool.js';

/** How far one topic is stored: each bridge keeps the watermarks of the partitions that it reads. */
export interface TopicWatermarks {
  readonly topic: string;
  /** The partitions that this bridge reads now. */
  assign(partitions: readonly number[]): void;
  /** In the transaction that stores a batch: so is everything of its partition up to the batch's end. */
  store(sql: Sql, batch: Pick<RecordBatch, 'partition' | 'upTo'>): Promise<void>;
  /** Moves the watermarks of idle partitions. Throws while the broker or the database does not answer. */
  advance(pool: Pool): Promise<void>;
}

/** What the watermarks of a topic are kept by. */
export interface TopicOptions {
  readonly topic: string;
  /** A watermark that jumps by more than this belongs to a stream that had stalled: seconds. */
  readonly stalledSeconds: number;
}

/** A partition without records is idle after so many milliseconds: an idle second must not look like a stall. */
export function idleAfterMs(stalledSeconds: number): number {
  return Math.min(1_000, stalledSeconds * 250);
}

/** The broker's time of the last record that is read, ISO 8601; null where its sender has set it. */
export function brokersTime({ isBrokersTime, timestamp }: ReadUpTo): string | null {
  return isBrokersTime ? new Date(timestamp).toISOString() : null;
}
