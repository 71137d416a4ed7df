import type { Logger } from 'pino';
import { v4 } from 'uuid';
import { SendQueue } from '../kafka/index.js';
import type { OutgoingRecord } from '../protocol/envelope.js';
import { parsePublished, type PublishedEvent } from '../protocol/published.js';
import { logger as namedLogger } from '../telemetry.js';
import { Backoff, pause, within } from './backoff.js';
import type { NodeError } from './errors.js';
import { nodeTopics, type NodeTopic, type Saying, type Topics } from './node-topics.js';
import { kafkaTransport, type NodeTransport } from './transport.js';

export interface NodeHubOptions {
  /** host:port of one or more brokers. */
  readonly brokers: readonly string[];
  /** The {env} of topic names. Default "dev". */
  readonly env?: string;
  /** The {namespace} of topic names. Default "": no such segment. */
  readonly namespace?: string;
  /** Topics that differ from the shipped contract's. */
  readonly topics?: Partial<Record<NodeTopic, string>>;
  /** Consumer group; nobody else may be in it. Default "<env>-nodes-<a new uuid>". */
  readonly groupId?: string;
  /** Default: a logger named "node". */
  readonly logger?: Logger;
  /** How it speaks, for tests. Default: Kafka at `brokers`. */
  readonly transport?: NodeTransport;
}

/** One node's end of a hub. */
export interface HubListener {
  readonly node_id: string;
  /** An event of the registrar about this node. */
  hear(event: PublishedEvent): void;
  /** Kafka is away, or is back: a sentence. */
  trouble(message: string, cause?: unknown): void;
}

const SAY_THAT_WE_WAIT_AFTER_MS = 5_000;
const LOG_AGAIN_AFTER_MS = 60_000;
const REOPEN = { first_seconds: 1, max_seconds: 30 };

/**
 * The connection of all nodes of a process: one consumer and one producer,
 * however many nodes. A node that is given no hub has one to itself.
 *
 * It listens before anybody speaks, and each event goes to the node it is about.
 */
export class NodeHub {
  readonly env: string;
  readonly logger: Logger;
  readonly #brokers: string;
  readonly #topics: Topics;
  readonly #groupId: string;
  readonly #transport: NodeTransport;
  readonly #queue: SendQueue;
  readonly #nodes = new Map<string, HubListener>();
  readonly #closing = new AbortController();
  #opening: Promise<void> | undefined;
  #subscription: { stop(): Promise<void> } | undefined;
  readonly #logged = new Map<string, number>();
  #unreadable = 0;

