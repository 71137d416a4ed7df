import { EventEmitter } from 'node:events';
import { v4 } from 'uuid';
import { fromInstance } from '../protocol/instance.js';
import type { PublishedEvent } from '../protocol/published.js';
import { Attempts } from './attempts.js';
import { Backoff, pause } from './backoff.js';
import { DrainRequests, type DrainOptions } from './drain-requests.js';
import { NodeError } from './errors.js';
import type { NodeEvents, NodeState } from './events.js';
import { HeartbeatLoop, HeartbeatSender } from './heartbeats.js';
import { NodeHub, type NodeHubOptions } from './hub.js';
import { checkDescription, DEFAULT_PAUSES, type NodePauses, type RegisteredNodeOptions } from './options.js';
import { Handshake } from './handshake.js';
import { nodesGroup } from './node-topics.js';
import { Reporter } from './reporter.js';
import { Sender, type SendMessage } from './sender.js';
import { signerOf } from './signer.js';
import { NodeStates, SUPERSEDED, type StartOptions } from './states.js';

/** How long a node that stops takes at most. */
export interface StopOptions {
  /** How long to try to send the goodbye, and then again to close the connection; in milliseconds. Default 5000. */
  readonly timeoutMs?: number;
}

/**
 * A node that registers itself, and stays registered until it is stopped.
 *
 * It subscribes before it introduces itself; it repeats its introspection until
 * it is accepted, acknowledges every accepted event of its own, and beats. When
 * its registration ends for any reason but its own leaving, it starts over.
 * Nothing throws behind your back: what does not work is a `problem` event.
 *
 * Another process that introduces itself under the same id later supersedes it: it stops, with the event `superseded`,
 * and never fights.
 *
 * A duplicate never does anything to a registration, so an attempt keeps its
 * correlation_id until it has ended; the next one has another.
 */
export class RegisteredNode extends EventEmitter<NodeEvents> {
  readonly node_id: string;
  /** The id of this very object, which no other process has; in a header of every message. */
  readonly instance_id = v4();
  readonly #pauses: NodePauses;
  readonly #hub: NodeHub;
  readonly #ownsHub: boolean;
  readonly #attempts = new Attempts();
  readonly #stopping = new AbortController();
  readonly #reporter: Reporter;
  readonly #states: NodeStates;
  readonly #beats: HeartbeatSender;
  readonly #heartbeats: HeartbeatLoop;
  readonly #handshake: Handshake;
  readonly #requests: DrainRequests;
  readonly #send: SendMessage;
  #detach: (() => void) | undefined;
  #stopped: Promise<void> | undefined;

