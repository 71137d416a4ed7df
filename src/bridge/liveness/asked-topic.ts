import type { KafkaAdmin, RecordBatch } from '../../kafka/index.js';
import type { Sql } from '../../registry/pool.js';
import { advanceWatermarks, type Mark } from '../../registry/leases/watermarks.js';
import { brokersTime, type TopicOptions, type TopicWatermarks } from './topic-watermarks.js';

export interface AskedOptions extends TopicOptions {
  /** The group that reads the topic. */
  readonly groupId: string;
}

/** Everything that was sent to a partition before `at` (a clock that only grows, milliseconds) has a lower offset. */
interface End {
  readonly offset: bigint;
  readonly at: number;
}

/**
 * Keeps the watermarks of a topic that takes no markers, since it has readers that cannot bear them. The broker is
 * asked for the end of each partition: when the group has committed everything up to it, nothing that was sent before
 * the question can be missing.
 *
 * This is the weaker guarantee: a broker that answers questions and refuses the nodes' heartbeats moves the watermarks.
 */
export class AskedTopic implements TopicWatermarks {
  readonly topic: string;
  readonly #admin: Pick<KafkaAdmin, 'topicEnds' | 'committed'>;
  readonly #options: AskedOptions;
  #ends = new Map<number, End | null>();

  constructor(admin: Pick<KafkaAdmin, 'topicEnds' | 'committed'>, options: AskedOptions) {
    this.topic = options.topic;
    this.#admin = admin;
    this.#options = options;
  }

  assign(partitions: readonly number[]): void {
    const before = this.#ends;
    this.#ends = new Map(partitions.map((partition) => [partition, before.get(partition) ?? null]));
  }

  async store(sql: Sql, { partition, upTo }: Pick<RecordBatch, 'partition' | 'upTo'>): Promise<void> {
    const watermark = brokersTime(upTo);
    if (watermark === null) return;
    await advanceWatermarks(sql, this.topic, [{ partition, next_offset: upTo.next_offset, watermark }], this.#options);
  }

  async advance(sql: Sql): Promise<void> {
    const ends = this.#ends;
    const at = performance.now();
    const asked = await this.#admin.topicEnds(this.topic);
    const committed = await this.#admin.committed(this.#options.groupId, this.topic);
    const marks = asked.flatMap(({ partition, low, high }): Mark[] => {
      if (!ends.has(partition)) return [];
      const end = ends.get(partition) ?? { offset: BigInt(high), at };
      // Records that are no longer kept can't be missing: reading begins with the oldest that is.
      const read = largest(BigInt(committed.get(partition) ?? low), BigInt(low));
      const isRead = read >= end.offset;
      ends.set(partition, isRead ? null : end);
      if (!isRead) return [];
      const seconds_ago = (performance.now() - end.at) / 1_000;
      return [{ partition, next_offset: String(read), watermark: { seconds_ago } }];
    });
    await advanceWatermarks(sql, this.topic, marks, this.#options);
  }
}

function largest(one: bigint, other: bigint): bigint {
  return one > other ? one : other;
}
