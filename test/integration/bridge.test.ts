import { randomUUID } from 'node:crypto';
import { Client, Connection, ServiceError } from '@temporalio/client';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { groupId } from '../../src/bridge/bridge-topics.js';
import { buildAck } from '../../src/protocol/ack.js';
import { buildHeartbeat } from '../../src/protocol/heartbeat.js';
import { buildIntrospection } from '../../src/protocol/introspection.js';
import { parsePublished } from '../../src/protocol/published.js';
import { loadContracts } from '../../src/contracts/load.js';
import { lowestWatermark } from '../../src/registry/leases/watermarks.js';
import { retriedCalls } from '../../src/runs/retried-calls.js';
import { workflowId } from '../../workflows/messages.js';
import { contractDirectory } from '../unit/contracts/contract-files.js';
import { BridgeWorld, Gate, until } from './bridge-world.js';
import { servers } from './servers.js';
import { readWatermarks } from './read-watermarks.js';

let world: BridgeWorld;

beforeEach(async () => {
  world = await BridgeWorld.create();
});

afterEach(async () => {
  await world.close();
});

function introspection(node_id: string, correlation_id: string = randomUUID()) {
  return buildIntrospection(
    {
      node_id,
      node_type: 'effect',
      node_version: '1.2.3',
      correlation_id,
      endpoints: { api: 'http://localhost:8080' },
      capabilities: ['storage'],
      reason: 'startup',
    },
    new Date(),
  );
}

function heartbeat(node_id: string) {
  return buildHeartbeat({ node_id, node_type: 'effect', node_version: '1.2.3', uptime_seconds: 1 }, new Date());
}

function nodes(count: number): string[] {
  return Array.from({ length: count }, () => randomUUID());
}

async function hasSignals(node_id: string, count: number): Promise<boolean> {
  return (await world.hasRun(node_id)) && (await world.signals(node_id)).length >= count;
}

/** A client that may be slow, or refuse. */
function clientWith(before: (workflowId: string) => Promise<void>): Client {
  const { client } = world;
  const workflow = Object.create(client.workflow) as Client['workflow'];
  workflow.signalWithStart = async (type, options) => {
    await before(options.workflowId);
    return client.workflow.signalWithStart(type, options);
  };
  return Object.create(client, { workflow: { value: workflow } }) as Client;
}

