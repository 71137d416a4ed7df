import { randomUUID } from 'node:crypto';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { startBridge, type Bridge } from '../../src/bridge/bridge.js';
import type { BridgeCounters } from '../../src/bridge/counters.js';
import { loadConfig, type Config } from '../../src/config/index.js';
import { loadContracts, type Contracts } from '../../src/contracts/load.js';
import { consume, createKafka, type KafkaHandle, type Subscription } from '../../src/kafka/index.js';
import { NodeHub, RegisteredNode, type RegisteredNodeOptions } from '../../src/node/index.js';
import { parsePublished, type PublishedEvent } from '../../src/protocol/published.js';
import { topicName } from '../../src/protocol/topics.js';
import { Catalog } from '../../src/registry/consul/catalog.js';
import { askStatus } from '../../src/runs/ask-status.js';
import { createSearchAttributes, createTopics } from '../../src/stack/index.js';
import { openWorker, type RegistrarWorker } from '../../src/worker.js';
import type { Status } from '../../workflows/details.js';
import { workflowId } from '../../workflows/messages.js';
import { errorsOnlyRuntime } from '../run/errors-only-runtime.js';
import { workflowBundle } from '../run/workflow-bundle.js';
import { RegistrarProcess } from './cli-process.js';
import { openDatabase, type Database } from './registry/database.js';
import { openNamespace } from './namespace.js';
import { patientProducer } from './patient-producer.js';
import { servers } from './servers.js';

const silent = pino({ level: 'silent' });

/** An event as Kafka has it. */
export interface PublishedRecord {
  readonly topic: string;
  readonly event: PublishedEvent;
}

/**
 * A whole registrar on the shared servers, with topics, groups, a task queue and
 * a database that nothing else uses: bridge and worker in this process or, to be killed, in
 * processes of their own; everything they publish read back from Kafka.
 */
