import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { consume, createKafka, type Subscription } from '../../src/kafka/index.js';
import { openCluster } from '../../src/kafka/cluster.js';
import { NODE_TOPICS, RegisteredNode, simulateFleet, type NodeState, type NodeTopic } from '../../src/node/index.js';
import { parseAck, type Ack } from '../../src/protocol/ack.js';
import { parseHeartbeat, type Heartbeat } from '../../src/protocol/heartbeat.js';
import type { Parsed } from '../../src/protocol/incoming.js';
import { parseIntrospection, type Introspection } from '../../src/protocol/introspection.js';
import { buildPublished } from '../../src/protocol/published.js';
import { topicName } from '../../src/protocol/topics.js';
import { createTopics } from '../../src/stack/index.js';
import { logger } from '../../src/telemetry.js';
import { patientProducer, type PatientProducer } from './patient-producer.js';
import { servers } from './servers.js';

/** Topics of this run's own. */
const env = `node-test-${randomUUID().slice(0, 8)}`;
const namespace = 'it';
const topic = (name: NodeTopic): string => topicName(NODE_TOPICS[name], { env, namespace });

/** What a broker does with the events on some topics: the SDK reads each codec. */
const COMPRESSED: Partial<Record<NodeTopic, string>> = {
  accepted: 'zstd',
  becameActive: 'snappy',
  livenessExpired: 'lz4',
  draining: 'gzip',
};

/** A scripted registrar: accepts every startup once, answers every ack with became-active. */
class Counterpart {
  readonly introspections: Introspection[] = [];
  readonly acks: Ack[] = [];
  readonly heartbeats: Heartbeat[] = [];
  readonly #producer: PatientProducer;
  #subscription: Subscription | undefined;

  constructor(readonly brokers: readonly string[]) {
    this.#producer = patientProducer(createKafka({ brokers, clientId: 'counterpart', logger: logger('kafka') }));
  }

  async start(): Promise<void> {
    this.#subscription = await consume(
      createKafka({ brokers: this.brokers, clientId: 'counterpart', logger: logger('kafka') }),
      {
        groupId: `${env}-counterpart`,
        topics: [topic('introspection'), topic('ack'), topic('heartbeat')],
        from: 'beginning',
        onBatch: async (batch) => {
          for (const record of batch.records) {
            if (record.topic === topic('introspection'))
              await this.#onIntrospection(read(parseIntrospection(record.value, record)));
            else if (record.topic === topic('ack')) await this.#onAck(read(parseAck(record.value, record)));
            else this.heartbeats.push(read(parseHeartbeat(record.value, record)));
            batch.done(record);
          }
        },
      },
    );
  }

  async stop(): Promise<void> {
    await this.#subscription?.stop();
    await this.#producer.close();
  }

  async publish(
    to: NodeTopic,
    event_type: string,
    { node_id, correlation_id }: { node_id: string; correlation_id: string },
    payload: Record<string, unknown> = {},
  ): Promise<void> {
    const record = buildPublished(
      {
        id: randomUUID(),
        event_type,
        topic: '',
        node_id,
        correlation_id,
        causation_id: randomUUID(),
        payload,
        ids_at_top: event_type === 'NodeRegistrationAccepted',
        stamps: event_type === 'NodeRegistrationAccepted' ? { ack_deadline: 30 } : {},
        tags: { attempt: '1', heartbeat_interval_seconds: '1' },
      },
      { sentAt: new Date(), source: 'counterpart' },
    );
    await this.#producer.send([{ topic: topic(to), ...record }]);
  }

  async #onIntrospection(introspection: Introspection): Promise<void> {
    const known = this.introspections.some((one) => one.correlation_id === introspection.correlation_id);
    this.introspections.push(introspection);
    if (!known && introspection.reason === 'startup')
      await this.publish('accepted', 'NodeRegistrationAccepted', introspection);
  }

  async #onAck(ack: Ack): Promise<void> {
    this.acks.push(ack);
    await this.publish('becameActive', 'NodeBecameActive', ack, { capabilities: ['mail.send'] });
  }
}

function read<T>(parsed: Parsed<T>): T {
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.message;
}

let counterpart: Counterpart;
const unhandled: unknown[] = [];
const onUnhandled = (error: unknown): void => void unhandled.push(error);

beforeAll(async () => {
  process.on('unhandledRejection', onUnhandled);
  const brokers = servers().kafkaBrokers;
  for (const [name, codec] of Object.entries(COMPRESSED) as [NodeTopic, string][])
    await createTopics({ brokers }, [topic(name)], { partitions: 3, settings: { 'compression.type': codec } });
  await createTopics({ brokers }, (Object.keys(NODE_TOPICS) as NodeTopic[]).map(topic), { partitions: 3 });
  counterpart = new Counterpart(brokers);
  await counterpart.start();
});
afterAll(async () => {
  await counterpart.stop();
  process.off('unhandledRejection', onUnhandled);
  expect(unhandled).toEqual([]);
});

