import { randomUUID } from 'node:crypto';
import kafkajs, { type Consumer, type KafkaMessage } from 'kafkajs';
import type { LogRecord } from '../snapshot.js';

/** Reads every record of every topic of an installation, from the first to the last there is now. */
export async function readLog(
  brokers: readonly string[],
  prefix: string,
): Promise<{ readonly topics: readonly string[]; readonly records: readonly LogRecord[] }> {
  const kafka = new kafkajs.Kafka({
    brokers: [...brokers],
    clientId: 'chaos-checker',
    logLevel: kafkajs.logLevel.NOTHING,
  });
  const admin = kafka.admin();
  await admin.connect();
  // The broker is the scenario's own, and forgets the group with its end.
  const consumer = kafka.consumer({ groupId: `chaos-checker-${randomUUID()}` });
  try {
    const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(prefix));
    const ends = new Map<string, bigint>();
    for (const topic of topics)
      for (const { partition, low, high } of await admin.fetchTopicOffsets(topic))
        if (low !== high) ends.set(`${topic} ${partition}`, BigInt(high));
    const records = await readUntil(consumer, topics, ends, prefix);
    return { topics: topics.map((topic) => topic.slice(prefix.length)), records };
  } finally {
    await consumer.disconnect();
    await admin.disconnect();
  }
}

/** @param ends the offset after the last record, by topic and partition; those without records are left out */
async function readUntil(
  consumer: Consumer,
  topics: readonly string[],
  ends: Map<string, bigint>,
  prefix: string,
): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  if (ends.size === 0) return records;
  await consumer.connect();
  await consumer.subscribe({ topics: [...topics], fromBeginning: true });
  await new Promise<void>((resolve, reject) => {
    consumer.on('consumer.crash', ({ payload }) => reject(payload.error));
    consumer
      .run({
        eachMessage: ({ topic, partition, message }) => {
          records.push(recordOf(topic.slice(prefix.length), partition, message));
          const place = `${topic} ${partition}`;
          if (BigInt(message.offset) + 1n >= (ends.get(place) ?? 0n)) ends.delete(place);
          if (ends.size === 0) resolve();
          return Promise.resolve();
        },
      })
      .catch(reject);
  });
  return records;
}

function recordOf(
  topic: string,
  partition: number,
  { key, value, offset, timestamp, headers }: KafkaMessage,
): LogRecord {
  return {
    topic,
    partition,
    offset: Number(offset),
    at: Number(timestamp),
    key: key?.toString('utf8') ?? null,
    value: value?.toString('utf8') ?? null,
    headers: Object.fromEntries(Object.entries(headers ?? {}).map(([name, text]) => [name, String(text)])),
  };
}
