import { randomUUID } from 'node:crypto';
import { ConfigResourceTypes } from 'kafkajs';
import { afterAll, describe, expect, it } from 'vitest';
import { bridgeTopics } from '../../src/bridge/bridge-topics.js';
import { CLIENT } from '../../src/kafka/client.js';
import { buildAck } from '../../src/protocol/ack.js';
import { buildHeartbeat } from '../../src/protocol/heartbeat.js';
import { buildIntrospection } from '../../src/protocol/introspection.js';
import { readRegistryRow } from '../../src/registry/rows/read-registry-row.js';
import { contractDirectory } from '../unit/contracts/contract-files.js';
import { eventually, Installation } from './installation.js';
import { readWatermarks } from './read-watermarks.js';

/** Self-preservation never holds here: what keeps a node from expiring is the watermark alone. */
const CONTRACT = `
liveness:
  first_deadline_seconds: 4
  window_seconds: 4
  grace_seconds: 1
  heartbeat_interval_seconds: 1
  brake: { share: 1 }
`;

const running: Installation[] = [];
afterAll(async () => {
  await Promise.all(running.map((registrar) => registrar.stop()));
});

const pause = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1_000));

const BROKERS_TIME = { name: 'message.timestamp.type', value: 'LogAppendTime' };
// Kafka 4 refuses times of more than an hour ahead where nothing else is set; older brokers and other settings do not.
const SENDERS_TIME = [
  { name: 'message.timestamp.type', value: 'CreateTime' },
  { name: 'message.timestamp.after.max.ms', value: '9223372036854775807' },
];

const known = (node_id: string) => ({ node_id, node_type: 'effect', node_version: '1.2.3' }) as const;

/** Each test has an installation of its own, and waits most of its time. */
class World {
  readonly #topics: ReturnType<typeof bridgeTopics>;

  private constructor(readonly registrar: Installation) {
    this.#topics = bridgeTopics(registrar.contracts, registrar.config);
  }

  static async start(): Promise<World> {
    const registrar = await Installation.start(contractDirectory({ orchestrator: CONTRACT }));
    running.push(registrar);
    return new World(registrar);
  }

  get heartbeats(): string {
    return this.#topics.heartbeats[0];
  }

  get acks(): string {
    return this.#topics.acks[0];
  }

  get introspections(): string {
    return this.#topics.introspections[0];
  }

  async state(node_id: string): Promise<string | undefined> {
    return (await readRegistryRow(this.registrar.pool, node_id))?.state;
  }

  expired() {
    return this.registrar.published.filter(({ event: { event_type } }) => event_type === 'NodeLivenessExpired');
  }

  async set(topic: string, ...settings: readonly { readonly name: string; readonly value: string }[]) {
    const admin = this.registrar.kafka[CLIENT]().admin();
    const configEntries = settings.map((one) => ({ ...one }));
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries }],
    });
    await admin.disconnect();
  }

  /** How old the lowest watermark of the heartbeats is, in seconds. */
  async age(): Promise<number> {
    const rows = await readWatermarks(this.registrar.pool, this.heartbeats);
    return (Date.now() - Math.min(...rows.map(({ watermark }) => Date.parse(watermark)))) / 1_000;
  }

  /** Sends by a clock that is so many seconds ahead. */
  async #send(topic: string, record: ReturnType<typeof buildHeartbeat>, ahead: number): Promise<void> {
    const producer = this.registrar.kafka[CLIENT]().producer();
    await producer.connect();
    const { key, value, headers } = record;
    const timestamp = String(Date.now() + ahead * 1_000);
    await producer.send({ topic, messages: [{ key, value, headers: { ...headers }, timestamp }] });
    await producer.disconnect();
  }

  /** Returns the correlation_id. */
  async introduce(node_id: string, ahead: number): Promise<string> {
    const correlation_id = randomUUID();
    const data = { endpoints: { health: 'http://10.0.0.1:8080/' }, capabilities: [], reason: 'startup' } as const;
    const record = buildIntrospection({ ...known(node_id), ...data, correlation_id }, new Date());
    await this.#send(this.introspections, record, ahead);
    return correlation_id;
  }

  beat(node_id: string, ahead: number): Promise<void> {
    return this.#send(this.heartbeats, buildHeartbeat({ ...known(node_id), uptime_seconds: 1 }, new Date()), ahead);
  }

  /** Returns the correlation_id that its ack must carry. */
  async accepted(node_id: string, ahead: number): Promise<string> {
    const correlation_id = await this.introduce(node_id, ahead);
    await eventually('it is accepted', 20, () =>
      this.registrar.of(node_id).some(({ event: { event_type } }) => event_type === 'NodeRegistrationAccepted'),
    );
    return correlation_id;
  }

  acknowledge(node_id: string, correlation_id: string, ahead: number): Promise<void> {
    return this.#send(this.acks, buildAck({ node_id, correlation_id }, new Date()), ahead);
  }

  /** An active node that beats only when the test does. */
  async join(ahead: number): Promise<string> {
    const node_id = randomUUID();
    await this.acknowledge(node_id, await this.accepted(node_id, ahead), ahead);
    await eventually('it is active', 20, async () => (await this.state(node_id)) === 'ACTIVE');
    return node_id;
  }
}

