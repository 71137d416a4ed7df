import { randomUUID } from 'node:crypto';
import { ConfigResourceTypes } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bridgeTopics } from '../../src/bridge/bridge-topics.js';
import { CLIENT } from '../../src/kafka/client.js';
import { buildAck } from '../../src/protocol/ack.js';
import { buildHeartbeat } from '../../src/protocol/heartbeat.js';
import { buildIntrospection } from '../../src/protocol/introspection.js';
import { readRegistryRow } from '../../src/registry/rows/read-registry-row.js';
import { readWatermarks } from '../../src/registry/leases/watermarks.js';
import { contractDirectory } from '../unit/contracts/contract-files.js';
import { eventually, Installation } from './installation.js';

/** Self-preservation never holds here: what keeps a node from expiring is the watermark alone. */
const CONTRACT = `
liveness:
  first_deadline_seconds: 4
  window_seconds: 4
  grace_seconds: 1
  heartbeat_interval_seconds: 1
  brake: { share: 1 }
`;

let registrar: Installation;
let heartbeatTopic: string;
let ackTopic: string;
let introspectionTopic: string;

beforeAll(async () => {
  registrar = await Installation.start(contractDirectory({ orchestrator: CONTRACT }));
  const topics = bridgeTopics(registrar.contracts, registrar.config);
  [heartbeatTopic] = topics.heartbeats;
  [ackTopic] = topics.acks;
  [introspectionTopic] = topics.introspections;
});
afterAll(() => registrar.stop());

const state = async (node_id: string) => (await readRegistryRow(registrar.pool, node_id))?.state;
const pause = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1_000));

async function set(topic: string, ...settings: readonly { readonly name: string; readonly value: string }[]) {
  const admin = registrar.kafka[CLIENT]().admin();
  const configEntries = settings.map((one) => ({ ...one }));
  await admin.alterConfigs({
    validateOnly: false,
    resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries }],
  });
  await admin.disconnect();
}

const BROKERS_TIME = { name: 'message.timestamp.type', value: 'LogAppendTime' };
// Kafka 4 refuses times of more than an hour ahead where nothing else is set; older brokers and other settings do not.
const SENDERS_TIME = [
  { name: 'message.timestamp.type', value: 'CreateTime' },
  { name: 'message.timestamp.after.max.ms', value: '9223372036854775807' },
];

/** How old the lowest watermark of the heartbeats is, in seconds. */
async function age(): Promise<number> {
  const rows = await readWatermarks(registrar.pool, heartbeatTopic);
  return (Date.now() - Math.min(...rows.map(({ watermark }) => Date.parse(watermark)))) / 1_000;
}

/** Sends by a clock that is so many seconds ahead. */
async function send(topic: string, record: ReturnType<typeof buildHeartbeat>, ahead: number): Promise<void> {
  const producer = registrar.kafka[CLIENT]().producer();
  await producer.connect();
  const { key, value, headers } = record;
  const timestamp = String(Date.now() + ahead * 1_000);
  await producer.send({ topic, messages: [{ key, value, headers: { ...headers }, timestamp }] });
  await producer.disconnect();
}

const known = (node_id: string) => ({ node_id, node_type: 'effect', node_version: '1.2.3' }) as const;

/** Returns the correlation_id. */
async function introduce(node_id: string, ahead: number): Promise<string> {
  const correlation_id = randomUUID();
  const data = { endpoints: { health: 'http://10.0.0.1:8080/' }, capabilities: [], reason: 'startup' } as const;
  const record = buildIntrospection({ ...known(node_id), ...data, correlation_id }, new Date());
  await send(introspectionTopic, record, ahead);
  return correlation_id;
}

const beat = (node_id: string, ahead: number): Promise<void> =>
  send(heartbeatTopic, buildHeartbeat({ ...known(node_id), uptime_seconds: 1 }, new Date()), ahead);

/** Returns the correlation_id that its ack must carry. */
async function accepted(node_id: string, ahead: number): Promise<string> {
  const correlation_id = await introduce(node_id, ahead);
  await eventually('it is accepted', 20, () =>
    registrar.of(node_id).some(({ event: { event_type } }) => event_type === 'NodeRegistrationAccepted'),
  );
  return correlation_id;
}

