import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { expect, it, onTestFinished, vi } from 'vitest';
import { consume, createKafka, createProducer } from '../../src/kafka/index.js';
import { createTopics } from '../../src/stack/index.js';
import { servers } from './servers.js';

it('a process whose connections to Kafka are idle sleeps', async () => {
  const { kafkaBrokers } = servers();
  const topic = `idle-${randomUUID()}`;
  await createTopics({ brokers: kafkaBrokers }, [topic], { partitions: 1 });
  const kafka = createKafka({ brokers: kafkaBrokers, clientId: 'idle-test', logger: pino({ level: 'silent' }) });
  const producer = createProducer(kafka);
  onTestFinished(() => producer.close());
  await producer.connect([topic]);
  const subscription = await consume(kafka, {
    groupId: topic,
    topics: [topic],
    from: 'beginning',
    onBatch: () => Promise.resolve(),
  });
  onTestFinished(() => subscription.stop());

  const timers = vi.spyOn(globalThis, 'setTimeout');
  onTestFinished(() => timers.mockRestore());
  await delay(1_000);
  // A long poll twice a second. kafkajs as it comes sets about a thousand timers for each connection.
  expect(timers.mock.calls.length).toBeLessThan(50);
});

it('topics whose names differ from others only by "." and "_" are refused with both names, and what to set', async () => {
  const { kafkaBrokers: brokers } = servers();
  const made = `one.${randomUUID()}`;
  const other = made.replace('.', '_');
  await createTopics({ brokers }, [made], { partitions: 1 });
  await expect(createTopics({ brokers }, [other], { partitions: 1 })).rejects.toThrow(
    `it takes no topic ${other} beside ${made}, which is there: names that differ only by "." and "_" are the same ` +
      'to it. Set REGISTRAR_ENV or REGISTRAR_NAMESPACE to another name',
  );
});
