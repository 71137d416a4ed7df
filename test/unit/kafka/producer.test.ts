import type { Kafka, ProducerBatch } from 'kafkajs';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { BrokerTime } from '../../../src/kafka/broker-time.js';
import { CLIENT, type KafkaHandle } from '../../../src/kafka/client.js';
import { createProducer } from '../../../src/kafka/producer.js';

/** kafkajs that keeps how it is asked to send, and answers with a broker's time as text. */
function kafka(logAppendTime = '-1') {
  const batches: ProducerBatch[] = [];
  const settings: unknown[] = [];
  const producer = {
    connect: () => Promise.resolve(),
    sendBatch: (batch: ProducerBatch) => {
      batches.push(batch);
      return Promise.resolve([{ topicName: 'a', partition: 0, errorCode: 0, logAppendTime }]);
    },
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

const HOUR_MS = 3_600_000;
const hoursAhead = (time: BrokerTime): number => Math.round((time.now().getTime() - Date.now()) / HOUR_MS) + 0;
const RECORD = { topic: 'a', key: null, value: null, headers: {} };

it.each([-1, 0, 1])('the broker answers what time it is: %s hours ahead of this process', async (hours) => {
  const time = new BrokerTime();
  const { handle } = kafka(String(Date.now() + hours * HOUR_MS));
  await createProducer(handle, time).send([RECORD]);
  expect(hoursAhead(time)).toBe(hours);
});

it("a topic with its senders' times says nothing of the broker's", async () => {
  const time = new BrokerTime();
  const { handle } = kafka();
  await createProducer(handle, time).send([RECORD]);
  expect(hoursAhead(time)).toBe(0);
});

it('clocks that agree within a request are not corrected, however slow it was', () => {
  const time = new BrokerTime();
  time.learn(0, HOUR_MS, 2 * HOUR_MS);
  expect(hoursAhead(time)).toBe(0);
});