const acknowledge = (node_id: string, correlation_id: string, ahead: number): Promise<void> =>
  send(ackTopic, buildAck({ node_id, correlation_id }, new Date()), ahead);

/** An active node that beats only when the test does. */
async function join(ahead: number): Promise<string> {
  const node_id = randomUUID();
  await acknowledge(node_id, await accepted(node_id, ahead), ahead);
  await eventually('it is active', 20, async () => (await state(node_id)) === 'ACTIVE');
  return node_id;
}

const expired = () => registrar.published.filter(({ event: { event_type } }) => event_type === 'NodeLivenessExpired');

describe('the watermark of the heartbeats', () => {
  it('stays where it is while the broker answers and refuses them: nobody expires, neither then nor when it takes them again', async () => {
    const nodes = Array.from({ length: 6 }, () => registrar.node());
    await Promise.all(nodes.map((node) => node.start()));
    await eventually('it follows the clock', 20, async () => (await age()) < 3);
    // Some bytes less than one heartbeat, and less than anything.
    for (const value of ['1400', '64']) {
      await set(heartbeatTopic, BROKERS_TIME, { name: 'max.message.bytes', value });
      await pause(9);
      expect(await age()).toBeGreaterThan(7);
      await set(heartbeatTopic, BROKERS_TIME);
      await eventually('it follows the clock again', 20, async () => (await age()) < 3);
    }
    await pause(10);
    expect(expired()).toEqual([]);
    expect(await Promise.all(nodes.map(({ node_id }) => state(node_id)))).toEqual(Array(6).fill('ACTIVE'));
    await Promise.all(nodes.map((node) => node.stop()));
  });

  it('expires nobody who became active late: the worker was away since the ack, for longer than the first deadline', async () => {
    const node_id = randomUUID();
    const correlation_id = await accepted(node_id, 0);
    await registrar.stopWorker();
    await acknowledge(node_id, correlation_id, 0);
    for (let beats = 0; beats < 8; beats += 1) {
      await beat(node_id, 0);
      await pause(1);
    }
    await registrar.startWorker();
    await eventually('it is active', 20, async () => (await state(node_id)) === 'ACTIVE');
    // A node that beats every three seconds, as long as its lease of four seconds lets it.
    await pause(3);
    for (let beats = 0; beats < 3; beats += 1) {
      await beat(node_id, 0);
      await pause(3);
    }
    expect(await state(node_id)).toBe('ACTIVE');
    expect(expired()).toEqual([]);
  });

  it('is not held back by a partition that the broker does not name any more', async () => {
    await registrar.pool.query(
      "insert into stream_watermarks (topic, partition, next_offset, watermark) values ($1, 77, 5, now() - interval '1 hour')",
      [heartbeatTopic],
    );
    await eventually('it follows the clock', 20, async () => (await age()) < 3);
  });
});

describe('where the senders set the time of records', () => {
  beforeAll(() =>
    Promise.all([heartbeatTopic, ackTopic, introspectionTopic].map((topic) => set(topic, ...SENDERS_TIME))),
  );

  it('a node by a slow clock stays active while it beats, and one by a fast clock is found dead when it does not', async () => {
    const [slow, fast] = await Promise.all([join(-120), join(86_400)]);
    await beat(fast, 86_400);
    for (let beats = 0; beats < 12; beats += 1) {
      await beat(slow, -120);
      await pause(1);
    }
    expect(await state(slow)).toBe('ACTIVE');
    await eventually('the fast one expires', 10, async () => (await state(fast)) === 'LIVENESS_EXPIRED');
    expect(expired().map(({ event }) => event.node_id)).not.toContain(slow);
  });

  it('an introspection of 2030 does not lock its node out until then', async () => {
    const node_id = randomUUID();
    const attempt = async () => (await readRegistryRow(registrar.pool, node_id))?.attempt;
    await introduce(node_id, 4 * 365 * 86_400);
    await eventually('its first registration attempt', 20, async () => (await attempt()) === 1);
    await introduce(node_id, 0);
    await eventually('its second registration attempt', 20, async () => (await attempt()) === 2);
  });
});
