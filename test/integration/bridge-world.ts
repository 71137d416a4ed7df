import { randomUUID } from 'node:crypto';
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { Client, Connection } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { Pool } from 'pg';
import pRetry from 'p-retry';
import { pino } from 'pino';
import { workflowId } from '../../workflows/messages.js';
import { startBridge, type Bridge, type BridgeOptions } from '../../src/bridge/bridge.js';
import { bridgeTopics, groupId, type BridgeTopics, type StreamKind } from '../../src/bridge/bridge-topics.js';
import { loadContracts, type Contracts } from '../../src/contracts/load.js';
import {
  consume,
  createAdmin,
  createKafka,
  openCluster,
  type Cluster,
  type IncomingRecord,
  type KafkaAdmin,
  type KafkaHandle,
  type RecordToSend,
} from '../../src/kafka/index.js';
import type { OutgoingRecord } from '../../src/protocol/envelope.js';
import { migrate } from '../../src/registry/migrate.js';
import { createPool } from '../../src/registry/pool.js';
import { createSearchAttributes, createTopics } from '../../src/stack/index.js';
import { patientProducer } from './patient-producer.js';
import { servers } from './servers.js';

const silent = pino({ level: 'silent' });

/**
 * Topics, groups and a task queue that nothing else uses, on the shared servers. No worker runs: histories keep the
 * signals.
 */
export class BridgeWorld {
  readonly names = { env: `t${randomUUID().slice(0, 8)}`, namespace: '' };
  /** The first topic of each kind; there is only one where the contract is the shipped one. */
  readonly topics: Readonly<Record<keyof BridgeTopics, string>>;
  readonly allTopics: BridgeTopics;
  readonly kafka: KafkaHandle = createKafka({
    brokers: servers().kafkaBrokers,
    clientId: 'bridge-test',
    logger: silent,
  });
  readonly #producer = patientProducer(this.kafka);
  readonly #bridges: Bridge[] = [];

  private constructor(
    readonly client: Client,
    readonly pool: Pool,
    readonly admin: KafkaAdmin,
    readonly cluster: Cluster,
    readonly contracts: Contracts,
  ) {
    const all = bridgeTopics(contracts, this.names);
    const [[introspections], [acks], [heartbeats], [drains]] = [
      all.introspections,
      all.acks,
      all.heartbeats,
      all.drains,
    ];
    this.allTopics = all;
    this.topics = { ...all, introspections, acks, heartbeats, drains };
  }

  static async create(partitions = 3, contracts = loadContracts()): Promise<BridgeWorld> {
    const { temporalAddress, databaseUrl, kafkaBrokers } = servers();
    await Promise.all([migrate(databaseUrl), createSearchAttributes(temporalAddress, 'default')]);
    const connection = await Connection.connect({ address: temporalAddress });
    const kafka = createKafka({ brokers: kafkaBrokers, clientId: 'bridge-test', logger: silent });
    const world = new BridgeWorld(
      new Client({ connection }),
      createPool(databaseUrl),
      createAdmin(kafka),
      await openCluster(kafka),
      contracts,
    );
    const topics = Object.values(world.allTopics).flat() as string[];
    await createTopics({ brokers: kafkaBrokers }, topics, { partitions });
    // The broker answers for a partition's end when it leads it; a busy one needs a moment after it has made a topic.
    for (const topic of topics) await pRetry(() => world.admin.topicEnds(topic), { retries: 10 });
    return world;
  }

  async bridge(options: Partial<BridgeOptions> = {}): Promise<Bridge> {
    const bridge = await startBridge({
      config: {
        ...this.names,
        taskQueue: `bridge-test-${this.names.env}`,
        consul: { address: servers().consulAddress },
      },
      contracts: this.contracts,
      temporalClient: this.client,
      pool: this.pool,
      kafka: this.kafka,
      logger: silent,
      stopGraceMs: 3_000,
      ...options,
    });
    this.#bridges.push(bridge);
    return bridge;
  }

  async send(
    topic: string,
    ...records: readonly (OutgoingRecord | Pick<RecordToSend, 'key' | 'value'>)[]
  ): Promise<void> {
    // Once: a send that is repeated may store twice what some partitions had taken already.
    await this.#producer.send(records.map((record) => ({ headers: {}, ...record, topic })));
  }