  constructor(options: NodeHubOptions) {
    const {
      brokers,
      env = 'dev',
      namespace = '',
      groupId = `${env}-nodes-${v4()}`,
      logger = namedLogger('node'),
    } = options;
    this.env = env;
    this.logger = logger;
    this.#brokers = brokers.join(', ');
    this.#topics = nodeTopics({ env, namespace }, options.topics);
    this.#groupId = groupId;
    this.#transport =
      options.transport ??
      kafkaTransport({ brokers, clientId: groupId, logger, said: Object.values(this.#topics.said) });
    this.#queue = new SendQueue((records) => this.#transport.send(records));
  }

  /** How many records on our topics could not be understood. */
  get unreadable(): number {
    return this.#unreadable;
  }

  /**
   * From now on events of this node go to this listener.
   *
   * @returns ends that
   */
  attach(listener: HubListener): () => void {
    const { node_id } = listener;
    if (this.#nodes.has(node_id))
      throw new TypeError(
        `node ${node_id} is already running in this process: stop it first, or give the other one an id of its own`,
      );
    this.#nodes.set(node_id, listener);
    return () => {
      if (this.#nodes.get(node_id) === listener) this.#nodes.delete(node_id);
    };
  }

  /** Resolves when whatever the registrar says from now on will be heard. While Kafka is away, it waits. */
  open(): Promise<void> {
    this.#opening ??= this.#subscribe('now').catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  /** Resolves when the broker has it; rejects when it may not have arrived. */
  send(saying: Saying, record: OutgoingRecord): Promise<void> {
    if (this.#closing.signal.aborted) return Promise.reject(new Error('the hub of this node is closed'));
    return this.#queue.push({ topic: this.#topics.said[saying], ...record });
  }

  /** Logs a problem that nobody listens for: once a minute for all nodes that have the same one. */
  logProblem({ node_id, what, message, cause }: NodeError): void {
    const now = Date.now();
    const repeated = now - (this.#logged.get(what) ?? -LOG_AGAIN_AFTER_MS) < LOG_AGAIN_AFTER_MS;
    if (!repeated) this.#logged.set(what, now);
    this.logger[repeated ? 'debug' : 'warn'](
      { node_id, ...(cause instanceof Error && { reason: cause.message }) },
      message,
    );
  }

  /**
   * Leaves Kafka. The nodes are not told: stop them before.
   *
   * @param timeoutMs how long it waits for Kafka. Default 5000
   */
  async close(timeoutMs = 5_000): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort(new Error('the hub is being closed'));
    // A hub that was still waiting for Kafka has rejected its opening: whoever opened it has heard of that.
    const leaving = Promise.allSettled([this.#opening]).then(async () => {
      await this.#subscription?.stop();
      await this.#transport.close();
      return true;
    });
    try {
      if ((await within(leaving, timeoutMs)) === undefined)
        this.logger.warn(
          `Kafka has not let go of the connection of group ${this.#groupId} within ${timeoutMs} ms; it is left behind`,
        );
    } catch (error) {
      this.logger.warn({ err: error }, `the connection of group ${this.#groupId} did not close in order`);
    }
    leaving.catch((error: unknown) => this.logger.debug({ err: error }, 'closing ended late'));
  }

  async #subscribe(from: 'now' | 'where it left off'): Promise<void> {
    const waiting = new AbortController();
    void this.#sayThatWeWait(AbortSignal.any([waiting.signal, this.#closing.signal]));
    try {
      this.#subscription = await this.#transport.subscribe({
        groupId: this.#groupId,
        topics: this.#topics.heard,
        from,
        onRecord: (value) => this.#dispatch(value),
        onFatal: (error) => {
          // Before the subscription stands, its own promise tells.
          if (this.#subscription !== undefined) void this.#reopen(error);
        },
        signal: this.#closing.signal,
      });
    } finally {
      waiting.abort();
    }
  }

  /** The consumer has ended for good: another one goes on where it stopped. */
  async #reopen(error: Error): Promise<void> {
    const { signal } = this.#closing;
    this.#subscription = undefined;
    this.#tellAll(`no longer hears the registrar (${error.message}); listens again shortly`, error);
    const backoff = new Backoff(REOPEN);
    while (await pause(backoff.next(), signal)) {
      try {
        this.#opening = this.#subscribe('where it left off');
        await this.#opening;
        return;
      } catch (again) {
        this.#tellAll('cannot listen to the registrar yet; tries again', again);
      }
    }
  }

  async #sayThatWeWait(signal: AbortSignal): Promise<void> {
    if (await pause(SAY_THAT_WE_WAIT_AFTER_MS, signal)) {
      this.#tellAll(
        `waits for Kafka at ${this.#brokers}: it does not answer, or lacks a topic of the registrar (${this.#topics.heard[0] ?? ''} and its like)`,
      );
    }
  }

  #tellAll(message: string, cause?: unknown): void {
    for (const node of [...this.#nodes.values()]) node.trouble(message, cause);
  }

  #dispatch(value: Buffer | null): void {
    const read = parsePublished(value);
    if (!read.ok) {
      this.#unreadable += 1;
      this.logger.debug(
        { reason: read.reason, unreadable: this.#unreadable },
        'a record on a topic of the registrar could not be understood',
      );
      return;
    }
    const { event } = read;
    const { target_node_id } = event.payload;
    this.#nodes.get(typeof target_node_id === 'string' ? target_node_id : event.node_id)?.hear(event);
  }
}