describe('on a real broker', () => {
  // The first test: whatever it leaves in flight ends while the others run, and afterAll sees that nothing was
  // unhandled.
  test('a node whose Kafka is not there waits, and can be stopped while it waits', async () => {
    const nobody = createServer().listen(0, '127.0.0.1');
    await once(nobody, 'listening');
    const { port } = nobody.address() as AddressInfo;
    nobody.close();
    const node = new RegisteredNode({ brokers: [`127.0.0.1:${port}`], env, node_type: 'reducer', version: '1.0.0' });
    const problem = once(node, 'problem');
    const started = node.start().then(
      () => 'active',
      (error: Error) => error.message,
    );
    expect(String(await problem)).toContain(`node ${node.node_id} waits for Kafka at 127.0.0.1:${port}`);
    expect(node.state).toBe('connecting');
    await node.stop();
    expect(await started).toBe(`node ${node.node_id} was stopped before it was active`);
    expect(node.state).toBe('left');
  });

  test('a node goes from its introspection to active, beats at the interval that accepted brings, and leaves', async () => {
    const node = new RegisteredNode({
      brokers: counterpart.brokers,
      env,
      namespace,
      node_type: 'effect',
      node_id: 'mailer-1',
      version: '1.2.3-rc.1',
      endpoints: { health: 'http://10.0.0.7:8080/health' },
      capabilities: ['mail.send'],
    });
    const states: NodeState[] = [];
    node.on('state', ({ state }) => states.push(state));
    await node.start({ timeoutMs: 30_000 });
    expect(node.heartbeat_interval_seconds).toBe(1);
    await vi.waitFor(
      () =>
        expect(counterpart.heartbeats.filter((beat) => beat.node_id === 'mailer-1').length).toBeGreaterThanOrEqual(3),
      30_000,
    );
    await node.stop();
    expect(states).toEqual(['connecting', 'introducing', 'accepted', 'acknowledged', 'active', 'leaving', 'left']);
    await vi.waitFor(
      () => expect(counterpart.introspections.at(-1)).toMatchObject({ node_id: 'mailer-1', reason: 'shutdown' }),
      30_000,
    );
  });

  test('a node that reads that it expired introduces itself with a new correlation_id and is active again', async () => {
    const node = new RegisteredNode({
      brokers: counterpart.brokers,
      env,
      namespace,
      node_type: 'compute',
      version: '1.0.0',
      pauses: { startOver: { first_seconds: 0.1, max_seconds: 0.1 } },
    });
    await node.start({ timeoutMs: 30_000 });
    const correlation_id = node.correlation_id ?? '';
    const again = once(node, 'active');
    await counterpart.publish(
      'livenessExpired',
      'NodeLivenessExpired',
      { node_id: node.node_id, correlation_id },
      { last_heartbeat_at: null },
    );
    await again;
    expect(
      counterpart.introspections.filter((one) => one.node_id === node.node_id).map((one) => one.correlation_id),
    ).toEqual([correlation_id, node.correlation_id]);
    expect(node.correlation_id).not.toBe(correlation_id);
    await node.stop();
  });

  test('a node reads events that the broker has compressed, by every codec', async () => {
    const cluster = await openCluster(
      createKafka({ brokers: counterpart.brokers, clientId: 'codecs', logger: logger('kafka') }),
    );
    const topics = Object.keys(COMPRESSED).map((name) => topic(name as NodeTopic));
    const codecs = await cluster.topicSetting(topics, 'compression.type').finally(() => cluster.close());
    expect([...codecs.values()].sort()).toEqual(['gzip', 'lz4', 'snappy', 'zstd']);

    const node = new RegisteredNode({
      brokers: counterpart.brokers,
      env,
      namespace,
      node_type: 'orchestrator',
      version: '1.0.0',
      pauses: { startOver: { first_seconds: 0.1, max_seconds: 0.1 } },
    });
    await node.start({ timeoutMs: 30_000 });
    const about = { node_id: node.node_id, correlation_id: node.correlation_id ?? '' };
    const draining = once(node, 'draining');
    await counterpart.publish('draining', 'NodeDraining', about, { drain_reason: 'ada: a new disk' });
    expect((await draining)[0]).toMatchObject({ reason: 'ada: a new disk' });
    const again = once(node, 'active');
    await counterpart.publish('livenessExpired', 'NodeLivenessExpired', about, { last_heartbeat_at: null });
    await again;
    await node.stop();
  });

  test('fifty nodes on one connection become active, each acknowledging its own acceptance once', async () => {
    const fleet = simulateFleet({ nodes: 50, brokers: counterpart.brokers, env, namespace });
    await fleet.start({ timeoutMs: 30_000 });
    const attempts = fleet.members.map(({ node }) => `${node.node_id} ${String(node.correlation_id)}`);
    const ids = new Set(fleet.members.map(({ node }) => node.node_id));
    expect(
      counterpart.acks
        .filter((ack) => ids.has(ack.node_id))
        .map((ack) => `${ack.node_id} ${ack.correlation_id}`)
        .sort(),
    ).toEqual([...attempts].sort());
    await fleet.stop();
    await vi.waitFor(
      () =>
        expect(
          counterpart.introspections.filter((one) => ids.has(one.node_id) && one.reason === 'shutdown'),
        ).toHaveLength(50),
      30_000,
    );
  });
});
