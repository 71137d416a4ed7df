import type { Logger } from 'pino';
import { v4 } from 'uuid';
import { SendQueue, type KafkaConnection } from '../kafka/index.js';
import type { OutgoingRecord } from '../protocol/envelope.js';
import { errorText } from '../error-text.js';
import { jsonLogger } from '../json-logger.js';
import { OnceAMinute } from '../once-a-minute.js';
import type { RecordHeaders } from '../protocol/instance.js';
import { parsePublished, type PublishedEvent } from '../protocol/published.js';
import { traceparentOf } from '../protocol/trace.js';
import { processInSpan, sendInSpan } from '../tracing/span.js';
import { Backoff, pause, within } from './backoff.js';
import type { NodeError } from './errors.js';
import { nodesGroup, nodeTopics, type NodeTopic, type SentMessage, type Topics } from './node-topics.js';
import { kafkaTransport, type NodeTransport } from './transport.js';

export interface NodeHubOptions extends KafkaConnection {
  /** The {env} of topic names. Default "dev". */
  readonly env?: string;
  /** The {namespace} of topic names. Default "": no such segment. */
  readonly namespace?: string;
  /** Topics that differ from the shipped contract's. */
  readonly topics?: Partial<Record<NodeTopic, string>>;
  /**
   * Consumer group; nobody else may be in it. Default "<env>-nodes-<a new uuid>", or "<env>.<namespace>-nodes-…" where
   * there is a namespace. A group is never used again: the broker deletes it some time after its process has ended
   * (`offsets.retention.minutes`, a week by default).
   */
  readonly groupId?: string;
  /** Default: JSON lines on stderr; LOG_LEVEL (default info) says how much. */
  readonly logger?: Logger;
  /**
   * How it reaches Kafka, for tests. Default: kafkajs at `brokers`.
   *
   * @internal
   */
  readonly transport?: NodeTransport;
}

/** One node's end of a hub. */
export interface HubListener {
  readonly node_id: string;
  /** The registrar has published an event about this node. */
  readonly onEvent: (event: PublishedEvent) => void;
  /** Nothing can be read: a sentence without its subject. */
  readonly onOutage: (message: string, cause?: unknown) => void;
}

const REPORT_WAITING_AFTER_MS = 5_000;
const REOPEN = { first_seconds: 1, max_seconds: 30 };