  /** Everything that a topic holds now. */
  async read(topic: string): Promise<IncomingRecord[]> {
    const ends = await this.admin.topicEnds(topic);
    const wanted = ends.reduce((sum, { low, high }) => sum + Number(high) - Number(low), 0);
    const found: IncomingRecord[] = [];
    if (wanted === 0) return found;
    const subscription = await consume(this.kafka, {
      groupId: `reader-${randomUUID()}`,
      topics: [topic],
      from: 'beginning',
      onBatch: (batch) => {
        for (const record of batch.records) {
          found.push(record);
          batch.done(record);
        }
        return Promise.resolve();
      },
    });
    await until(() => found.length >= wanted);
    await subscription.stop();
    return found;
  }

  /** How many records the topics of one kind hold. */
  async kept(kind: StreamKind): Promise<number> {
    const ends = await Promise.all(this.allTopics[kind].map((topic) => this.admin.topicEnds(topic)));
    return ends.flat().reduce((sum, { low, high }) => sum + Number(high) - Number(low), 0);
  }

  /** How far a group is behind the ends of its topics, over all partitions. */
  async lag(kind: StreamKind): Promise<number> {
    let behind = 0;
    for (const topic of this.allTopics[kind]) {
      const ends = await this.admin.topicEnds(topic);
      const committed = await this.admin.committed(groupId(kind, this.names), topic);
      for (const { partition, low, high } of ends) behind += Number(high) - Number(committed.get(partition) ?? low);
    }
    return behind;
  }

  /** Arguments of the signals of a node's workflow, in order. */
  async signals(node_id: string): Promise<{ readonly name: string; readonly argument: Record<string, unknown> }[]> {
    const history = await this.client.workflow.getHandle(workflowId(node_id)).fetchHistory();
    return (history.events ?? []).flatMap(({ workflowExecutionSignaledEventAttributes: signal }) => {
      const payload = signal?.input?.payloads?.[0];
      if (!payload) return [];
      return [
        {
          name: signal.signalName ?? '',
          argument: defaultPayloadConverter.fromPayload<Record<string, unknown>>(payload),
        },
      ];
    });
  }

  async hasRun(node_id: string): Promise<boolean> {
    return this.client.workflow
      .getHandle(workflowId(node_id))
      .describe()
      .then(
        () => true,
        (error: Error) => {
          if (error.name === 'WorkflowNotFoundError') return false;
          throw error;
        },
      );
  }

  async openLease(node_id: string, deadline: Date): Promise<void> {
    await this.pool.query(
      'insert into node_leases (node_id, attempt, deadline, window_seconds) values ($1, 1, $2, 90)',
      [node_id, deadline.toISOString()],
    );
  }

  async lease(node_id: string): Promise<{ deadline: string; last_heartbeat_at: string | null } | undefined> {
    const { rows } = await this.pool.query<{ deadline: string; last_heartbeat_at: string | null }>(
      'select deadline, last_heartbeat_at from node_leases where node_id = $1',
      [node_id],
    );
    return rows[0];
  }

  async close(): Promise<void> {
    await Promise.all(this.#bridges.map((bridge) => bridge.stop()));
    await Promise.all([
      this.#producer.close(),
      this.admin.close(),
      this.cluster.close(),
      this.pool.end(),
      this.client.connection.close(),
    ]);
  }
}

export async function until(condition: () => boolean | Promise<boolean>, seconds = 40): Promise<void> {
  const end = Date.now() + seconds * 1_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** A server that is not there yet: an address on which nobody listens, until it is opened. */
export class Gate {
  readonly #target: { readonly host: string; readonly port: number };
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;

  private constructor(
    address: string,
    readonly port: number,
  ) {
    const [host = '', port_ = ''] = address.split(':');
    this.#target = { host, port: Number(port_) };
  }

  /** @param address host:port of the real server */
  static async before(address: string): Promise<Gate> {
    const probe = createServer();
    await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
    const { port } = probe.address() as AddressInfo;
    await new Promise((resolve) => probe.close(resolve));
    return new Gate(address, port);
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  async open(): Promise<void> {
    const server = createServer((incoming) => {
      const outgoing = connect(this.#target);
      for (const [one, other] of [[incoming, outgoing] as const, [outgoing, incoming] as const]) {
        this.#sockets.add(one);
        one.on('error', () => other.destroy());
        one.on('close', () => this.#sockets.delete(one));
        one.pipe(other);
      }
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve));
  }

  async shut(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    for (const socket of this.#sockets) socket.destroy();
    if (server) await new Promise((resolve) => server.close(resolve));
  }
}