export class Installation {
  readonly published: PublishedRecord[] = [];
  /** Warnings and errors of the bridge's log, oldest first. */
  readonly logged: string[] = [];
  readonly catalog = new Catalog({ address: servers().consulAddress });
  readonly #logger = pino(
    { level: 'warn' },
    { write: (line: string) => void this.logged.push((JSON.parse(line) as { msg: string }).msg) },
  );
  #nodes: RegisteredNode[] = [];
  #hub: NodeHub | null = null;
  #processes: RegistrarProcess[] = [];
  #worker: { worker: RegistrarWorker; running: Promise<void> } | null = null;
  #bridge: Bridge | null = null;
  /** It reads from the beginning: nobody need wait until it has joined. */
  #reader: Promise<Subscription> | null = null;

  private constructor(
    readonly config: Config,
    readonly contracts: Contracts,
    readonly client: Client,
    readonly kafka: KafkaHandle,
    private readonly database: Database,
  ) {}

  /** @param contractsDir what the worker runs; the shipped contracts by default */
  static async start(contractsDir?: string): Promise<Installation> {
    const installation = await Installation.prepare(contractsDir);
    await Promise.all([installation.startWorker(), installation.startBridge()]);
    return installation;
  }

  get pool(): Pool {
    return this.database.pool;
  }

  /** Everything but worker and bridge. */
  static async prepare(contractsDir?: string): Promise<Installation> {
    errorsOnlyRuntime();
    const name = `t${randomUUID().slice(0, 8)}`;
    const [database] = await Promise.all([openDatabase('installation'), openNamespace(name)]);
    const config = loadConfig({
      ...process.env,
      DATABASE_URL: database.url,
      REGISTRAR_ENV: name,
      REGISTRAR_TASK_QUEUE: name,
      TEMPORAL_NAMESPACE: name,
      ...(contractsDir === undefined ? {} : { REGISTRAR_CONTRACTS: contractsDir }),
    });
    const contracts = loadContracts(config.contractsDir);
    const { temporalAddress, kafkaBrokers } = servers();
    const topics = [...contracts.consumed.map(({ topic }) => topic), ...Object.values(contracts.topics)].map((topic) =>
      topicName(topic, config),
    );
    await Promise.all([
      createSearchAttributes(temporalAddress, name),
      createTopics({ brokers: kafkaBrokers }, topics, { partitions: 3 }),
    ]);
    const kafka = createKafka({ brokers: kafkaBrokers, clientId: name, logger: silent });
    const client = new Client({ connection: await Connection.connect({ address: temporalAddress }), namespace: name });
    const installation = new Installation(config, contracts, client, kafka, database);
    installation.#reader = installation.#read();
    return installation;
  }

  /** The environment of this installation's processes. */
  get environment(): NodeJS.ProcessEnv {
    const { env, taskQueue, contractsDir, temporal } = this.config;
    return {
      ...process.env,
      DATABASE_URL: this.database.url,
      REGISTRAR_ENV: env,
      REGISTRAR_TASK_QUEUE: taskQueue,
      TEMPORAL_NAMESPACE: temporal.namespace,
      REGISTRAR_CONTRACTS: contractsDir,
    };
  }

  /** `registrar …` for this installation, in a process of its own. */
  process(...args: readonly string[]): RegistrarProcess {
    return this.processWith({}, ...args);
  }

  /** The same with other variables. */
  processWith(variables: NodeJS.ProcessEnv, ...args: readonly string[]): RegistrarProcess {
    const started = new RegistrarProcess(args, { ...this.environment, ...variables });
    this.#processes.push(started);
    return started;
  }

  /** A worker or a bridge in a process of its own; resolves when it has logged that it runs. */
  async replica(role: 'worker' | 'bridge', ...options: readonly string[]): Promise<RegistrarProcess> {
    const started = this.process(role, ...options);
    await started.says(new RegExp(`"${role} runs"`));
    return started;
  }

  async startWorker(config: Config = this.config): Promise<void> {
    const worker = await openWorker(config, { bundle: await workflowBundle() });
    this.#worker = { worker, running: worker.run() };
  }

  async stopWorker(): Promise<void> {
    this.#worker?.worker.shutdown();
    await this.#worker?.running;
    this.#worker = null;
  }

  async startBridge(pool: Pool = this.pool): Promise<void> {
    this.#bridge = await startBridge({
      config: this.config,
      contracts: this.contracts,
      temporalClient: this.client,
      pool,
      kafka: this.kafka,
      logger: this.#logger,
    });
  }

  async stopBridge(): Promise<void> {
    await this.#bridge?.stop();
    this.#bridge = null;
  }

  /** What the bridge has done since it was started last. */
  counters(): Readonly<BridgeCounters> | undefined {
    return this.#bridge?.counters();
  }

  /** A node that speaks only Kafka, through the SDK. */
  node(options: Partial<RegisteredNodeOptions> = {}): RegisteredNode {
    const node = new RegisteredNode({
      brokers: this.config.kafka.brokers,
      env: this.config.env,
      node_id: randomUUID(),
      node_type: 'effect',
      version: '1.2.3',
      endpoints: { health: 'http://10.0.0.1:8080/health' },
      capabilities: ['registration.storage'],
      ...options,
    });
    this.#nodes.push(node);
    return node;
  }

  /** Nodes of one process: they share a connection to Kafka, which costs a good part of what a node costs. */
  nodes(count: number): RegisteredNode[] {
    const { kafka, env } = this.config;
    const hub = (this.#hub ??= new NodeHub({ brokers: kafka.brokers, env }));
    return Array.from({ length: count }, () => this.node({ hub }));
  }

  /** Sends a value to one of the topics that the registrar reads, as it is. */
  async send(event_type: string, ...values: readonly (string | Buffer)[]): Promise<void> {
    const template = this.contracts.consumed.find((row) => row.event_type === event_type)?.topic ?? '';
    const producer = patientProducer(this.kafka);
    await producer.send(
      values.map((value) => ({
        topic: topicName(template, this.config),
        key: null,
        value: Buffer.from(value),
        headers: {},
      })),
    );
    await producer.close();
  }

  handle(node_id: string): WorkflowHandle {
    return this.client.workflow.getHandle(workflowId(node_id));
  }

  /** @throws Error when its run does not answer, or there is none */
  async status(node_id: string): Promise<Status> {
    const { status, no_answer } = await askStatus(this.client, node_id, 20_000);
    if (status === null) throw new Error(`the run of ${node_id}: ${no_answer ?? 'there is none'}`);
    return status;
  }

  /** What was published for a node, in the order of emission. */
  of(node_id: string): PublishedRecord[] {
    return this.published
      .filter(({ event }) => event.node_id === node_id)
      .sort((a, b) => a.event.emitted_at.localeCompare(b.event.emitted_at));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.stop()));
    for (const one of this.#processes) one.kill('SIGKILL');
    await Promise.all([
      this.#hub?.close(),
      this.stopBridge(),
      this.stopWorker(),
      this.#reader?.then((reader) => reader.stop()),
      ...this.#processes.map((one) => one.ends()),
    ]);
    await Promise.all([this.database.drop(), this.client.connection.close()]);
    this.catalog.close();
  }

  #read(): Promise<Subscription> {
    return consume(this.kafka, {
      groupId: `reader-${randomUUID()}`,
      topics: Object.entries(this.contracts.topics)
        .filter(([action]) => action !== 'dead_letter')
        .map(([, topic]) => topicName(topic, this.config)),
      from: 'beginning',
      onBatch: (batch) => {
        for (const record of batch.records) {
          const parsed = parsePublished(record.value);
          if (!parsed.ok) throw new Error(`an unreadable event on ${record.topic}: ${parsed.reason}`);
          this.published.push({ topic: record.topic, event: parsed.event });
          batch.done(record);
        }
        return Promise.resolve();
      },
    });
  }
}

/**
 * Waits until something holds; fails with the name of what it waited for. It looks less often the longer it waits, for
 * looks cost the servers (self-preservation.test took 96 core seconds with a look each 50 ms, and 85 so).
 */
export async function eventually<T>(
  what: string,
  seconds: number,
  look: () => T | undefined | null | false | Promise<T | undefined | null | false>,
): Promise<T> {
  const end = Date.now() + seconds * 1000;
  for (let pauseMs = 50; ; pauseMs = Math.min(pauseMs * 1.3, 300)) {
    const found = await look();
    if (found !== undefined && found !== null && found !== false) return found;
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
