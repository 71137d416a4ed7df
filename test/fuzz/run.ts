import { setTimeout as delay } from 'node:timers/promises';
import { bridgeTopics, groupId, type StreamKind } from '../../src/bridge/bridge-topics.js';
import { environmentName } from '../../src/protocol/topics.js';
import type { BridgeCounters } from '../../src/bridge/counters.js';
import { timed } from '../../src/bridge/record-times.js';
import { understand, type Understood } from '../../src/bridge/understand.js';
import { deadLetterTopic } from '../../src/cli/dlq/read-letters.js';
import { createAdmin, readTopic, type IncomingRecord } from '../../src/kafka/index.js';
import { parseAck } from '../../src/protocol/ack.js';
import { parseDrainRequest } from '../../src/protocol/drain-request.js';
import { readDeadLetter } from '../../src/protocol/dead-letter.js';
import { buildHeartbeat, parseHeartbeat } from '../../src/protocol/heartbeat.js';
import { parseIntrospection } from '../../src/protocol/introspection.js';
import { ConsulClient } from '../../src/registry/consul/client.js';
import { readCatalogEntries } from '../../src/registry/consul/fleet.js';
import { readRegistryRows } from '../../src/registry/rows/read-registry-rows.js';
import { eventually, type Installation } from '../integration/installation.js';
import { Ledger, type Handled } from './ledger.js';
import { oddNode, type OddNode } from './nodes.js';
import { Random } from './random.js';
import { garbage } from './records.js';
import { Sender, type Addressed } from './sender.js';
import { notStanding, reached } from './standing.js';

export interface FuzzOptions {
  readonly seed: number;
  /** Records of which no node can be registered. */
  readonly garbage: number;
  /** Nodes among them that must become active. */
  readonly nodes: number;
  /** Valid heartbeats, sent alone afterwards, whose pace is compared. */
  readonly heartbeats: number;
  /** Seconds for each part of it. */
  readonly within: number;
  /** Gets a line now and then: how far it is. */
  readonly onProgress?: (text: string) => void;
}

/** So many records, from the first send until the bridge had read the last. */
export interface Pace {
  readonly records: number;
  readonly seconds: number;
  /** Seconds between the last send and the last read. */
  readonly behind: number;
}

export interface FuzzResult {
  /** Everything that is not as it must be, in sentences. */
  readonly faults: readonly string[];
  readonly nodes: number;
  readonly codes: Readonly<Record<string, number>>;
  /** Records that were found in the topics, and of them those that cannot be used. */
  readonly totals: ReturnType<Ledger['totals']>;
  /** Signals in the histories of the nodes, each of which was looked at. */
  readonly signals: number;
  readonly amongGarbage: Pace;
  readonly heartbeatsAlone: Pace;
  /** Until the last node was active. */
  readonly activeSeconds: number;
}

const KINDS = ['introspections', 'acks', 'heartbeats', 'drains'] as const satisfies readonly StreamKind[];
/** Half of the records are introspections. */
const WEIGHTED = ['introspections', 'introspections', 'introspections', 'acks', 'heartbeats', 'drains'] as const;
const PARSERS: Readonly<Record<StreamKind, (record: IncomingRecord) => Understood<unknown>>> = {
  introspections: (record) => understand(record, () => parseIntrospection(record.value, timed(record))),
  acks: (record) => understand(record, () => parseAck(record.value, timed(record))),
  heartbeats: (record) => understand(record, () => parseHeartbeat(record.value, timed(record))),
  drains: (record) => understand(record, () => parseDrainRequest(record.value, timed(record))),
};

const PARTITIONS = 3;
const PORTION = 800;
const BEAT_EVERY_MS = 15_000;
const LISTEN_EVERY_MS = 50;
/** The last of a partition. */
const LAST = { key: null, value: Buffer.from('the end'), headers: {} } as const;

/** Sends garbage with nodes among it through a real broker and bridge, and accounts for all of it. */
export async function fuzz(registrar: Installation, options: FuzzOptions): Promise<FuzzResult> {
  const run = await Run.open(registrar, options);
  try {
    return await run.result();
  } finally {
    await run.close();
  }
}

class Run {
  readonly #admin;
  readonly #topics;
  readonly #nodes: ReadonlyMap<string, OddNode>;
  readonly #active = new Set<string>();
  readonly #faults: string[] = [];
  /** Events of the registrar that were looked at. */
  #looked = 0;
  #ended = false;

