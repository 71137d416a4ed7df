import { randomUUID } from 'node:crypto';
import { CompressionTypes, ConfigResourceTypes, Kafka, logLevel, type Message } from 'kafkajs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { batched, consume, createProducer, type IncomingRecord } from '../../src/kafka/index.js';
import { readDeadLetter } from '../../src/protocol/dead-letter.js';
import { createTopics } from '../../src/stack/index.js';
import { BridgeWorld, until } from './bridge-world.js';
import { servers } from './servers.js';

let world: BridgeWorld;
let kafka: Kafka;

beforeAll(async () => {
  world = await BridgeWorld.create(1);
  kafka = new Kafka({ brokers: servers().kafkaBrokers, logLevel: logLevel.ERROR });
});

afterAll(async () => {
  await world.close();
});

async function set(topic: string, settings: Readonly<Record<string, string>>): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }));
  await admin.alterConfigs({
    validateOnly: false,
    resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries }],
  });
  for (const { name, value } of configEntries)
    await until(async () => (await world.cluster.topicSetting([topic], name)).get(topic) === value);
  await admin.disconnect();
}

/** Sends a batch in gzip, the one codec that kafkajs writes. */
async function sendCompressed(topic: string, messages: Message[]): Promise<void> {
  const producer = kafka.producer();
  await producer.connect();
  await producer.send({ topic, messages, compression: CompressionTypes.GZIP });
  await producer.disconnect();
}

function introspection(node_id: string): Buffer {
  return Buffer.from(JSON.stringify({ node_id, node_type: 'effect', endpoints: ['http://10.0.0.1:8080'] }));
}

it('records that the broker has compressed, in each codec, are read like others', async () => {
  const fleet = ['snappy', 'lz4', 'zstd', 'gzip', 'uncompressed'].map((codec) => ({
    codec,
    node_id: `${codec}-${randomUUID()}`,
  }));
  for (const { codec, node_id } of fleet) {
    await set(world.topics.introspections, { 'compression.type': codec });
    await world.send(world.topics.introspections, { key: node_id, value: introspection(node_id) });
  }
  await set(world.topics.introspections, { 'compression.type': 'producer' });
  const bridge = await world.bridge();
  await until(async () => (await world.lag('introspections')) === 0);
  for (const { node_id } of fleet) expect(await world.hasRun(node_id), node_id).toBe(true);
  expect(bridge.counters()).toMatchObject({ introspections: fleet.length, dead_letters: 0 });
  await bridge.stop();
});

it('a batch that nobody could hold is one record with its reason; what comes after it is read', async () => {
  const topic = world.topics.heartbeats;
  const zeros = { key: null, value: Buffer.alloc(40 * 1024 * 1024) };
  const headers = Object.fromEntries(Array.from({ length: 30_000 }, (_, index) => [`h${index}`, '']));
  await sendCompressed(topic, [zeros]);
  await sendCompressed(topic, [{ value: 'many headers', headers }]);
  const read: IncomingRecord[] = [];
  const subscription = await consume(world.kafka, {
    groupId: `edge-${randomUUID()}`,
    topics: [topic],
    from: 'beginning',
    onBatch(batch) {
      for (const record of batch.records) {
        read.push(record);
        batch.done(record);
      }
      return Promise.resolve();
    },
  });
  await until(() => read.at(-1)?.value?.toString() === 'many headers');
  await subscription.stop();
  expect(read.map(({ undecodable }) => undecodable)).toEqual([
    expect.stringMatching(/^a batch of records \(offsets \d+ to \d+\) cannot be read: cannot be decompressed \(gzip\)/),
    undefined,
  ]);
  expect(Object.keys(read[1]?.headers ?? {})).toHaveLength(30_000);
});

it('a topic that is missing, or was deleted since, fails its own callers only', async () => {
  const [kept, deleted] = [`kept-${randomUUID()}`, `deleted-${randomUUID()}`];
  await createTopics({ brokers: servers().kafkaBrokers }, [kept, deleted], { partitions: 1 });
  const producer = batched(createProducer(world.kafka), 60_000);
  const arrives = (topic: string): Promise<boolean> =>
    producer.send([{ topic, key: 'k', value: Buffer.from('v'), headers: {} }]).then(
      () => true,
      () => false,
    );
  const all = () => Promise.all([arrives(kept), arrives(deleted), arrives('never-there'), arrives(kept)]);
  expect(await all()).toEqual([true, true, false, true]);
  const admin = kafka.admin();
  await admin.connect();
  await admin.deleteTopics({ topics: [deleted] });
  await admin.disconnect();
  await until(async () => !(await world.cluster.topics()).has(deleted));
  expect(await all()).toEqual([true, false, false, true]);
  expect(await all()).toEqual([true, false, false, true]);
  expect(await arrives(kept)).toBe(true);
  await producer.close();
});

it('no record ends the bridge: each that cannot be used is a dead letter with its reason, and nodes go on', async () => {
  const { introspections: topic, deadLetters } = world.topics;
  const poison: readonly [string, Parameters<BridgeWorld['send']>[1]][] = [
    [
      'invalid_field',
      {
        key: null,
        value: Buffer.from('{"node_id":"x","node_type":"effect","endpoints":["http://a"],"health_endpoint":"/\\\\["}'),
      },
    ],
    ['not_json', { key: Buffer.alloc(900_000, 'k'), value: Buffer.from('no') }],
    ['not_json', { key: null, value: Buffer.alloc(1_000_000, 'x') }],
    [
      'not_json',
      { key: null, value: null, headers: Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`h${n}`, 'x'])) },
    ],
  ];
  const bridge = await world.bridge();
  for (const [, record] of poison) await world.send(topic, record);
  await sendCompressed(topic, [{ value: Buffer.alloc(40 * 1024 * 1024) }]);
  const node_id = `after-${randomUUID()}`;
  await world.send(topic, { key: node_id, value: introspection(node_id) });
  await until(() => world.hasRun(node_id));
  await until(async () => (await world.lag('introspections')) === 0);
  // The two records that an earlier test has sent as heartbeats are dead letters of this bridge, too.
  const all = (await world.read(deadLetters)).map(readDeadLetter);
  const letters = all.filter(({ origin }) => origin?.topic === topic);
  expect(letters.map(({ code }) => code).sort()).toEqual([...poison.map(([code]) => code), 'undecodable'].sort());
  for (const { reason } of all) expect(reason).not.toBe('no reason given');
  expect(bridge.counters()).toMatchObject({ introspections: 1, dead_letters: all.length });
});
