import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { readRegistryRow } from '../../src/registry/rows/read-registry-row.js';
import { contractDirectory } from '../unit/contracts/contract-files.js';
import { eventually } from './installation.js';
import { WorldByHand } from './world-by-hand.js';

/** Self-preservation never holds here: what keeps a node from expiring is the watermark alone. */
const CONTRACT = `
liveness:
  first_deadline_seconds: 4
  window_seconds: 4
  grace_seconds: 1
  heartbeat_interval_seconds: 1
  brake: { share: 1 }
`;

const contractsDir = contractDirectory({ orchestrator: CONTRACT });
const running: WorldByHand[] = [];
afterAll(async () => {
  await Promise.all(running.map(({ registrar }) => registrar.stop()));
});

/** Each test has an installation of its own, and waits most of its time. */
async function start(): Promise<WorldByHand> {
  const world = await WorldByHand.start(contractsDir);
  running.push(world);
  return world;
}

const pause = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1_000));

const BROKERS_TIME = { name: 'message.timestamp.type', value: 'LogAppendTime' };
// Kafka 4 refuses times of more than an hour ahead where nothing else is set; older brokers and other settings do not.
const SENDERS_TIME = [
  { name: 'message.timestamp.type', value: 'CreateTime' },
  { name: 'message.timestamp.after.max.ms', value: '9223372036854775807' },
];

describe.concurrent('the watermark of the heartbeats', () => {
  it.each([
    ['just below their size', '1400'],
    ['below the size of anything', '64'],
  ])(
    'stays where it is while the broker answers and refuses them, by a limit %s: nobody expires, neither then nor when it takes them again',
    async (_, value) => {
      const world = await start();
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
    const world = await start();
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
    const world = await start();
    await world.registrar.pool.query(
      "insert into stream_watermarks (topic, partition, next_offset, watermark) values ($1, 77, 5, now() - interval '1 hour')",
      [world.heartbeats],
    );
    await eventually('it follows the clock', 20, async () => (await world.age()) < 3);
  });
});

describe.concurrent('where the senders set the time of records', () => {
  async function withSendersTime(): Promise<WorldByHand> {
    const world = await start();
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
    // On a busy machine the stream stalls for longer than the heartbeat interval of a second, again and again.
    await eventually('the fast one expires', 120, async () => {
      await world.beat(slow, -120);
      await pause(1);
      return (await world.state(fast)) === 'LIVENESS_EXPIRED';
    });
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