describe('introspections', () => {
  it('of a node that was there before the first bridge starts its workflow', async () => {
    const node_id = `abc-${randomUUID()}`;
    const correlation_id = randomUUID();
    await world.send(world.topics.introspections, introspection(node_id, correlation_id));
    const bridge = await world.bridge();
    await until(() => world.hasRun(node_id));

    const [signal] = await world.signals(node_id);
    expect(signal).toMatchObject({
      name: 'introspection',
      argument: {
        node_id,
        correlation_id,
        node_type: 'effect',
        node_version: '1.2.3',
        capabilities: ['storage'],
        reason: 'startup',
      },
    });
    const described = await world.client.workflow.getHandle(workflowId(node_id)).describe();
    expect(described.typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value])).toEqual(
      expect.arrayContaining([
        ['NodeId', node_id],
        ['NodeType', 'effect'],
        ['RegistrationState', 'PENDING_REGISTRATION'],
      ]),
    );
    expect(await described.staticSummary()).toBe(`effect node ${node_id}, version 1.2.3`);
    await until(async () => (await world.lag('introspections')) === 0);
    expect(bridge.counters()).toMatchObject({ introspections: 1, dead_letters: 0 });
  });

  it('stay in order for one node, while nodes do not wait for each other', async () => {
    const fleet = nodes(20);
    const rounds = 5;
    const sent = new Map(fleet.map((node_id) => [node_id, [] as string[]]));
    for (let round = 0; round < rounds; round++) {
      const messages = fleet.map((node_id) => {
        const correlation_id = randomUUID();
        sent.get(node_id)?.push(correlation_id);
        return introspection(node_id, correlation_id);
      });
      await world.send(world.topics.introspections, ...messages);
    }
    let inFlight = 0;
    let most = 0;
    await world.bridge({
      temporalClient: clientWith(async () => {
        inFlight += 1;
        most = Math.max(most, inFlight);
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 30));
        inFlight -= 1;
      }),
    });
    await until(async () => (await world.lag('introspections')) === 0);
    for (const node_id of fleet) {
      expect((await world.signals(node_id)).map(({ argument }) => argument.correlation_id)).toEqual(sent.get(node_id));
    }
    expect(most).toBeGreaterThan(3);
    expect(most).toBeLessThanOrEqual(64);
  });

  it('that nobody can understand go to the dead letters as they are, and hold up nobody', async () => {
    const [good = '', other = '', nameless = ''] = nodes(3);
    const garbage = [
      { key: 'k1', value: Buffer.from([0xff, 0x00, 0x01]) },
      { key: null, value: Buffer.from('{"node_id": "no spaces", "node_type": "toaster"}') },
      { key: nameless, value: null },
    ];
    await world.send(world.topics.introspections, introspection(good), ...garbage, introspection(other));
    const bridge = await world.bridge();
    await until(async () => (await hasSignals(good, 1)) && (await hasSignals(other, 1)));
    await until(async () => (await world.lag('introspections')) === 0);

    const letters = await world.read(world.topics.deadLetters);
    expect(bridge.counters()).toMatchObject({ introspections: 2, dead_letters: 3 });
    expect(
      new Set(letters.map(({ key, value }) => `${key?.toString() ?? null} ${value?.toString('hex') ?? null}`)),
    ).toEqual(new Set(garbage.map(({ key, value }) => `${key} ${value?.toString('hex') ?? null}`)));
    const headers = letters.map((letter) =>
      Object.fromEntries(Object.entries(letter.headers).map(([name, value]) => [name, value?.toString()])),
    );
    expect(headers).toContainEqual(
      expect.objectContaining({
        reason: expect.stringContaining(
          'node_type: expected one of effect, reducer, orchestrator, compute, got "toaster"',
        ) as string,
        original_topic: world.topics.introspections,
        original_partition: expect.stringMatching(/^\d+$/) as string,
        original_offset: expect.stringMatching(/^\d+$/) as string,
        original_timestamp: expect.stringMatching(/^\d{4}-.*Z$/) as string,
        node_id: 'no spaces',
      }),
    );
  });

  it('that Temporal refuses for good go there too', async () => {
    const [refused = '', good = ''] = nodes(2);
    await world.send(world.topics.introspections, introspection(refused), introspection(good));
    const invalid = Object.assign(new Error('3 INVALID_ARGUMENT'), {
      code: 3,
      details: 'exceeded workflow execution limit for signal events',
      metadata: {},
    });
    await world.bridge({
      temporalClient: clientWith((id) =>
        id === workflowId(refused)
          ? Promise.reject(new ServiceError('Failed to signal', { cause: invalid }))
          : Promise.resolve(),
      ),
    });
    await until(() => world.hasRun(good));
    await until(async () => (await world.lag('introspections')) === 0);
    const [letter] = await world.read(world.topics.deadLetters);
    expect(letter?.headers.reason?.toString()).toContain('Temporal refuses it');
    expect(letter?.headers.node_id?.toString()).toBe(refused);
  });
});

describe('topics', () => {
  it('of one kind may be several: all are read, and each has its watermark', async () => {
    const overlay = `
consumed_events:
  - { event_type: "NodeIntrospectionEvent", topic: "{env}.hello.v1" }
  - { event_type: "NodeIntrospectionEvent", topic: "{env}.hello.v2" }
  - { event_type: "NodeHeartbeat", topic: "{env}.beat.v1" }
  - { event_type: "NodeHeartbeat", topic: "{env}.beat.v2" }
`;
    const wide = await BridgeWorld.create(2, loadContracts(contractDirectory({ orchestrator: overlay })));
    try {
      const [one = '', other = ''] = nodes(2);
      const { introspections, heartbeats } = wide.allTopics;
      await wide.send(`${wide.names.env}.hello.v1`, introspection(one));
      await wide.send(`${wide.names.env}.hello.v2`, introspection(other));
      const bridge = await wide.bridge();
      await until(async () => (await wide.hasRun(one)) && (await wide.hasRun(other)));
      for (const topic of heartbeats) await wide.send(topic, heartbeat(one));
      await until(() => bridge.counters().heartbeats === 2);
      await until(async () => (await wide.lag('introspections')) + (await wide.lag('heartbeats')) === 0);
      expect([introspections.length, heartbeats.length]).toEqual([2, 2]);
      for (const topic of heartbeats) await until(async () => (await readWatermarks(wide.pool, topic)).length === 2);
      const metrics = await bridge.metrics.metrics();
      for (const topic of introspections)
        expect(metrics).toContain(`registrar_consumer_lag_records{topic="${topic}"} 0`);
      for (const topic of heartbeats) expect(metrics).toContain(`registrar_watermark_age_seconds{topic="${topic}"}`);
    } finally {
      await wide.close();
    }
  });
});

