import { v4 } from 'uuid';
import { buildAck } from '../protocol/ack.js';
import type { OutgoingRecord } from '../protocol/envelope.js';
import { buildIntrospection, type Reason } from '../protocol/introspection.js';
import type { PublishedEvent } from '../protocol/published.js';
import type { Attempt, Attempts } from './attempts.js';
import { Backoff, pause, within } from './backoff.js';
import { NodeError } from './errors.js';
import type { Ending } from './events.js';
import type { HeartbeatLoop } from './heartbeats.js';
import type { CheckedDescription, NodePauses } from './options.js';
import type { Reporter } from './reporter.js';
import type { Sender } from './sender.js';
import type { NodeStates } from './states.js';

/** What a handshake works with. */
export interface HandshakeParts {
  readonly description: CheckedDescription;
  /** The id of this process. */
  readonly instance_id: string;
  readonly autoAck: boolean;
  readonly heartbeat_interval_seconds: number;
  readonly pauses: NodePauses;
  readonly attempts: Attempts;
  readonly states: NodeStates;
  readonly reporter: Reporter;
  readonly sender: Sender;
  readonly heartbeats: HeartbeatLoop;
  /** Aborted when the node stops. */
  readonly stopping: AbortSignal;
  /** The registration is another process's now; the event says so. */
  readonly onSuperseded: (event: PublishedEvent) => void;
}

/**
 * A node's side of the handshake: introduces the node, acknowledges, starts
 * over when a registration attempt has ended, answers the registrar's requests.
 */
export class Handshake {
  readonly #parts: HandshakeParts;
  readonly #startOver: Backoff;
  readonly #rejected: Backoff;
  #heartbeatInterval: number;
  /** Something about this node may have reached the registrar. */
  #introduced = false;
  #answering = false;

  constructor(parts: HandshakeParts) {
    this.#parts = parts;
    this.#startOver = new Backoff(parts.pauses.startOver);
    this.#rejected = new Backoff(parts.pauses.rejected);
    this.#heartbeatInterval = parts.heartbeat_interval_seconds;
  }

  /** The registrar's, once it has published one. */
  get heartbeat_interval_seconds(): number {
    return this.#heartbeatInterval;
  }

  /** Opens a new attempt and introduces the node. */
  begin(): void {
    const attempt = this.#parts.attempts.begin();
    this.#enter('introducing');
    void this.#introduce(attempt);
  }

  /**
   * Acknowledges once, by hand.
   *
   * @throws NodeError when there is nothing to acknowledge, or Kafka does not take it
   */
  async ack(send: (record: OutgoingRecord) => Promise<void>): Promise<void> {
    const { attempts, description, states } = this.#parts;
    const attempt = attempts.current;
    if (attempt === null || attempt.ended || attempt.stage === 'introducing') {
      throw new NodeError(
        description.node_id,
        `has nothing to acknowledge: it is ${states.current}. Wait for its event "accepted"`,
      );
    }
    try {
      await send(this.#ackOf(attempt));
    } catch (error) {
      throw new NodeError(
        description.node_id,
        'could not send its acknowledgement: see that Kafka is there, and call ack() again',
        { cause: error },
      );
    }
    this.#acknowledged(attempt);
  }

  /** The registrar has published an event about this node. */
  onEvent(event: PublishedEvent): void {
    const { attempts, stopping } = this.#parts;
    if (stopping.aborted) return;
    if (event.event_type === 'RequestIntrospection') return this.#onRequest(event);
    const attempt = attempts.attemptOf(event);
    if (attempt === null) {
      const isOurs = event.instance_id === this.#parts.instance_id;
      if (!isOurs && attempts.isSupersededBy(event)) this.#parts.onSuperseded(event);
      return;
    }
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
      case 'NodeDraining':
        return this.#onDraining(attempt, event);
      case 'NodeDeregistered':
        return this.#onDeregistered(attempt, event);
      case 'NodeRegistrationInitiated':
      case 'NodeRegistrationAckReceived':
        return;
    }
  }

