import { v4 } from 'uuid';
import { marker, type EventProducer, type RecordBatch } from '../../kafka/index.js';
import type { Sql } from '../../registry/pool.js';
import { advanceWatermarks } from '../../registry/leases/watermarks.js';
import { brokersTime, idleAfterMs, type TopicOptions, type TopicWatermarks } from './topic-watermarks.js';

/** A marker that has not been read back after this long is followed by another. */
const LATE_MS = 10_000;

interface Partition {
  /** When its watermark moved last, by the clock of this process that only grows. */
  movedAt: number;
  /** Ids of the markers that were sent and not read back yet, with the time before the send. */
  readonly sent: Map<string, number>;
}

export interface MarkedOptions extends TopicOptions {
  /** As large as what nodes usually send: a broker that refuses that refuses the marker too. */
  readonly markerBytes: number;
}

/**
 * Keeps watermarks that rest on records of their own partition. One that has been idle for a second is sent a marker,
 * which is read back: that proves that the broker takes records, and that everything sent before is read. A broker that
 * answers questions and refuses writes moves no watermark.
 *
 * Where the broker sets the records' time, the watermark is that of the last record. Elsewhere the times of records are
 * their senders', and only markers of this process count: everything that was sent before the marker is stored.
 */
export class MarkedTopic implements TopicWatermarks {
  readonly topic: string;
  readonly #producer: Pick<EventProducer, 'send'>;
  readonly #options: MarkedOptions;
  readonly #id = v4();
  #markers = 0;
  #partitions = new Map<number, Partition>();

  constructor(producer: Pick<EventProducer, 'send'>, options: MarkedOptions) {
    this.topic = options.topic;
    this.#producer = producer;
    this.#options = options;
  }

  assign(partitions: readonly number[]): void {
    const before = this.#partitions;
    this.#partitions = new Map(
      partitions.map((partition) => [partition, before.get(partition) ?? { movedAt: -Infinity, sent: new Map() }]),
    );
  }

  async store(sql: Sql, { partition, upTo }: Pick<RecordBatch, 'partition' | 'upTo'>): Promise<void> {
    const own = this.#partitions.get(partition);
    const newest = upTo.markers.findLast((id) => own?.sent.has(id));
    const sentAt = newest === undefined ? undefined : own?.sent.get(newest);
    const now = performance.now();
    const watermark = brokersTime(upTo) ?? (sentAt === undefined ? null : { seconds_ago: (now - sentAt) / 1_000 });
    if (watermark === null) return;
    await advanceWatermarks(sql, this.topic, [{ partition, next_offset: upTo.next_offset, watermark }], this.#options);
    if (own === undefined) return;
    own.movedAt = now;
    own.sent.clear();
  }

  /** The markers only: reading them back is what moves the watermarks. */
  async advance(): Promise<void> {
    const now = performance.now();
    const idle = [...this.#partitions].filter(([, { movedAt, sent }]) => {
      const waitsSince = Math.max(...sent.values(), -Infinity);
      return now - movedAt >= idleAfterMs(this.#options.stalledSeconds) && now - waitsSince >= LATE_MS;
    });
    if (idle.length === 0) return;
    const markers = idle.map(([partition, { sent }]) => {
      const id = `${this.#id}/${(this.#markers += 1)}`;
      sent.set(id, now);
      return { id, sent, record: marker(this.topic, partition, id, this.#options.markerBytes) };
    });
    try {
      await this.#producer.send(markers.map(({ record }) => record));
    } catch (error) {
      for (const { id, sent } of markers) sent.delete(id);
      throw error;
    }
  }
}