describe('acks', () => {
  it('signal the run; without one they are counted; nonsense becomes a dead letter; the topic counts as read', async () => {
    const [node_id = '', stranger = ''] = nodes(2);
    const correlation_id = randomUUID();
    const bridge = await world.bridge();
    await world.send(world.topics.introspections, introspection(node_id, correlation_id));
    await until(() => hasSignals(node_id, 1));
    const before = new Date().toISOString();
    await world.send(
      world.topics.acks,
      buildAck({ node_id: stranger, correlation_id }, new Date()),
      { key: null, value: Buffer.from('{}') },
      buildAck({ node_id, correlation_id }, new Date()),
    );
    await until(() => hasSignals(node_id, 2));
    expect((await world.signals(node_id))[1]).toMatchObject({ name: 'ack', argument: { node_id, correlation_id } });
    await until(async () => (await world.lag('acks')) === 0);
    expect(bridge.counters()).toMatchObject({ acks: 1, acks_without_run: 1, dead_letters: 1 });

    await until(async () => {
      const marks = await readWatermarks(world.pool, world.topics.acks);
      return marks.length === 3 && marks.every(({ watermark }) => watermark > before);
    });
  });
});

describe('heartbeats', () => {
  it('renew leases to the time of the record and the lease duration, and move the watermark with them', async () => {
    const [node_id = ''] = nodes(1);
    await world.openLease(node_id, new Date());
    const bridge = await world.bridge();
    const before = Date.now();
    await world.send(world.topics.heartbeats, heartbeat(node_id), heartbeat(node_id), {
      key: node_id,
      value: Buffer.from('nonsense'),
    });
    await until(async () => (await world.lease(node_id))?.last_heartbeat_at !== null);
    const lease = await world.lease(node_id);
    const beat = Date.parse(lease?.last_heartbeat_at ?? '');
    expect(beat).toBeGreaterThanOrEqual(before - 50);
    expect(Date.parse(lease?.deadline ?? '') - beat).toBe(90_000);
    await until(async () => (await world.lag('heartbeats')) === 0);
    expect(bridge.counters()).toMatchObject({ heartbeats: 2, heartbeats_without_lease: 0, dead_letters: 1 });
  });

  it('without a lease make the registrar ask that node, once a minute at most', async () => {
    const [node_id = ''] = nodes(1);
    const bridge = await world.bridge();
    await world.send(world.topics.heartbeats, heartbeat(node_id));
    await until(() => bridge.counters().introspections_requested === 1);
    await world.send(world.topics.heartbeats, heartbeat(node_id));
    await until(() => bridge.counters().heartbeats_without_lease === 2);
    const requests = await world.read(world.topics.introspectionRequests);
    expect(requests).toHaveLength(1);
    expect(parsePublished(requests[0]?.value ?? null)).toMatchObject({
      ok: true,
      event: { event_type: 'RequestIntrospection', node_id },
    });
    expect(JSON.parse(requests[0]?.value?.toString() ?? '')).toMatchObject({ target_node_id: node_id });
  });

  it('of idle partitions count as read up to now, and keep doing so', async () => {
    await world.bridge();
    const allAfter = async (time: string): Promise<boolean> => {
      const marks = await readWatermarks(world.pool, world.topics.heartbeats);
      return marks.length === 3 && marks.every(({ watermark }) => watermark > time);
    };
    for (let round = 0; round < 2; round++) {
      const now = new Date().toISOString();
      await until(() => allAfter(now));
    }
  });

  it('that are read and not stored yet keep the watermark where it is', async () => {
    const [node_id = ''] = nodes(1);
    await world.openLease(node_id, new Date());
    const topic = world.topics.heartbeats;
    const bridge = await world.bridge();
    await world.send(topic, heartbeat(node_id));
    await until(() => bridge.counters().heartbeats === 1);
    const locker = await world.pool.connect();
    await locker.query('begin');
    await locker.query('select from node_leases where node_id = $1 for update', [node_id]);
    await world.send(topic, ...Array.from({ length: 6 }, () => heartbeat(node_id)));
    const sent = new Date().toISOString();
    await until(async () => {
      const { rows } = await world.pool.query("select from pg_stat_activity where wait_event_type = 'Lock'");
      return rows.length > 0;
    });
    expect((await lowestWatermark(world.pool, [topic])) ?? '').toSatisfy((watermark: string) => watermark < sent);
    expect(bridge.counters().heartbeats).toBe(1);
    await locker.query('commit');
    locker.release();
    await until(async () => ((await lowestWatermark(world.pool, [topic])) ?? '') > sent);
    expect(bridge.counters().heartbeats).toBe(7);
  });
});