  /**
   * Sends the registrar a goodbye, if it can know this node.
   *
   * @returns whether there was somebody to leave, and whether Kafka has the goodbye
   */
  async leave(timeoutMs: number): Promise<{ readonly introduced: boolean; readonly announced: boolean }> {
    const introduced = this.#introduced;
    this.#parts.attempts.current?.supersede();
    if (!introduced) return { introduced, announced: false };
    const giveUp = new AbortController();
    const correlation_id = v4();
    const sent = this.#parts.sender.sendUntilTaken(
      'introspection',
      () => this.#introspection(correlation_id, 'shutdown', new Date()),
      giveUp.signal,
    );
    const announced = (await within(sent, timeoutMs)) ?? false;
    giveUp.abort();
    return { introduced, announced };
  }

  /** Ends what is being sent and waited for. */
  giveWay(): void {
    this.#parts.attempts.current?.supersede();
  }

  /** Again and again with the same correlation_id, until an event of the registrar supersedes it. */
  async #introduce(attempt: Attempt): Promise<void> {
    const { pauses, sender, reporter } = this.#parts;
    const { signal, correlation_id } = attempt;
    const resend = new Backoff(pauses.resend);
    const failure = new Backoff(pauses.failure);
    let sends = 0;
    let goOn = true;
    while (goOn) {
      const at = new Date();
      const sent = await sender.send('introspection', this.#introspection(correlation_id, 'startup', at));
      if (sent) {
        sends += 1;
        failure.reset();
        reporter.emit('introduced', { correlation_id, at, sends });
      }
      goOn = await pause(sent ? resend.next() : failure.next(), signal);
    }
  }

  #introspection(correlation_id: string, reason: Reason, at: Date): OutgoingRecord {
    this.#introduced = true;
    return buildIntrospection({ ...this.#parts.description, correlation_id, reason }, at);
  }

  #onAccepted(attempt: Attempt, event: PublishedEvent): void {
    const signal = attempt.supersede();
    this.#adoptInterval(event);
    // Read late, after the node became active: it is acknowledged, but takes nothing back.
    if (!attempt.isRegistered) {
      attempt.stage = 'accepted';
      this.#enter('accepted');
    }
    this.#parts.reporter.emit('accepted', {
      ...now(attempt),
      ack_deadline: text(event.payload.ack_deadline),
      heartbeat_interval_seconds: this.#heartbeatInterval,
    });
    if (this.#parts.autoAck) void this.#acknowledge(attempt, signal);
  }

  async #acknowledge(attempt: Attempt, signal: AbortSignal): Promise<void> {
    if (await this.#parts.sender.sendUntilTaken('ack', () => this.#ackOf(attempt), signal)) this.#acknowledged(attempt);
  }

  #ackOf({ correlation_id }: Attempt): OutgoingRecord {
    return buildAck({ node_id: this.#parts.description.node_id, correlation_id }, new Date());
  }

  #acknowledged(attempt: Attempt): void {
    const { attempts, stopping, reporter, heartbeats } = this.#parts;
    if (!attempts.isCurrent(attempt) || stopping.aborted) return;
    if (!attempt.isRegistered) {
      attempt.stage = 'acknowledged';
      this.#enter('acknowledged');
    }
    reporter.emit('acknowledged', now(attempt));
    heartbeats.run(this.#heartbeatInterval);
  }

  #onActive(attempt: Attempt, event: PublishedEvent): void {
    attempt.supersede();
    this.#adoptInterval(event);
    this.#parts.heartbeats.run(this.#heartbeatInterval);
    if (!attempt.becomes('active', event.emitted_at)) return;
    this.#startOver.reset();
    this.#rejected.reset();
    this.#enter('active');
    this.#parts.reporter.emit('active', now(attempt));
  }

  #onDraining(attempt: Attempt, event: PublishedEvent): void {
    attempt.supersede();
    this.#parts.heartbeats.run(this.#heartbeatInterval);
    if (!attempt.becomes('draining', event.emitted_at)) return;
    this.#enter('draining');
    this.#parts.reporter.emit('draining', { ...now(attempt), reason: text(event.payload.drain_reason) ?? NO_REASON });
  }

  /** Somebody else has ended the attempt: a node that leaves by itself takes no events any more. */
  #onDeregistered(attempt: Attempt, event: PublishedEvent): void {
    const reason = text(event.payload.deregistration_reason) ?? NO_REASON;
    this.#parts.reporter.emit('deregistered', { ...now(attempt), reason });
    this.#end(attempt, 'deregistered', this.#startOver.next());
  }

  #onAckTimedOut(attempt: Attempt, event: PublishedEvent): void {
    const rounds_left = number(event.tags.ack_rounds_left);
    this.#parts.reporter.emit('ackTimedOut', { ...now(attempt), rounds_left });
    // With rounds left, accepted comes again.
    if (rounds_left === 0) this.#end(attempt, 'ack timed out', this.#startOver.next());
  }

  #onRejected(attempt: Attempt, event: PublishedEvent): void {
    const retry_in_ms = this.#rejected.next();
    const reason = text(event.payload.rejection_reason) ?? NO_REASON;
    this.#parts.reporter.emit('rejected', { ...now(attempt), reason, retry_in_ms });
    this.#end(attempt, 'rejected', retry_in_ms);
  }

  #onExpired(attempt: Attempt, event: PublishedEvent): void {
    const last_heartbeat_at = text(event.payload.last_heartbeat_at);
    this.#parts.reporter.emit('expired', { ...now(attempt), last_heartbeat_at });
    this.#end(attempt, 'liveness expired', this.#startOver.next());
  }

  #end(attempt: Attempt, because: Ending, in_ms: number): void {
    const signal = attempt.supersede();
    attempt.ended = true;
    // Without a lease there is nothing that a heartbeat could renew.
    this.#parts.heartbeats.stop();
    this.#enter('waiting');
    this.#parts.reporter.emit('startingOver', { because, in_ms, at: new Date() });
    void pause(in_ms, signal).then((passed) => {
      if (passed) this.begin();
    });
  }

  /** The registrar lacks this node's introspection, or its registration. */
  #onRequest({ correlation_id }: PublishedEvent): void {
    this.#parts.reporter.emit('requested', { at: new Date() });
    const attempt = this.#parts.attempts.current;
    // While it introduces itself, the answer is in flight.
    if (attempt === null || (attempt.stage === 'introducing' && !attempt.ended)) return;
    if (attempt.ended) this.begin();
    else if (!this.#answering) void this.#answer(correlation_id);
  }

  /**
   * A registrar that knows this node does nothing with the answer. In one that
   * does not, it opens an attempt, and accepted will carry its correlation_id.
   */
  async #answer(request: string): Promise<void> {
    this.#answering = true;
    const correlation_id = this.#parts.attempts.answerTo(request);
    await this.#parts.sender.sendUntilTaken(
      'introspection',
      () => this.#introspection(correlation_id, 'request', new Date()),
      this.#parts.stopping,
    );
    this.#answering = false;
  }

  #adoptInterval(event: PublishedEvent): void {
    const seconds = number(event.tags.heartbeat_interval_seconds);
    if (seconds !== null && seconds > 0) this.#heartbeatInterval = seconds;
  }

  #enter(state: Parameters<NodeStates['enter']>[0]): void {
    this.#parts.states.enter(state, this.#parts.attempts.current?.correlation_id ?? null);
  }
}

const NO_REASON = 'no reason was given';

function now({ correlation_id }: Attempt): { readonly correlation_id: string; readonly at: Date } {
  return { correlation_id, at: new Date() };
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** Tags are strings. */
function number(tag: string | undefined): number | null {
  return tag === undefined || tag.trim() === '' || !Number.isFinite(Number(tag)) ? null : Number(tag);
}
