import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bridgeTopics, groupId } from '../../src/bridge/bridge-topics.js';
import { createAdmin, openCluster, type KafkaAdmin } from '../../src/kafka/index.js';
import { NodeHub, type RegisteredNode } from '../../src/node/index.js';
import { readRegistryRow } from '../../src/registry/rows/read-registry-row.js';
import { contractDirectory } from '../unit/contracts/contract-files.js';
import type { RegistrarProcess } from './cli-process.js';
import { eventually, Installation } from './installation.js';
import { readWatermarks } from './read-watermarks.js';

/** Lease duration and grace are shorter than the time in which a killed bridge's partitions get another reader. */
const SHORT = `
liveness: { first_deadline_seconds: 10, window_seconds: 5, grace_seconds: 2, heartbeat_interval_seconds: 1 }
timers: [{ timer: "liveness", seconds: 3 }]
`;
/** Nodes of the stream on their way at once: a queue that grows for ever on a busy machine would be no stream. */
const AT_ONCE = 24;
const GROUPS = ['introspections', 'acks', 'heartbeats'] as const;

let registrar: Installation;
let hub: NodeHub;
let admin: KafkaAdmin;
let bridges: readonly RegistrarProcess[];
let workers: readonly RegistrarProcess[];

beforeAll(async () => {
  registrar = await Installation.prepare(contractDirectory({ orchestrator: SHORT }));
  hub = new NodeHub({ brokers: registrar.config.kafka.brokers, env: registrar.config.env });
  admin = createAdmin(registrar.kafka);
  [bridges, workers] = await Promise.all([
    Promise.all([registrar.replica('bridge'), registrar.replica('bridge')]),
    Promise.all([registrar.replica('worker'), registrar.replica('worker')]),
  ]);
  await eventually('each bridge reads some partitions of each topic', 40, async () =>
    (await shares()).every((share) => share.length === 2 && share.every((mine) => mine.length > 0)),
  );
});
afterAll(async () => {
  await registrar.stop();
  await hub.close();
  await admin.close();
});

/** Of each group: the partitions of each of its members. */
async function shares(): Promise<(readonly number[])[][]> {
  const cluster = await openCluster(registrar.kafka);
  try {
    const groups = await Promise.all(GROUPS.map((kind) => cluster.members(groupId(kind, registrar.config))));
    return groups.map((members) => members.map(({ partitions }) => Object.values(partitions).flat().sort()));
  } finally {
    await cluster.close();
  }
}

const topic = (kind: 'introspections' | 'acks' | 'heartbeats'): string =>
  bridgeTopics(registrar.contracts, registrar.config)[kind][0];

/** Partitions whose watermark is past a time. */
async function storedPast(kind: 'acks' | 'heartbeats', time: string): Promise<number[]> {
  return (await readWatermarks(registrar.pool, topic(kind)))
    .filter(({ watermark }) => watermark > time)
    .map(({ partition }) => partition);
}

async function lag(kind: 'introspections' | 'acks'): Promise<number> {
  const [ends, committed] = await Promise.all([
    admin.topicEnds(topic(kind)),
    admin.committed(groupId(kind, registrar.config), topic(kind)),
  ]);
  return ends.reduce(
    (sum, { partition, low, high }) => sum + Number(high) - Number(committed.get(partition) ?? low),
    0,
  );
}