  private constructor(
    private readonly registrar: Installation,
    private readonly options: FuzzOptions,
    private readonly random: Random,
    private readonly ledger: Ledger,
    private readonly sender: Sender,
  ) {
    const { contracts, config, kafka } = registrar;
    this.#admin = createAdmin(kafka);
    this.#topics = bridgeTopics(contracts, config);
    const nodes = Array.from({ length: options.nodes }, (_, index) => oddNode(random, `${options.seed}-${index}`));
    this.#nodes = new Map(nodes.map((node) => [node.node_id, node]));
  }

  static async open(registrar: Installation, options: FuzzOptions): Promise<Run> {
    const random = new Random(options.seed);
    const ledger = new Ledger();
    const { brokers } = registrar.config.kafka;
    const sender = await Sender.open(brokers, random.fork(), PARTITIONS, (records) => ledger.sent(records));
    return new Run(registrar, options, random, ledger, sender);
  }

  async close(): Promise<void> {
    this.#ended = true;
    await Promise.all([this.#admin.close(), this.sender.close()]);
  }

  async result(): Promise<FuzzResult> {
    const began = Date.now();
    const living = this.#live();
    const amongGarbage = await this.#pace(() => this.#sendAll());
    await eventually('every node is active', this.options.within, () => this.#active.size === this.#nodes.size).catch(
      (error: unknown) => this.#faults.push(String(error)),
    );
    const activeSeconds = (Date.now() - began) / 1_000;
    await this.#lookAtStanding();
    const heartbeatsAlone = await this.#pace(() => this.#sendHeartbeats());
    this.#ended = true;
    await living;
    await this.#account();
    const { client, config } = this.registrar;
    const { signals, faults } = await reached(client, config.taskQueue, [...this.#nodes.keys()]);
    return {
      faults: [...this.#faults, ...faults],
      nodes: this.#active.size,
      codes: this.ledger.codes(),
      totals: this.ledger.totals(),
      signals,
      amongGarbage,
      heartbeatsAlone,
      activeSeconds,
    };
  }

  /** The records of the run, the nodes' introspections evenly among the garbage. */
  async #sendAll(): Promise<void> {
    const { garbage: count } = this.options;
    const nodes = [...this.#nodes.values()];
    const total = count + nodes.length;
    const every = Math.max(1, Math.floor(total / Math.max(1, nodes.length)));
    let made = 0;
    let portion: Addressed[] = [];
    for (let next = 0; next < total; next += 1) {
      const node = next % every === 0 ? nodes[next / every] : undefined;
      if (node !== undefined) portion.push({ topic: this.#topics.introspections[0], ...node.introspection });
      else portion.push({ topic: this.#topics[this.random.pick(WEIGHTED)][0], ...garbage(this.random, made) });
      if (node === undefined) made += 1;
      if (portion.length < PORTION && next < total - 1) continue;
      await this.sender.send(portion);
      portion = [];
    }
  }

  /** As the SDK writes them. */
  async #sendHeartbeats(): Promise<void> {
    const nodes = [...this.#nodes.keys()] as [string, ...string[]];
    const beat = (): Addressed => {
      const message = { node_id: this.random.one(nodes), node_type: 'effect', node_version: '1.2.3' } as const;
      const { key, value, headers } = buildHeartbeat({ ...message, uptime_seconds: 1 }, new Date());
      return { topic: this.#topics.heartbeats[0], key: Buffer.from(key), value, headers };
    };
    for (let sent = 0; sent < this.options.heartbeats; sent += PORTION)
      await this.sender.sendPlainly(Array.from({ length: PORTION }, beat));
  }

  #beatsOf(nodes: readonly OddNode[]): Addressed[] {
    return nodes.map((node) => ({ topic: this.#topics.heartbeats[0], ...node.heartbeat() }));
  }

  /** The nodes acknowledge what they read, and send heartbeats. */
  async #live(): Promise<void> {
    for (let beatAt = Date.now(); !this.#ended; await delay(LISTEN_EVERY_MS)) {
      await this.sender.sendPlainly(this.#acksOfNewEvents());
      if (Date.now() - beatAt < BEAT_EVERY_MS) continue;
      beatAt = Date.now();
      this.options.onProgress?.(`${this.ledger.records()} records sent, ${this.#active.size} nodes active`);
      const active = [...this.#nodes.values()].filter(({ node_id }) => this.#active.has(node_id));
      await this.sender.sendPlainly(this.#beatsOf(active));
    }
  }

  /** Looks at the events since the last time; answers the acks that they ask for. */
  #acksOfNewEvents(): Addressed[] {
    const { published } = this.registrar;
    const fresh = published.slice(this.#looked);
    this.#looked = published.length;
    return fresh.flatMap(({ event }) => {
      const { event_type, node_id, correlation_id, payload } = event;
      const node = this.#nodes.get(node_id);
      if (node === undefined) {
        // A heartbeat of somebody unknown is answered by a question.
        if (event_type !== 'RequestIntrospection')
          this.#faults.push(`${event_type} of ${node_id}, whom nobody introduced`);
        return [];
      }
      if (event_type === 'NodeRegistrationRejected') this.#faults.push(`rejected: ${JSON.stringify(payload)}`);
      if (event_type === 'NodeBecameActive') this.#active.add(node_id);
      return event_type === 'NodeRegistrationAccepted'
        ? [{ topic: this.#topics.acks[0], ...node.ack(correlation_id) }]
        : [];
    });
  }

  /** Sends, and measures until the bridge has read all that was sent. */
  async #pace(send: () => Promise<void>): Promise<Pace> {
    const before = this.ledger.records();
    const began = performance.now();
    await send();
    const records = this.ledger.records() - before;
    const sent = performance.now();
    await this.#readToTheEnd();
    const read = performance.now();
    return { records, seconds: (read - began) / 1_000, behind: (read - sent) / 1_000 };
  }

  /** Waits until the bridge has read as much as there is now. */
  async #readToTheEnd(): Promise<void> {
    const { config } = this.registrar;
    await Promise.all(
      KINDS.map(async (kind) => {
        const [topic] = this.#topics[kind];
        // Behind the end of a transaction no offset is committed.
        await this.sender.sendPlainly(
          Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition, ...LAST })),
        );
        const ends = await this.#admin.topicEnds(topic);
        await eventually(`${kind} are read`, this.options.within, async () => {
          const committed = await this.#admin.committed(groupId(kind, config), topic);
          return ends.every(({ partition, high }) => BigInt(committed.get(partition) ?? 0) >= BigInt(high));
        });
      }),
    );
  }

  /** PostgreSQL and Consul, while the nodes live. */
  async #lookAtStanding(): Promise<void> {
    const nodes = [...this.#nodes.keys()];
    const consul = new ConsulClient({ address: this.registrar.catalog.url });
    try {
      const [rows, fleet] = [await readRegistryRows(this.registrar.pool, nodes), await readCatalogEntries(consul)];
      const ours = fleet.filter(({ environment }) => environment === environmentName(this.registrar.config));
      this.#faults.push(...notStanding(nodes, rows, ours));
    } finally {
      consul.close();
    }
  }

  /** Reads every topic back, and holds what is in them against each other and the bridge's own counts. */
  async #account(): Promise<void> {
    await this.#readToTheEnd();
    const { config, contracts } = this.registrar;
    await Promise.all([
      ...KINDS.map((kind) =>
        this.#read(this.#topics[kind][0], (record) => this.ledger.read(kind, record, PARSERS[kind](record))),
      ),
      this.#read(deadLetterTopic(config, contracts), (record) => this.ledger.letter(readDeadLetter(record))),
    ]);
    // A count follows its offset by a moment.
    await eventually('all is accounted for', 5, () => this.ledger.faults(this.#handled()).length === 0).catch(() =>
      this.#faults.push(...this.ledger.faults(this.#handled())),
    );
  }

  async #read(topic: string, onRecord: (record: IncomingRecord) => void): Promise<void> {
    const withinMs = this.options.within * 1_000;
    if (!(await readTopic(this.registrar.kafka, topic, { since: new Date(0), withinMs, onRecord })))
      this.#faults.push(`${topic} could not be read to its end`);
  }

  #handled(): Handled {
    const counters = this.registrar.counters() as (BridgeCounters & { readonly dead_letters: number }) | undefined;
    if (counters === undefined) throw new Error('the bridge has ended');
    return {
      introspections: counters.introspections + counters.introspections_repeated,
      acks: counters.acks + counters.acks_without_run,
      heartbeats: counters.heartbeats,
      drains: counters.drain_requests + counters.drain_requests_without_run,
      dead_letters: counters.dead_letters,
    };
  }
}