describe('nothing is lost', () => {
  it('while Temporal is away: the bridge waits, commits nothing, stays in the group', async () => {
    const fleet = nodes(20);
    const gate = await Gate.before(servers().temporalAddress);
    const connection = Connection.lazy({
      address: gate.address,
      interceptors: retriedCalls,
      channelArgs: { 'grpc.max_reconnect_backoff_ms': 1_000 },
    });
    try {
      await world.send(world.topics.introspections, ...fleet.map((node_id) => introspection(node_id)));
      const lines: string[] = [];
      const logger = pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) });
      const bridge = await world.bridge({ temporalClient: new Client({ connection }), logger });
      const members = async () => {
        const group = await world.cluster.members(groupId('introspections', world.names));
        return group.map(({ id }) => id);
      };
      const before = await members();
      await until(() => lines.some((line) => line.includes('Temporal is away')));
      expect([before.length, bridge.counters().introspections]).toEqual([1, 0]);
      expect(await world.lag('introspections')).toBe(await world.kept('introspections'));
      await gate.open();
      await until(async () => (await world.lag('introspections')) === 0);
      expect(await members()).toEqual(before);
      for (const node_id of fleet) expect(await world.signals(node_id)).toHaveLength(1);
      await bridge.stop();
    } finally {
      await connection.close();
      await gate.shut();
    }
  });

  it('when it is stopped: what it holds is finished and committed, the rest is the next one’s', async () => {
    const fleet = nodes(200);
    await world.send(world.topics.introspections, ...fleet.map((node_id) => introspection(node_id)));
    let begun = 0;
    let ended = 0;
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const first = await world.bridge({
      temporalClient: clientWith(async () => {
        begun += 1;
        await released;
        ended += 1;
      }),
    });
    await until(() => begun > 0);
    const stopping = first.stop();
    release();
    await stopping;
    expect(ended).toBe(begun);
    const held = first.counters().introspections;
    expect(held).toBe(begun);
    expect(held).toBeLessThan(200);
    // Only what is contiguous is committed; in a batch that is worked on in order of arrival, nearly all of it is.
    const lag = await world.lag('introspections');
    expect(lag).toBeLessThan(200);
    expect(200 - lag).toBeLessThanOrEqual(held);
    expect(await world.cluster.members(groupId('introspections', world.names))).toEqual([]);

    await world.bridge();
    await until(async () => (await world.lag('introspections')) === 0);
    for (const node_id of fleet) expect(await world.hasRun(node_id)).toBe(true);
  });

  it('when two bridges share the work and one of them leaves', async () => {
    const [one, other] = await Promise.all([world.bridge(), world.bridge()]);
    const early = nodes(30);
    await world.send(world.topics.introspections, ...early.map((node_id) => introspection(node_id)));
    await until(async () => (await world.lag('introspections')) === 0);
    await one?.stop();
    const late = nodes(30);
    await world.send(world.topics.introspections, ...late.map((node_id) => introspection(node_id)));
    await until(async () => (await world.lag('introspections')) === 0);
    expect((one?.counters().introspections ?? 0) + (other?.counters().introspections ?? 0)).toBeGreaterThanOrEqual(60);
    for (const node_id of [...early, ...late]) expect(await world.hasRun(node_id)).toBe(true);
  });
});
