import type { KafkaAdmin } from '../../kafka/admin.js';
import type { RecordBatch } from '../../kafka/consumer.js';
import type { Sql } from '../../registry/pool.js';
import { advanceWatermarks, type Watermark } from '../../registry/leases/watermarks.js';

/** A topic whose watermark is kept, and the group that reads it. */
export interface StoredStream {
  readonly topic: string;
  readonly groupId: string;
  /** A watermark that jumps by more than this belongs to a stream that had stalled: seconds. */
  readonly stalledSeconds: number;
}

/** Of a partition that has not been read up to any known time. */
const NEVER = new Date(0).toISOString();

/** A batch is stored: so is everything of its partition up to its last record's time. */
export async function markStored(
  sql: Sql,
  { topic, partition, records }: RecordBatch,
  stalledSeconds: number,
): Promise<void> {
  const last = records.at(-1);
  if (last === undefined) return;
  // A producer's clock that runs ahead must not promise what is still to come.
  const watermark = new Date(Math.min(last.timestamp, Date.now())).toISOString();
  await advanceWatermarks(sql, topic, [{ partition, next_offset: next(last.offset), watermark }], {
    stalledSeconds,
  });
}

function next(offset: string): string {
  return String(BigInt(offset) + 1n);
}

/**
 * Moves the watermark of idle partitions. The broker is asked for the end of
 * each, after the time has been noted: if the group has committed everything up
 * to it, nothing that was sent before that time can be missing.
 *
 * That rests on two facts that outlive a process, the broker's end and the
 * group's committed offset, and on nothing that this process remembers.
 */
export class IdlePartitions {
  readonly #admin: KafkaAdmin;
  readonly #stream: StoredStream;
  #assigned: ReadonlySet<number> = new Set();

  constructor(admin: KafkaAdmin, stream: StoredStream) {
    this.#admin = admin;
    this.#stream = stream;
  }

  get topic(): string {
    return this.#stream.topic;
  }

  /** Only the bridge that reads a partition moves its watermark. */
  assign(partitions: readonly number[]): void {
    this.#assigned = new Set(partitions);
  }

  /** Moves what can be moved. A broker or a database that does not answer moves nothing, and throws. */
  async advance(sql: Sql): Promise<void> {
    const { caughtUp, behind } = await this.#look();
    const known = [
      ...behind.map((mark) => ({ ...mark, watermark: NEVER })),
      ...caughtUp.filter(({ partition }) => this.#assigned.has(partition)),
    ];
    await this.#store(sql, known);
  }

  /**
   * Before anything is consumed: a partition that is behind and has no row yet
   * gets one. A topic is stored up to its lowest watermark, and a missing row
   * would not count.
   */
  async seed(sql: Sql): Promise<void> {
    const { behind } = await this.#look();
    await this.#store(
      sql,
      behind.map((mark) => ({ ...mark, watermark: NEVER })),
    );
  }

  #store(sql: Sql, marks: readonly Watermark[]): Promise<void> {
    const { topic, stalledSeconds } = this.#stream;
    return advanceWatermarks(sql, topic, marks, { stalledSeconds });
  }

  async #look(): Promise<{ readonly caughtUp: readonly Watermark[]; readonly behind: readonly Watermark[] }> {
    const { topic, groupId } = this.#stream;
    const watermark = new Date().toISOString();
    const ends = await this.#admin.topicEnds(topic);
    const committed = await this.#admin.committed(groupId, topic);
    const marks = ends.map(({ partition, low, high }) => {
      // Records that are no longer kept can't be missing: reading begins with the oldest that is.
      const read = largest(BigInt(committed.get(partition) ?? low), BigInt(low));
      return { partition, next_offset: String(read), watermark, isRead: read >= BigInt(high) };
    });
    return { caughtUp: marks.filter((mark) => mark.isRead), behind: marks.filter((mark) => !mark.isRead) };
  }
}

function largest(one: bigint, other: bigint): bigint {
  return one > other ? one : other;
}
