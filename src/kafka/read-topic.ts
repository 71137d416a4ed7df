import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { createAdmin } from './admin.js';
import { consume, type IncomingRecord } from './consumer.js';
import type { KafkaHandle } from './client.js';
import { place, type NextOffsets } from './positions.js';

export interface ReadTopicOptions {
  /** Records from this time on, by their timestamps. */
  readonly since: Date;
  /** Gives up then: milliseconds. */
  readonly withinMs: number;
  readonly onRecord: (record: IncomingRecord) => void;
}

/**
 * Reads a topic once, up to where it ends now, as a group that nobody else is in.
 *
 * @returns false where the time was over before all was read
 * @throws Error when Kafka does not answer or the topic is not there
 */
export async function readTopic(
  kafka: KafkaHandle,
  topic: string,
  { since, withinMs, onRecord }: ReadTopicOptions,
): Promise<boolean> {
  const { positions, unread } = await extentOf(kafka, topic, since);
  if (unread.size === 0) return true;
  const deadline = Date.now() + withinMs;
  const ended: { error?: Error } = {};
  const subscription = await consume(kafka, {
    groupId: `node-registrar-reader-${randomUUID()}`,
    topics: [topic],
    from: positions,
    signal: AbortSignal.timeout(withinMs),
    onFatal: (error) => (ended.error = error),
    onBatch(batch) {
      for (const record of batch.records) {
        onRecord(record);
        batch.done(record);
      }
      if (BigInt(batch.upTo.next_offset) >= (unread.get(batch.partition) ?? 0n)) unread.delete(batch.partition);
      return Promise.resolve();
    },
  });
  try {
    while (unread.size > 0 && ended.error === undefined && Date.now() < deadline) await delay(20);
  } finally {
    await subscription.stop();
  }
  if (ended.error !== undefined) throw ended.error;
  return unread.size === 0;
}

/** Where to begin in each partition, and where each that has something to read ends. */
async function extentOf(kafka: KafkaHandle, topic: string, since: Date) {
  const admin = createAdmin(kafka, 'READ');
  try {
    const [starts, ends] = await Promise.all([admin.offsetsAt(topic, since), admin.topicEnds(topic)]);
    const positions: NextOffsets = new Map();
    const unread = new Map<number, bigint>();
    for (const { partition, low, high } of ends) {
      const at = starts.get(partition) ?? low;
      positions.set(place(topic, partition), at);
      if (BigInt(at) < BigInt(high)) unread.set(partition, BigInt(high));
    }
    return { positions, unread };
  } finally {
    await admin.close();
  }
}
