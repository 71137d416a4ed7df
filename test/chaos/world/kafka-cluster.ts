import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import kafkajs, { type Admin } from 'kafkajs';
import { spawnGuarded, type Guarded } from '../../../src/stack/guardian.js';
import { choosePorts, portOf, type Ports } from '../../../src/stack/ports.js';
import { findJava } from '../../../src/stack/prerequisites.js';
import { userCacheRoot } from '../../../src/stack/provision/context.js';
import { kafkaClassPath, provisionedKafka } from '../../../src/stack/provision/kafka.js';
import { familyOf, isAlive, signal } from './proc.js';

const IDS = [1, 2, 3] as const;
export type BrokerId = (typeof IDS)[number];

const CLUSTER_ID = 'bm9kZS1yZWdpc3RyYQ';
const HEALTHY_WITHIN_MS = 90_000;
const LOOK_EVERY_MS = 200;

/** Three brokers that are controllers, too: each record on three of them, and taken once two have it. */
export class KafkaCluster {
  readonly #running = new Map<BrokerId, Guarded>();

  private constructor(
    private readonly directory: string,
    private readonly ports: Ports,
    private readonly java: readonly [string, ...string[]],
  ) {}

  /**
   * Resolves once all three are in.
   *
   * @throws Error where Java or the embedded Kafka is missing
   */
  static async start(directory: string): Promise<KafkaCluster> {
    const java = findJava(process.env);
    if (java === undefined) throw new Error('three brokers need Java, and there is none on PATH');
    const classPath = await kafkaClassPath(provisionedKafka(userCacheRoot(process.env)));
    const flags = ['-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', classPath];
    const levels = ['defaultLogLevel=warn', 'log.org.apache.kafka.controller=info', 'showDateTime=true'];
    const ports = await choosePorts(
      Object.fromEntries(IDS.flatMap((id) => [`broker${id}`, `controller${id}`]).map((one) => [one, 0])),
    );
    const cluster = new KafkaCluster(directory, ports, [
      java,
      ...levels.map((level) => `-Dorg.slf4j.simpleLogger.${level}`),
      ...flags,
    ]);
    await Promise.all(IDS.map((id) => cluster.#format(id)));
    for (const id of IDS) cluster.#launch(id);
    await cluster.whole();
    return cluster;
  }

  get brokers(): readonly string[] {
    return IDS.map((id) => `127.0.0.1:${portOf(this.ports, `broker${id}`)}`);
  }

  /** Who leads most partitions of these topics. */
  async leader(prefix: string): Promise<BrokerId> {
    const leads = (await this.#partitions(prefix)).map(({ leader }) => leader);
    const of = (id: BrokerId): number => leads.filter((one) => one === id).length;
    return [...IDS].sort((a, b) => of(b) - of(a))[0] ?? 1;
  }

  /** Who has become the controller last, by the brokers' own logs. */
  async controller(): Promise<BrokerId> {
    const epochs = await Promise.all(
      IDS.map(async (id) => {
        const log = await readFile(this.#log(id), 'utf8');
        return {
          id,
          epoch: Math.max(
            0,
            ...[...log.matchAll(/Becoming the active controller at epoch (\d+)/g)].map(([, epoch]) => Number(epoch)),
          ),
        };
      }),
    );
    const newest = epochs.sort((a, b) => b.epoch - a.epoch)[0];
    if (newest === undefined || newest.epoch === 0) throw new Error('no broker says that it is the controller');
    return newest.id;
  }

  async kill(id: BrokerId): Promise<void> {
    const guarded = this.#running.get(id);
    if (guarded === undefined) return;
    const family = familyOf(guarded.pid);
    for (const one of family) signal(one, 'SIGKILL');
    while (family.some(isAlive)) await delay(20);
    this.#running.delete(id);
  }

  /** Resolves once every partition is again on all of its brokers. */
  async startAgain(id: BrokerId): Promise<void> {
    this.#launch(id);
    await this.whole();
  }

  /** Every partition of these topics gets another leader, and loses the one that it had. */
  async reassign(prefix: string): Promise<void> {
    await this.#admin(async (admin) => {
      const moved = new Map<string, { partition: number; replicas: number[] }[]>();
      for (const { topic, partition, leader } of await this.#partitions(prefix, admin)) {
        const replicas = IDS.filter((id) => id !== leader);
        moved.set(topic, [
          ...(moved.get(topic) ?? []),
          { partition, replicas: partition % 2 === 0 ? replicas : replicas.reverse() },
        ]);
      }
      await admin.alterPartitionReassignments({
        topics: [...moved].map(([topic, partitionAssignment]) => ({ topic, partitionAssignment })),
      });
    });
    await this.whole();
  }

  /** Waits until every broker is in, and every partition has a leader and all its replicas in sync. */
  async whole(): Promise<void> {
    const until = Date.now() + HEALTHY_WITHIN_MS;
    for (;;) {
      const is = await this.#isWhole().catch((error: unknown) => String(error));
      if (is === true) return;
      if (Date.now() > until)
        throw new Error(`the three brokers are not whole after ${HEALTHY_WITHIN_MS / 1_000} s: ${is}`);
      await delay(LOOK_EVERY_MS);
    }
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running.values()].map((guarded) => guarded.stop()));
  }