  /** @throws NodeError when the registrar would refuse the description, or a key is none; it names the field */
  constructor(options: RegisteredNodeOptions) {
    super();
    const description = checkDescription(options);
    const signer = signerOf(description.node_id, options);
    const { autoAck = true, activeOperations = () => 0, heartbeat_interval_seconds = 10 } = options;
    this.node_id = description.node_id;
    this.#pauses = { ...DEFAULT_PAUSES, ...options.pauses };
    this.#ownsHub = options.hub === undefined;
    this.#hub = options.hub ?? hubOf(options, `${this.node_id}-${this.instance_id}`);
    this.#reporter = new Reporter(this.node_id, this, this.#hub);
    this.#states = new NodeStates(this.#reporter);
    const { instance_id } = this;
    this.#send = (kind, record) => {
      const own = fromInstance(record, instance_id);
      return this.#hub.send(kind, signer?.sign(kind, this.#hub.topicOf(kind), instance_id, own) ?? own);
    };
    const sender = new Sender(this.#send, this.#reporter, this.#pauses.failure, this.#stopping.signal);
    this.#beats = new HeartbeatSender(description, this.#attempts, activeOperations, sender, this.#reporter);
    this.#heartbeats = new HeartbeatLoop(() => this.#beats.send());
    this.#requests = new DrainRequests({
      node_id: this.node_id,
      attempts: this.#attempts,
      states: this.#states,
      sender,
      pauses: this.#pauses,
    });
    this.#handshake = new Handshake({
      description,
      instance_id: this.instance_id,
      autoAck,
      heartbeat_interval_seconds,
      pauses: this.#pauses,
      attempts: this.#attempts,
      states: this.#states,
      reporter: this.#reporter,
      sender,
      heartbeats: this.#heartbeats,
      stopping: this.#stopping.signal,
      onSuperseded: (event) => void (this.#stopped ??= this.#giveWay(event)),
    });
  }

  /** Where the node stands, as far as it knows. */
  get state(): NodeState {
    return this.#states.current;
  }

  /** The current attempt's, or null before the first. */
  get correlation_id(): string | null {
    return this.#attempts.current?.correlation_id ?? null;
  }

  /** The registrar's, once it has published one; before that, the option's. */
  get heartbeat_interval_seconds(): number {
    return this.#handshake.heartbeat_interval_seconds;
  }

  /**
   * Resolves when the node is ACTIVE. A timeout or a signal ends the waiting
   * only: the node goes on trying until `stop()`.
   *
   * @throws NodeError when the waiting has ended before, or the node has been stopped
   */
  async start(options: StartOptions = {}): Promise<void> {
    if (this.state === 'superseded') throw new NodeError(this.node_id, SUPERSEDED);
    if (this.#stopping.signal.aborted)
      throw new NodeError(this.node_id, 'has been stopped: make a new RegisteredNode to register it again');
    if (this.#detach === undefined) {
      this.#detach = this.#hub.attach({
        node_id: this.node_id,
        onEvent: (event) => {
          this.#handshake.onEvent(event);
          this.#requests.onEvent(event);
        },
        onOutage: (message, cause) => {
          this.#reporter.outage();
          this.#reporter.problem(message, cause);
        },
      });
      this.#beats.started();
      this.#enter('connecting');
      void this.#connect();
    }
    await this.#states.until('active', options);
  }

  /**
   * Asks that others do not find it any more. It stays registered and beats on, until `undrain()`, `stop()` or a new
   * start. Resolves when the registrar has said so.
   *
   * @throws NodeError when it is not registered, its registration ends meanwhile, or the waiting has ended before
   */
  async drain(options: DrainOptions = {}): Promise<void> {
    await this.#requests.ask('draining', options);
  }

  /**
   * Asks that others find it again. Resolves when the registrar has said so.
   *
   * @throws NodeError as `drain` does
   */
  async undrain(options: DrainOptions = {}): Promise<void> {
    await this.#requests.ask('active', options);
  }

  /**
   * Leaves: sends the registrar a goodbye, then closes the connection. Never
   * rejects; the event `left` says whether the goodbye has been sent.
   */
  stop({ timeoutMs = 5_000 }: StopOptions = {}): Promise<void> {
    this.#stopped ??= this.#leave(timeoutMs);
    return this.#stopped;
  }

  /**
   * Acknowledges by hand (`autoAck: false`).
   *
   * @throws NodeError when there is nothing to acknowledge, or Kafka does not take it
   */
  async ack(): Promise<void> {
    await this.#handshake.ack((record) => this.#send('ack', record));
  }

  async #connect(): Promise<void> {
    const { signal } = this.#stopping;
    const backoff = new Backoff(this.#pauses.failure);
    while (!signal.aborted) {
      try {
        await this.#hub.open();
        this.#reporter.works();
        if (!signal.aborted) this.#handshake.begin();
        return;
      } catch (error) {
        if (!signal.aborted) this.#reporter.problem('cannot read what the registrar publishes yet; tries again', error);
        await pause(backoff.next(), signal);
      }
    }
  }

  /** The registration is another process's. A goodbye would be about that one's. */
  async #giveWay({ correlation_id, instance_id }: PublishedEvent): Promise<void> {
    const mine = this.correlation_id ?? '';
    this.#stopping.abort();
    this.#heartbeats.stop();
    this.#handshake.giveWay();
    this.#detach?.();
    this.#enter('superseded');
    const by = { correlation_id, instance_id: instance_id ?? null };
    const error = new NodeError(this.node_id, SUPERSEDED);
    if (this.listenerCount('superseded') === 0) this.#hub.logger.error({ node_id: this.node_id, by }, error.message);
    this.#reporter.emit('superseded', { correlation_id: mine, at: new Date(), by, error });
    if (this.#ownsHub) await this.#hub.close();
  }

  async #leave(timeoutMs: number): Promise<void> {
    this.#stopping.abort();
    this.#heartbeats.stop();
    this.#enter('leaving');
    const { introduced, announced } = await this.#handshake.leave(timeoutMs);
    if (introduced && !announced) {
      this.#reporter.problem(
        `left, and its goodbye could not be sent within ${timeoutMs} ms: it stays in the registry until its ` +
          'lease expires',
      );
    }
    this.#detach?.();
    if (this.#ownsHub) await this.#hub.close(timeoutMs);
    this.#enter('left');
    this.#reporter.emit('left', { announced, at: new Date() });
  }

  #enter(state: NodeState): void {
    this.#states.enter(state, this.correlation_id);
  }
}

/**
 * The connection of one node alone.
 *
 * @param own what no other process has: two in one group would share its partitions, and each would miss events
 */
function hubOf(options: NodeHubOptions, own: string): NodeHub {
  const { env = 'dev', namespace = '' } = options;
  return new NodeHub({ ...options, groupId: nodesGroup({ env, namespace }, own) });
}
