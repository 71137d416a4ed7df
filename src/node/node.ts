import { EventEmitter } from 'node:events';
import { v4 } from 'uuid';
import { buildAck } from '../protocol/ack.js';
import type { OutgoingRecord } from '../protocol/envelope.js';
import { buildHeartbeat } from '../protocol/heartbeat.js';
import { buildIntrospection, type Reason } from '../protocol/introspection.js';
import type { PublishedEvent } from '../protocol/published.js';
import { Attempts, type Attempt } from './attempts.js';
import { Backoff, pause, within } from './backoff.js';
import { NodeError } from './errors.js';
import type { Ending, NodeEvents, NodeState } from './events.js';
import { Heartbeats, ProcessGauge } from './heartbeats.js';
import { NodeHub } from './hub.js';
import {
  checkDescription,
  DEFAULT_PAUSES,
  type CheckedDescription,
  type NodePauses,
  type RegisteredNodeOptions,
} from './options.js';
import type { Saying } from './node-topics.js';

export interface StartOptions {
  /** How long to wait for ACTIVE, in milliseconds. Default: for ever. */
  readonly timeoutMs?: number;
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
}

export interface StopOptions {
  /** How long to try to tell the registrar, and then again to close the connection; in milliseconds. Default 5000. */
  readonly timeoutMs?: number;
}

/**
 * A node that registers itself, and stays registered until it is stopped.
 *
 * It listens before it speaks; it repeats its introspection until it is
 * accepted, acknowledges every accepted event of its own, and beats. When its
 * registration ends for any reason but its own leaving, it starts over.
 * Nothing throws behind your back: what does not work is a `problem` event.
 *
 * A duplicate never does anything to a registration, so an attempt keeps its
 * correlation_id until it has ended; the next one has another.
 */