  async #isWhole(): Promise<true | string> {
    return this.#admin(async (admin) => {
      const { brokers } = await admin.describeCluster();
      if (brokers.length < IDS.length) return `${brokers.length} brokers`;
      const partitions = await this.#partitions('', admin);
      const lacking = partitions.filter(({ leader, isr, replicas }) => leader < 0 || isr.length < replicas.length);
      return lacking.length === 0 ? true : `${lacking.length} partitions lack replicas`;
    });
  }

  async #partitions(prefix: string, given?: Admin) {
    const ask = async (admin: Admin) => {
      const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(prefix));
      if (topics.length === 0) return [];
      const read = await admin.fetchTopicMetadata({ topics });
      return read.topics.flatMap(({ name, partitions }) =>
        partitions.map(({ partitionId, leader, isr, replicas }) => ({
          topic: name,
          partition: partitionId,
          leader,
          isr,
          replicas,
        })),
      );
    };
    return given === undefined ? this.#admin(ask) : ask(given);
  }

  /** A connection of its own for each question: which brokers are there changes. */
  async #admin<T>(ask: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = new kafkajs.Kafka({
      brokers: [...this.brokers],
      clientId: 'chaos-cluster',
      logLevel: kafkajs.logLevel.NOTHING,
      retry: { retries: 2 },
    }).admin();
    await admin.connect();
    try {
      return await ask(admin);
    } finally {
      await admin.disconnect();
    }
  }

  async #format(id: BrokerId): Promise<void> {
    const directory = join(this.directory, String(id));
    await mkdir(directory, { recursive: true });
    await writeFile(this.#config(id), this.#properties(id));
    const [java, ...flags] = this.java;
    await execa(java, [...flags, 'kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', this.#config(id)]);
  }

  #launch(id: BrokerId): void {
    const [command, ...flags] = this.java;
    const log = openSync(this.#log(id), 'a');
    const args = [...flags, 'kafka.Kafka', this.#config(id)];
    const cwd = join(this.directory, String(id));
    this.#running.set(
      id,
      spawnGuarded({ command, args, env: process.env, cwd, stopSignal: 'TERM', graceSeconds: 5 }, log),
    );
    closeSync(log);
  }

  #config(id: BrokerId): string {
    return join(this.directory, String(id), 'server.properties');
  }

  #log(id: BrokerId): string {
    return join(this.directory, String(id), 'kafka.log');
  }

  #properties(id: BrokerId): string {
    const at = (what: string, one: BrokerId): string => `127.0.0.1:${portOf(this.ports, `${what}${one}`)}`;
    const properties = {
      'process.roles': 'broker,controller',
      'node.id': id,
      'controller.quorum.voters': IDS.map((one) => `${one}@${at('controller', one)}`).join(','),
      listeners: `PLAINTEXT://${at('broker', id)},CONTROLLER://${at('controller', id)}`,
      'advertised.listeners': `PLAINTEXT://${at('broker', id)}`,
      'inter.broker.listener.name': 'PLAINTEXT',
      'controller.listener.names': 'CONTROLLER',
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
      'log.dirs': join(this.directory, String(id), 'log'),
      'auto.create.topics.enable': false,
      'default.replication.factor': 3,
      'min.insync.replicas': 2,
      'offsets.topic.num.partitions': 3,
      'offsets.topic.replication.factor': 3,
      'group.initial.rebalance.delay.ms': 0,
      'broker.session.timeout.ms': 3000,
      'broker.heartbeat.interval.ms': 500,
      'log.cleaner.dedupe.buffer.size': 8_388_608,
    };
    return Object.entries(properties)
      .map(([name, value]) => `${name}=${value}\n`)
      .join('');
  }
}