describe.concurrent('the watermark of the heartbeats', () => {
  it.each([
    ['just below their size', '1400'],
    ['below the size of anything', '64'],
  ])(
    'stays where it is while the broker answers and refuses them, by a limit %s: nobody expires, neither then nor when it takes them again',
    async (_, value) => {
      const world = await World.start();
      const nodes = world.registrar.nodes(6);
      await Promise.all(nodes.map((node) => node.start()));
      await eventually('it follows the clock', 20, async () => (await world.age()) < 3);
      await world.set(world.heartbeats, BROKERS_TIME, { name: 'max.message.bytes', value });
      await pause(9);
      expect(await world.age()).toBeGreaterThan(7);
      await world.set(world.heartbeats, BROKERS_TIME);
      await eventually('it follows the clock again', 20, async () => (await world.age()) < 3);
      await pause(10);
      expect(world.expired()).toEqual([]);
      expect(await Promise.all(nodes.map(({ node_id }) => world.state(node_id)))).toEqual(Array(6).fill('ACTIVE'));
      await Promise.all(nodes.map((node) => node.stop()));
    },
  );

  it('expires nobody who became active late: the worker was away since the ack, for longer than the first deadline', async () => {
    const world = await World.start();
    const { registrar } = world;
    const node_id = randomUUID();
    const correlation_id = await world.accepted(node_id, 0);
    await registrar.stopWorker();
    await world.acknowledge(node_id, correlation_id, 0);
    for (let beats = 0; beats < 8; beats += 1) {
      await world.beat(node_id, 0);
      await pause(1);
    }
    await registrar.startWorker();
    await eventually('it is active', 20, async () => (await world.state(node_id)) === 'ACTIVE');
    // A node that beats every three seconds, as long as its lease of four seconds lets it.
    await pause(3);
    for (let beats = 0; beats < 3; beats += 1) {
      await world.beat(node_id, 0);
      await pause(3);
    }
    expect(await world.state(node_id)).toBe('ACTIVE');
    expect(world.expired()).toEqual([]);
  });

  it('is not held back by a partition that the broker does not name any more', async () => {
    const world = await World.start();
    await world.registrar.pool.query(
      "insert into stream_watermarks (topic, partition, next_offset, watermark) values ($1, 77, 5, now() - interval '1 hour')",
      [world.heartbeats],
    );
    await eventually('it follows the clock', 20, async () => (await world.age()) < 3);
  });
});

describe.concurrent('where the senders set the time of records', () => {
  async function withSendersTime(): Promise<World> {
    const world = await World.start();
    for (const topic of [world.heartbeats, world.acks, world.introspections]) await world.set(topic, ...SENDERS_TIME);
    return world;
  }

  it('a node by a slow clock stays active while it beats, and one by a fast clock is found dead when it does not', async () => {
    const world = await withSendersTime();
    const [slow, fast] = await Promise.all([world.join(-120), world.join(86_400)]);
    await world.beat(fast, 86_400);
    for (let beats = 0; beats < 12; beats += 1) {
      await world.beat(slow, -120);
      await pause(1);
    }
    expect(await world.state(slow)).toBe('ACTIVE');
    await eventually('the fast one expires', 30, async () => (await world.state(fast)) === 'LIVENESS_EXPIRED');
    expect(world.expired().map(({ event }) => event.node_id)).not.toContain(slow);
  });

  it('an introspection of 2030 does not lock its node out until then', async () => {
    const world = await withSendersTime();
    const node_id = randomUUID();
    const attempt = async () => (await readRegistryRow(world.registrar.pool, node_id))?.attempt;
    await world.introduce(node_id, 4 * 365 * 86_400);
    await eventually('its first registration attempt', 20, async () => (await attempt()) === 1);
    await world.introduce(node_id, 0);
    await eventually('its second registration attempt', 20, async () => (await attempt()) === 2);
  });
});