export class RegisteredNode extends EventEmitter<NodeEvents> {
  readonly node_id: string;
  readonly #description: CheckedDescription;
  readonly #autoAck: boolean;
  readonly #activeOperations: () => number;
  readonly #pauses: NodePauses;
  readonly #hub: NodeHub;
  readonly #ownsHub: boolean;
  readonly #startOver: Backoff;
  readonly #rejected: Backoff;
  readonly #attempts = new Attempts();
  readonly #heartbeats = new Heartbeats(() => this.#beat());
  readonly #gauge = new ProcessGauge();
  readonly #stopping = new AbortController();
  readonly #watchers = new Set<(state: NodeState) => void>();
  #state: NodeState = 'idle';
  #heartbeatInterval: number;
  #startedAt = 0;
  #introduced = false;
  #answering = false;
  #troubled = false;
  #detach: (() => void) | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: RegisteredNodeOptions) {
    super();
    this.#description = checkDescription(options);
    this.node_id = this.#description.node_id;
    this.#autoAck = options.autoAck ?? true;
    this.#activeOperations = options.activeOperations ?? (() => 0);
    this.#heartbeatInterval = options.heartbeat_interval_seconds ?? 10;
    this.#pauses = { ...DEFAULT_PAUSES, ...options.pauses };
    this.#startOver = new Backoff(this.#pauses.startOver);
    this.#rejected = new Backoff(this.#pauses.rejected);
    this.#ownsHub = options.hub === undefined;
    this.#hub = options.hub ?? new NodeHub({ ...options, groupId: `${options.env ?? 'dev'}-node-${this.node_id}` });
  }

  get state(): NodeState {
    return this.#state;
  }

  /** The current attempt's, or null before the first. */
  get correlation_id(): string | null {
    return this.#attempts.current?.correlation_id ?? null;
  }

  /** As the registrar told it last. */
  get heartbeat_interval_seconds(): number {
    return this.#heartbeatInterval;
  }

  /**
   * Resolves when the node is ACTIVE. A timeout or a signal ends the waiting
   * only: the node goes on trying until `stop()`.
   */
  async start({ timeoutMs, signal }: StartOptions = {}): Promise<void> {
    if (this.#stopping.signal.aborted)
      throw new NodeError(this.node_id, 'has been stopped: make a new RegisteredNode to register it again');
    if (this.#detach === undefined) {
      this.#detach = this.#hub.attach({
        node_id: this.node_id,
        hear: (event) => this.#hear(event),
        trouble: (message, cause) => {
          this.#troubled = true;
          this.#problem(message, cause);
        },
      });
      this.#startedAt = performance.now();
      this.#enter('connecting');
      void this.#connect();
    }
    await this.#untilActive(timeoutMs, signal);
  }

  /**
   * Leaves: tells the registrar, then lets go of Kafka. Never rejects; the
   * event `left` says whether the registrar was told.
   */
  stop({ timeoutMs = 5_000 }: StopOptions = {}): Promise<void> {
    this.#stopped ??= this.#leave(timeoutMs);
    return this.#stopped;
  }

  /**
   * Acknowledges by hand (`autoAck: false`). Rejects when there is nothing to
   * acknowledge, or Kafka does not take it.
   */
  async ack(): Promise<void> {
    const attempt = this.#attempts.current;
    if (attempt === null || attempt.over || attempt.stage === 'introducing') {
      throw new NodeError(
        this.node_id,
        `has nothing to acknowledge: it is ${this.#state}. Wait for its event "accepted"`,
      );
    }
    try {
      await this.#hub.send(
        'ack',
        buildAck({ node_id: this.node_id, correlation_id: attempt.correlation_id }, new Date()),
      );
    } catch (error) {
      throw new NodeError(
        this.node_id,
        'could not send its acknowledgement: see that Kafka is there, and call ack() again',
        { cause: error },
      );
    }
    this.#acknowledged(attempt);
  }

  // ---- introducing itself

  async #connect(): Promise<void> {
    const { signal } = this.#stopping;
    const backoff = new Backoff(this.#pauses.failure);
    while (!signal.aborted) {
      try {
        await this.#hub.open();
        this.#works();
        if (!signal.aborted) this.#begin();
        return;
      } catch (error) {
        if (!signal.aborted) this.#problem('cannot listen to the registrar yet; tries again', error);
        await pause(backoff.next(), signal);
      }
    }
  }

  #begin(): void {
    const attempt = this.#attempts.begin();
    this.#enter('introducing');
    void this.#introduce(attempt);
  }

  /** Again and again with the same correlation_id, until something comes back. */
  async #introduce(attempt: Attempt): Promise<void> {
    const { signal } = attempt;
    const resend = new Backoff(this.#pauses.resend);
    const failure = new Backoff(this.#pauses.failure);
    let sends = 0;
    let goOn = true;
    while (goOn) {
      const at = new Date();
      const sent = await this.#say('introspection', this.#introspection(attempt.correlation_id, 'startup', at));
      if (sent) {
        sends += 1;
        failure.reset();
        this.#tell('introduced', { correlation_id: attempt.correlation_id, at, sends });
      }
      goOn = await pause(sent ? resend.next() : failure.next(), signal);
    }
  }

  #introspection(correlation_id: string, reason: Reason, at: Date): OutgoingRecord {
    this.#introduced = true;
    return buildIntrospection({ ...this.#description, correlation_id, reason }, at);
  }

  // ---- what the registrar says

  #hear(event: PublishedEvent): void {
    if (this.#stopping.signal.aborted) return;
    if (event.event_type === 'RequestIntrospection') return this.#onRequest(event);
    const attempt = this.#attempts.of(event);
    if (attempt === null) return;
    switch (event.event_type) {
      case 'NodeRegistrationAccepted':
        return this.#onAccepted(attempt, event);
      case 'NodeBecameActive':
        return this.#onActive(attempt, event);
      case 'NodeRegistrationAckTimedOut':
        return this.#onAckTimedOut(attempt, event);
      case 'NodeRegistrationRejected':
        return this.#onRejected(attempt, event);
      case 'NodeLivenessExpired':
        return this.#onExpired(attempt, event);
      case 'NodeRegistrationInitiated':
      case 'NodeRegistrationAckReceived':
        return;
    }
  }

  #onAccepted(attempt: Attempt, event: PublishedEvent): void {
    const signal = attempt.turn();
    this.#takeInterval(event);
    // Read late, after the node became active: it is answered, but takes nothing back.
    if (attempt.stage !== 'active') {
      attempt.stage = 'accepted';
      this.#enter('accepted');
    }
    this.#tell('accepted', {
      ...this.#now(attempt),
      ack_deadline: text(event.payload.ack_deadline),
      heartbeat_interval_seconds: this.#heartbeatInterval,
    });
    if (this.#autoAck) void this.#acknowledge(attempt, signal);
  }

  async #acknowledge(attempt: Attempt, signal: AbortSignal): Promise<void> {
    const sent = await this.#insist(
      'ack',
      () => buildAck({ node_id: this.node_id, correlation_id: attempt.correlation_id }, new Date()),
      signal,
    );
    if (sent) this.#acknowledged(attempt);
  }

  #acknowledged(attempt: Attempt): void {
    if (!this.#attempts.isCurrent(attempt) || this.#stopping.signal.aborted) return;
    if (attempt.stage !== 'active') {
      attempt.stage = 'acknowledged';
      this.#enter('acknowledged');
    }
    this.#tell('acknowledged', this.#now(attempt));
    this.#heartbeats.run(this.#heartbeatInterval);
  }

  #onActive(attempt: Attempt, event: PublishedEvent): void {
    attempt.turn();
    this.#takeInterval(event);
    this.#heartbeats.run(this.#heartbeatInterval);
    if (attempt.stage === 'active') return;
    attempt.stage = 'active';
    this.#startOver.reset();
    this.#rejected.reset();
    this.#enter('active');
    this.#tell('active', this.#now(attempt));
  }

  #onAckTimedOut(attempt: Attempt, event: PublishedEvent): void {
    const rounds_left = number(event.tags.ack_rounds_left);
    this.#tell('ackTimedOut', { ...this.#now(attempt), rounds_left });
    // With rounds left, accepted comes again.
    if (rounds_left === 0) this.#end(attempt, 'ack timed out', this.#startOver.next());
  }

  #onRejected(attempt: Attempt, event: PublishedEvent): void {
    const retry_in_ms = this.#rejected.next();
    this.#tell('rejected', {
      ...this.#now(attempt),
      reason: text(event.payload.rejection_reason) ?? 'no reason was given',
      retry_in_ms,
    });
    this.#end(attempt, 'rejected', retry_in_ms);
  }

  #onExpired(attempt: Attempt, event: PublishedEvent): void {
    this.#tell('expired', { ...this.#now(attempt), last_heartbeat_at: text(event.payload.last_heartbeat_at) });
    this.#end(attempt, 'liveness expired', this.#startOver.next());
  }

  #end(attempt: Attempt, because: Ending, in_ms: number): void {
    const signal = attempt.turn();
    attempt.over = true;
    // Without a lease there is nothing that a heartbeat could renew.
    this.#heartbeats.stop();
    this.#enter('waiting');
    this.#tell('startingOver', { because, in_ms, at: new Date() });
    void pause(in_ms, signal).then((passed) => {
      if (passed) this.#begin();
    });
  }

  /** The registrar lacks this node's introspection, or its registration. */
  #onRequest({ correlation_id }: PublishedEvent): void {
    this.#tell('requested', { at: new Date() });
    const attempt = this.#attempts.current;
    // While it introduces itself, the answer is on its way.
    if (attempt === null || (attempt.stage === 'introducing' && !attempt.over)) return;
    if (attempt.over) this.#begin();
    else if (!this.#answering) void this.#answer(correlation_id);
  }

  /**
   * If the registrar knows this node, nothing more will come of it. If it does
   * not, this opens an attempt, and accepted will carry the answer's correlation_id.
   */
  async #answer(to: string): Promise<void> {
    this.#answering = true;
    const correlation_id = this.#attempts.offer(to);
    await this.#insist(
      'introspection',
      () => this.#introspection(correlation_id, 'request', new Date()),
      this.#stopping.signal,
    );
    this.#answering = false;
  }

  #takeInterval(event: PublishedEvent): void {
    const seconds = number(event.tags.heartbeat_interval_seconds);
    if (seconds !== null && seconds > 0) this.#heartbeatInterval = seconds;
  }

  // ---- living

  async #beat(): Promise<void> {
    const attempt = this.#attempts.current;
    if (attempt === null) return;
    const { node_id, node_type, node_version } = this.#description;
    const at = new Date();
    const record = buildHeartbeat(
      {
        node_id,
        node_type,
        node_version,
        correlation_id: attempt.correlation_id,
        uptime_seconds: Math.round((performance.now() - this.#startedAt) / 1_000),
        active_operations_count: this.#countOperations(),
        ...this.#gauge.read(),
      },
      at,
    );
    if (await this.#say('heartbeat', record)) this.#tell('heartbeat', { correlation_id: attempt.correlation_id, at });
  }

  #countOperations(): number {
    try {
      const count = this.#activeOperations();
      if (Number.isSafeInteger(count) && count >= 0) return count;
      this.#problem(
        `cannot tell how many operations are under way: activeOperations() gave ${String(count)}, expected a whole number from 0`,
      );
    } catch (error) {
      this.#problem('cannot tell how many operations are under way: activeOperations() failed', error);
    }
    return 0;
  }

  // ---- leaving

  async #leave(timeoutMs: number): Promise<void> {
    this.#stopping.abort();
    this.#attempts.current?.turn();
    this.#heartbeats.stop();
    this.#enter('leaving');
    const announced = this.#introduced && (await this.#sayGoodbye(timeoutMs));
    if (this.#introduced && !announced) {
      this.#problem(
        `left without being able to tell the registrar within ${timeoutMs} ms: it stays in the registry until its lease expires`,
      );
    }
    this.#detach?.();
    if (this.#ownsHub) await this.#hub.close(timeoutMs);
    this.#enter('left');
    this.#tell('left', { announced, at: new Date() });
  }

  async #sayGoodbye(timeoutMs: number): Promise<boolean> {
    const giveUp = new AbortController();
    const correlation_id = v4();
    const told = this.#insist(
      'introspection',
      () => this.#introspection(correlation_id, 'shutdown', new Date()),
      giveUp.signal,
    );
    const result = await within(told, timeoutMs);
    giveUp.abort();
    return result ?? false;
  }

  // ---- saying

  /** Tries until Kafka has taken it. Returns false when the signal came first. */
  async #insist(saying: Saying, build: () => OutgoingRecord, signal: AbortSignal): Promise<boolean> {
    const backoff = new Backoff(this.#pauses.failure);
    while (!signal.aborted) {
      if (await this.#say(saying, build())) return true;
      await pause(backoff.next(), signal);
    }
    return false;
  }

  async #say(saying: Saying, record: OutgoingRecord): Promise<boolean> {
    try {
      await this.#hub.send(saying, record);
      this.#works();
      return true;
    } catch (error) {
      // One problem for an outage, not one for each try. Whoever stops hears of it at the end.
      if (!this.#troubled && !this.#stopping.signal.aborted) {
        this.#problem(
          `could not send its ${saying} and goes on trying: see that Kafka is there, and its topics`,
          error,
        );
      }
      this.#troubled = true;
      return false;
    }
  }

  #works(): void {
    if (!this.#troubled) return;
    this.#troubled = false;
    this.#tell('recovered', { at: new Date() });
  }

  // ---- telling

  #enter(state: NodeState): void {
    const previous = this.#state;
    if (previous === state) return;
    this.#state = state;
    for (const watcher of [...this.#watchers]) watcher(state);
    this.#tell('state', { state, previous, correlation_id: this.correlation_id, at: new Date() });
  }

  #now(attempt: Attempt): { readonly correlation_id: string; readonly at: Date } {
    return { correlation_id: attempt.correlation_id, at: new Date() };
  }

  #problem(message: string, cause?: unknown): void {
    const error = new NodeError(this.node_id, message, { cause });
    if (this.listenerCount('problem') > 0) this.#tell('problem', error);
    else this.#hub.logProblem(error);
  }

  /** A listener that fails is its owner's problem, and must not stop the node. */
  #tell<E extends keyof NodeEvents>(event: E, ...details: NodeEvents[E]): void {
    try {
      (this as EventEmitter).emit(event, ...details);
    } catch (error) {
      this.#hub.logger.error(
        { node_id: this.node_id, err: error },
        `a listener of "${event}" of node ${this.node_id} failed`,
      );
    }
  }

  #untilActive(timeoutMs: number | undefined, signal: AbortSignal | undefined): Promise<void> {
    if (this.#state === 'active') return Promise.resolve();
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', aborted);
        this.#watchers.delete(watcher);
        act();
      };
      const fail = (message: string, cause?: unknown): void =>
        settle(() => reject(new NodeError(this.node_id, message, { cause })));
      const watcher = (state: NodeState): void => {
        if (state === 'active') settle(resolve);
        else if (state === 'leaving') fail('was stopped before it was active');
      };
      const aborted = (): void =>
        fail(
          `is not active: the waiting was ended while it was ${this.#state}. It goes on trying until stop()`,
          signal?.reason,
        );
      const timer =
        timeoutMs === undefined
          ? undefined
          : setTimeout(
              () =>
                fail(
                  `is not active after ${timeoutMs} ms: it is ${this.#state}. See that the registrar runs; the node goes on trying until stop()`,
                ),
              timeoutMs,
            );
      this.#watchers.add(watcher);
      signal?.addEventListener('abort', aborted);
      if (signal?.aborted === true) aborted();
    });
  }
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** Tags are strings. */
function number(tag: string | undefined): number | null {
  return tag === undefined || tag.trim() === '' || !Number.isFinite(Number(tag)) ? null : Number(tag);
}
