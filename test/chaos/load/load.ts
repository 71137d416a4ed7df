import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import {
  consume,
  createKafka,
  createProducer,
  type EventProducer,
  type Subscription,
} from '../../../src/kafka/index.js';
import { nodeTopics } from '../../../src/node/node-topics.js';
import { parsePublished, type PublishedEvent } from '../../../src/protocol/published.js';
import type { Deed, Snapshot } from '../checker/snapshot.js';
import type { Random } from '../random.js';
import { drainsOf, planOf, type Extent, type Plan, type Step } from './plan.js';
import { RawNode } from './raw-node.js';
import { SdkNodes } from './sdk-nodes.js';

export interface LoadOptions extends Extent {
  readonly brokers: readonly string[];
  readonly env: string;
  readonly namespace: string;
  readonly random: Random;
  readonly nodes: number;
  readonly clockOffMs: number;
}

const SDK_NODES = 3;

/**
 * Nodes that start, acknowledge, beat, restart, refresh, drain, freeze, die and leave, each as the seed has planned it;
 * and, with the project's SDK, those of a process that lives on and of one that is killed: they drain, too.
 */
export class Load {
  readonly deeds: Deed[] = [];
  /** What nodes have been sent, oldest first. */
  readonly events: PublishedEvent[] = [];
  readonly #nodes = new Map<string, RawNode>();
  readonly #plans: readonly Plan[];
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #sdk: SdkNodes[] = [];

  private constructor(
    private readonly options: LoadOptions,
    private readonly producer: EventProducer,
  ) {
    const { env, namespace, random, nodes, clockOffMs } = options;
    this.#plans = planOf(random, nodes, options);
    const topics = nodeTopics({ env, namespace }).sent;
    this.#plans.forEach(({ acknowledges }, index) => {
      const node_id = `${env}-${String(index).padStart(3, '0')}`;
      const noteDeed = (did: Deed['did']): void => this.#note(node_id, did);
      this.#nodes.set(node_id, new RawNode({ node_id, acknowledges, producer, topics, noteDeed, clockOffMs }));
    });
  }

  static async begin(options: LoadOptions): Promise<{ readonly load: Load; readonly end: () => Promise<void> }> {
    const { brokers, env, namespace } = options;
    const kafka = createKafka({ brokers, clientId: 'chaos-load', logger: pino({ level: 'silent' }) });
    const producer = createProducer(kafka);
    const load = new Load(options, producer);
    const reader = await consume(kafka, {
      groupId: `chaos-load-${randomUUID()}`,
      topics: nodeTopics({ env, namespace }).consumed,
      from: 'beginning',
      onBatch: (batch) => {
        for (const record of batch.records) {
          const read = parsePublished(record.value);
          if (!read.ok) throw new Error(`an event that no node can read: ${read.reason}`);
          load.events.push(read.event);
          load.#nodes.get(read.event.node_id)?.onEvent(read.event);
          batch.done(record);
        }
        return Promise.resolve();
      },
    });
    load.#start();
    load.#startSdk();
    return { load, end: () => load.#end(reader) };
  }

  /** Nodes that have nothing else to do but live. */
  get idle(): readonly string[] {
    return [...this.#nodes.keys()].filter((_, index) => this.#plans[index]?.steps.length === 1);
  }

  /** Where nodes of the SDK stand, as far as they know. */
  get standing(): Snapshot['standing'] {
    return this.#sdk.flatMap(({ states }) => [...states].map(([node_id, state]) => ({ node_id, state })));
  }

  /** A new incarnation of some nodes, at once; for what must happen at a moment of the scenario's choosing. */
  restart(ids: readonly string[]): void {
    for (const id of ids) this.#nodes.get(id)?.start();
  }

  die(ids: readonly string[]): void {
    for (const id of ids) this.#nodes.get(id)?.die();
  }

  /** Goodbyes, at once. */
  async leave(ids: readonly string[]): Promise<void> {
    await Promise.all(ids.flatMap((id) => this.#nodes.get(id)?.leave() ?? []));
  }

  #start(): void {
    const nodes = [...this.#nodes.values()];
    this.#plans.forEach(({ steps }, index) => {
      const node = nodes[index];
      if (node === undefined) return;
      for (const step of steps) this.#timers.push(setTimeout(() => perform(node, step), step.at * 1_000));
    });
  }

  #startSdk(): void {
    const { env, brokers, random, seconds, deadly } = this.options;
    const start = (name: string): SdkNodes => {
      const ids = Array.from({ length: SDK_NODES }, (_, index) => `${env}-sdk-${name}-${index}`);
      const nodes = new SdkNodes(ids, { env, brokers }, () => {
        for (const id of ids) this.#note(id, 'lives');
      });
      this.#sdk.push(nodes);
      for (const node_id of ids)
        for (const { at, does } of drainsOf(random.fork(), seconds))
          this.#timers.push(setTimeout(() => nodes.ask({ node_id, does }), at * 1_000));
      return nodes;
    };
    start('living');
    if (!deadly) return;
    const mortal = start('mortal');
    this.#timers.push(
      setTimeout(
        () => {
          mortal.kill();
          for (const id of mortal.ids) this.#note(id, 'dies');
        },
        random.between(seconds / 3, seconds) * 1_000,
      ),
    );
  }

  #note(node_id: string, did: Deed['did']): void {
    this.deeds.push({ at: Date.now(), node_id, did });
  }

  async #end(reader: Subscription): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    for (const node of this.#nodes.values()) node.die();
    for (const nodes of this.#sdk) nodes.kill();
    await reader.stop();
    await this.producer.close();
  }
}

function perform(node: RawNode, { does }: Step): void {
  switch (does) {
    case 'start':
    case 'restart':
      return node.start();
    case 'refresh':
      return node.refresh();
    case 'repeat':
      return node.repeat();
    case 'drain':
      return node.drain(true);
    case 'undrain':
      return node.drain(false);
    case 'leave':
      return void node.leave();
    case 'die':
      return node.die();
    case 'freeze':
      return node.freeze();
    case 'thaw':
      return node.thaw();
  }
}