/**
 * The connection of all nodes of a process: one consumer and one producer,
 * however many nodes. A node that is given no hub has one to itself.
 *
 * It subscribes before a node sends anything, and hands each event to the node
 * that it is about.
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
  readonly #minute = new OnceAMinute();
  #unreadable = 0;

  constructor(options: NodeHubOptions) {
    const {
      brokers,
      security,
      env = 'dev',
      namespace = '',
      groupId = nodesGroup({ env, namespace }, v4()),
      logger = jsonLogger().child({ name: 'node' }),
    } = options;
    this.env = env;
    this.logger = logger;
    this.#brokers = brokers.join(', ');
    this.#topics = nodeTopics({ env, namespace }, options.topics);
    this.#groupId = groupId;
    this.#transport =
      options.transport ??
      kafkaTransport({
        brokers,
        ...(security !== undefined && { security }),
        clientId: groupId,
        logger,
        sentTopics: Object.values(this.#topics.sent),
      });
    this.#queue = new SendQueue((records) => this.#transport.send(records));
  }

  /** How many records on our topics could not be understood. */
  get unreadable(): number {
    return this.#unreadable;
  }

  /**
   * From now on events about this node go to this listener.
   *
   * @returns ends that
   * @throws TypeError when a node of that id is attached already
   * @internal
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

  /** Resolves when whatever the registrar publishes from now on will be read. While Kafka is away, it waits. */
  open(): Promise<void> {
    this.#opening ??= this.#subscribe('now').catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  /**
   * Where a node's messages of one kind go.
   *
   * @internal
   */
  topicOf(kind: SentMessage): string {
    return this.#topics.sent[kind];
  }

  /**
   * Resolves when the broker has the message; rejects when it may not have arrived, or the hub is closed.
   *
   * @internal
   */
  send(kind: SentMessage, record: OutgoingRecord): Promise<void> {
    if (this.#closing.signal.aborted) return Promise.reject(new Error('the hub of this node is closed'));
    const topic = this.#topics.sent[kind];
    const push = (headers: OutgoingRecord['headers']) => this.#queue.push({ topic, ...record, headers });
    // A trace is a registration; heartbeats come for as long as the node lives.
    if (kind === 'heartbeat') return push(record.headers);
    const { headers, key } = record;
    const attributes = { 'messaging.destination.name': topic, 'onex.node_id': key };
    return sendInSpan({ name: `send ${topic}`, traceparent: headers['traceparent'] ?? '', attributes }, (traceparent) =>
      push({ ...headers, traceparent }),
    );
  }

  /** Logs a problem that has no listener: once a minute for all nodes that have the same one. */
  logProblem({ node_id, what, message, cause }: NodeError): void {
    this.logger[this.#minute.isDue(what) ? 'warn' : 'debug'](
      { node_id, ...(cause !== undefined && { reason: errorText(cause) }) },
      message,
    );
  }

  /**
   * Leaves Kafka. The nodes are not informed: stop them before. It never rejects.
   *
   * @param timeoutMs how long it waits for Kafka. Default 5000
   */
  async close(timeoutMs = 5_000): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort(new Error('the hub is being closed'));
    // A hub that was still waiting for Kafka has rejected its opening: whoever opened it has got that error.
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
    let trouble: Error | undefined;
    void this.#reportWaiting(AbortSignal.any([waiting.signal, this.#closing.signal]), () => trouble);
    try {
      this.#subscription = await this.#transport.subscribe({
        groupId: this.#groupId,
        topics: this.#topics.consumed,
        from,
        onRecord: (value, headers) => this.#dispatch(value, headers),
        onFatal: (error) => {
          // Before the subscription stands, its own promise rejects.
          if (this.#subscription !== undefined) void this.#reopen(error);
        },
        onTrouble: (error) => (trouble = error),
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
    this.#reportOutage(`no longer reads what the registrar publishes (${error.message}); subscribes again`, error);
    const backoff = new Backoff(REOPEN);
    while (await pause(backoff.next(), signal)) {
      try {
        this.#opening = this.#subscribe('where it left off');
        await this.#opening;
        return;
      } catch (again) {
        this.#reportOutage('cannot read what the registrar publishes yet; tries again', again);
      }
    }
  }

  async #reportWaiting(signal: AbortSignal, trouble: () => Error | undefined): Promise<void> {
    if (await pause(REPORT_WAITING_AFTER_MS, signal)) {
      this.#reportOutage(
        `waits for Kafka at ${this.#brokers}: it does not answer, or lacks a topic of the registrar ` +
          `(${this.#topics.consumed[0] ?? ''} and its like)`,
        trouble(),
      );
    }
  }

  #reportOutage(message: string, cause?: unknown): void {
    for (const node of [...this.#nodes.values()]) node.onOutage(message, cause);
  }

  #dispatch(value: Buffer | null, headers: RecordHeaders): void {
    const read = parsePublished(value, headers);
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
    const node = this.#nodes.get(typeof target_node_id === 'string' ? target_node_id : event.node_id);
    if (node === undefined) return;
    const { event_type, id, correlation_id, node_id } = event;
    const traceparent = traceparentOf(headers['traceparent']?.toString(), correlation_id, id);
    const attributes = { 'messaging.message.id': id, 'onex.node_id': node_id };
    void processInSpan({ name: `process ${event_type}`, traceparent, attributes }, () => {
      node.onEvent(event);
      return Promise.resolve();
    });
  }
}