describe('two bridges and two workers', () => {
  it('share the partitions: each bridge answers for its own, the idle ones too, and for no other', async () => {
    const [paused] = bridges;
    // Nobody acknowledges anything: only the question for the topic's end moves these watermarks.
    const start = new Date().toISOString();
    await eventually('all partitions are looked after', 20, async () => (await storedPast('acks', start)).length === 3);
    const [, acks = []] = await shares();
    paused?.kill('SIGSTOP');
    const since = Date.now();
    const past = (ms: number) => storedPast('acks', new Date(since + ms).toISOString());
    const ofTheOther = await eventually('the other one goes on with all of its own', 20, async () => {
      // What the paused one had sent already may still arrive: two looks of the other one are past that.
      const stored = JSON.stringify(await past(2_500));
      return acks.find((share) => JSON.stringify(share) === stored);
    });
    await eventually('it has looked again', 20, async () => (await past(4_500)).length >= ofTheOther.length);
    expect(await past(2_500)).toEqual(ofTheOther);
    expect(ofTheOther.length).toBeLessThan(3);
    paused?.kill('SIGCONT');
    const after = new Date().toISOString();
    await eventually(
      'all partitions are looked after again',
      20,
      async () => (await storedPast('acks', after)).length === 3,
    );
  });

  it('lose nothing and double nothing when one of each is killed with -9 in mid-stream', async () => {
    const dying = registrar.process('node', '--id', `dying-${randomUUID()}`);
    const nodes: RegisteredNode[] = [];
    const starts: Promise<void>[] = [];
    const active = () => nodes.filter(({ state }) => state === 'active').length;
    let streaming = true;
    const stream = (async () => {
      while (streaming) {
        if (nodes.length - active() < AT_ONCE) {
          const node = registrar.node({ hub });
          nodes.push(node);
          starts.push(node.start({ timeoutMs: 90_000 }));
        }
        await new Promise((resolve) => setTimeout(resolve, 250));
      }
    })();
    await eventually('the stream runs', 30, () => active() >= 10);

    bridges[0]?.kill('SIGKILL');
    workers[0]?.kill('SIGKILL');
    const killed = new Date().toISOString();
    const activeBefore = active();
    await eventually('the other bridge stores all partitions', 60, async () => {
      const [acks, heartbeats] = await Promise.all([storedPast('acks', killed), storedPast('heartbeats', killed)]);
      return acks.length === 3 && heartbeats.length === 3;
    });
    const since = new Date().toISOString();
    await eventually('nodes that came since are active', 40, () => active() > activeBefore + 20);
    streaming = false;
    await stream;
    await Promise.all(starts);

    const ids = nodes.map(({ node_id }) => node_id);
    await eventually('the heartbeats of all nodes renew their leases', 30, async () => {
      const { rows } = await registrar.pool.query(
        'select from node_leases where node_id = any($1) and expired_at is null and last_heartbeat_at > $2',
        [ids, since],
      );
      return rows.length === ids.length;
    });
    const { rows } = await registrar.pool.query<{ node_id: string; state: string; attempt: number }>(
      'select node_id, state, attempt from node_registrations where node_id = any($1)',
      [ids],
    );
    expect(rows.length).toBe(ids.length);
    expect(rows.filter(({ state, attempt }) => state !== 'ACTIVE' || attempt !== 1)).toEqual([]);
    const instances = (await registrar.catalog.passingInstances('onex-effect')).filter(({ node_id }) =>
      ids.includes(node_id),
    );
    expect(instances.map(({ node_id, attempt }) => `${node_id} ${attempt}`).sort()).toEqual(
      ids.map((id) => `${id} 1`).sort(),
    );

    // A repeat of an event is the same event: of each kind there is one for a node, whoever published it how often.
    const events = ids.flatMap((id) => registrar.of(id)).map(({ event }) => event);
    const kinds = new Map(
      events.map(({ id, node_id, event_type, correlation_id, tags }) => [
        id,
        `${node_id} ${event_type} ${correlation_id} ${tags['attempt'] ?? ''}`,
      ]),
    );
    for (const { id, node_id, event_type, correlation_id, tags } of events)
      expect(kinds.get(id)).toBe(`${node_id} ${event_type} ${correlation_id} ${tags['attempt'] ?? ''}`);
    const once = [
      'NodeRegistrationInitiated',
      'NodeRegistrationAccepted',
      'NodeRegistrationAckReceived',
      'NodeBecameActive',
    ];
    for (const id of ids)
      expect(
        [...kinds.values()]
          .filter((kind) => kind.startsWith(id))
          .map((kind) => kind.split(' ')[1])
          .sort(),
      ).toEqual([...once].sort());
    await eventually(
      'everything that nodes said is committed',
      20,
      async () => (await lag('introspections')) + (await lag('acks')) === 0,
    );

    // And the one bridge that is left still finds who is really dead.
    const [, dead = ''] = await dying.says(/(dying-[0-9a-f-]+)/);
    await eventually(
      'the process is an active node',
      20,
      async () => (await readRegistryRow(registrar.pool, dead))?.state === 'ACTIVE',
    );
    dying.kill('SIGKILL');
    await eventually(
      'it has expired',
      40,
      async () => (await readRegistryRow(registrar.pool, dead))?.state === 'LIVENESS_EXPIRED',
    );
    expect(
      registrar.published
        .filter(({ event }) => event.event_type === 'NodeLivenessExpired')
        .map(({ event }) => event.node_id),
    ).toEqual([dead]);
  });
});
