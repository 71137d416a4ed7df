import type { Kafka, ProducerBatch } from 'kafkajs';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { CLIENT, type KafkaHandle } from '../../../src/kafka/client.js';
import { createProducer } from '../../../src/kafka/producer.js';

/** kafkajs that keeps how it is asked to send. */
function kafka() {
  const batches: ProducerBatch[] = [];
  const settings: unknown[] = [];
  const producer = {
    connect: () => Promise.resolve(),
    sendBatch: (batch: ProducerBatch) => Promise.resolve(void batches.push(batch)),
    disconnect: () => Promise.resolve(),
  };
  const client = { producer: (options: unknown) => (settings.push(options), producer) } as unknown as Kafka;
  const handle: KafkaHandle = { [CLIENT]: () => client, logger: pino({ level: 'silent' }) };
  return { handle, batches, settings };
}

it('records are sent at once, acknowledged by all replicas, in order per topic', async () => {
  const { handle, batches, settings } = kafka();
  const producer = createProducer(handle);
  const record = (topic: string, key: string) => ({ topic, key, value: Buffer.from(key), headers: {} });
  await producer.send([record('a', '1'), record('b', '2'), record('a', '3')]);
  await producer.send([]);
  expect(settings).toEqual([expect.objectContaining({ idempotent: false, allowAutoTopicCreation: false })]);
  expect(batches).toHaveLength(1);
  // -1 is Kafka's "all": a record that only the leader has is lost with it.
  expect(batches[0]?.acks).toBe(-1);
  expect(batches[0]?.topicMessages?.map(({ topic, messages }) => [topic, messages.map(({ key }) => key)])).toEqual([
    ['a', ['1', '3']],
    ['b', ['2']],
  ]);
});
