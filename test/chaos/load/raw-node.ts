import { randomUUID } from 'node:crypto';
import type { EventProducer } from '../../../src/kafka/index.js';
import { buildAck } from '../../../src/protocol/ack.js';
import { buildDrainRequest } from '../../../src/protocol/drain-request.js';
import type { OutgoingRecord } from '../../../src/protocol/envelope.js';
import { buildHeartbeat } from '../../../src/protocol/heartbeat.js';
import { buildIntrospection, type Reason } from '../../../src/protocol/introspection.js';
import type { PublishedEvent } from '../../../src/protocol/published.js';
import type { Deed } from '../checker/snapshot.js';

const BEAT_EVERY_MS = 1_000;
const REPEAT_EVERY_MS = 3_000;
const START_OVER_AFTER_MS = 1_000;
const SEND_AGAIN_AFTER_MS = 500;

type Kind = 'introspection' | 'ack' | 'heartbeat' | 'drainRequest';

export interface RawNodeParts {
  readonly node_id: string;
  readonly acknowledges: boolean;
  readonly producer: EventProducer;
  /** Full topic names. */
  readonly topics: Readonly<Record<Kind, string>>;
  readonly noteDeed: (did: Deed['did']) => void;
  /** What the node's own clock is off by. */
  readonly clockOffMs: number;
}

/**
 * A node as the specification's Python nodes are: it beats from its start, repeats its introspection until it is
 * accepted, acknowledges, answers requests, and starts over when its registration has ended. It can be killed or frozen
 * at any moment without a process of its own.
 */
export class RawNode {
  readonly #parts: RawNodeParts;
  /** Ends everything that this incarnation does. */
  #life = new AbortController();
  #isUp = false;
  #isFrozen = false;
  #epoch = 0;
  #patch = 0;
  #correlation = '';
  /** Correlation ids to which this incarnation answers. */
  #mine = new Set<string>();
  #accepted = false;
  /** The correlation id under which it was accepted last. */
  #acceptedAs = '';
  /** What it has asked for, one request after the other. */
  #requests: Promise<void> = Promise.resolve();
  #ended = false;
  /** Events that came while it was frozen. */
  readonly #unread: PublishedEvent[] = [];

  constructor(parts: RawNodeParts) {
    this.#parts = parts;
  }

  /** A new incarnation. */
  start(): void {
    if (this.#isUp) this.die();
    this.#life = new AbortController();
    this.#isUp = true;
    this.#epoch += 1;
    this.#mine = new Set();
    this.#requests = Promise.resolve();
    if (this.#parts.acknowledges) this.#parts.noteDeed('lives');
    this.#introduce();
    this.#every(REPEAT_EVERY_MS, () => {
      if (!this.#accepted && !this.#ended) void this.#send('introspection', this.#startup());
    });
    this.#every(BEAT_EVERY_MS, () => {
      if (this.#parts.acknowledges) void this.#send('heartbeat', this.#heartbeat());
    });
  }

  /** Changed data, in the same incarnation. */
  refresh(): void {
    if (!this.#isUp || this.#isFrozen || this.#ended) return;
    this.#patch += 1;
    // Some nodes use one correlation_id for their whole life, others a new one for each message.
    const correlation = this.#patch % 2 === 0 ? this.#correlation : randomUUID();
    void this.#sendUntilTaken('introspection', () => this.#introspection('capability_change', correlation));
  }

  /** The same introspection once more. */
  repeat(): void {
    if (this.#isUp && !this.#isFrozen)
      void this.#send('introspection', this.#introspection('startup', this.#correlation));
  }

  /** Asks not to be found any more, or to be found again. */
  drain(draining: boolean): void {
    if (!this.#isUp || this.#isFrozen || !this.#accepted || this.#ended) return;
    const { node_id } = this.#parts;
    const request = buildDrainRequest(
      { node_id, correlation_id: this.#acceptedAs, draining, reason: null },
      this.#now(),
    );
    const { signal } = this.#life;
    this.#requests = this.#requests.then(() =>
      signal.aborted ? undefined : this.#sendUntilTaken('drainRequest', () => request),
    );
  }

  die(): void {
    if (!this.#isUp) return;
    this.#life.abort();
    this.#isUp = false;
    this.#isFrozen = false;
    this.#unread.length = 0;
    if (this.#parts.acknowledges) this.#parts.noteDeed('dies');
  }

  /** Says goodbye until Kafka has it, and is gone. */
  async leave(): Promise<void> {
    if (!this.#isUp) return;
    const goodbye = this.#introspection('shutdown', this.#correlation);
    this.#life.abort();
    this.#isUp = false;
    this.#isFrozen = false;
    this.#unread.length = 0;
    if (this.#parts.acknowledges) this.#parts.noteDeed('leaves');
    while (!this.#isUp && !(await this.#send('introspection', goodbye))) await pause(SEND_AGAIN_AFTER_MS);
  }

  freeze(): void {
    if (!this.#isUp || this.#isFrozen) return;
    this.#isFrozen = true;
    if (this.#parts.acknowledges) this.#parts.noteDeed('freezes');
  }

  thaw(): void {
    if (!this.#isFrozen) return;
    this.#isFrozen = false;
    if (this.#parts.acknowledges) this.#parts.noteDeed('lives');
    for (const event of this.#unread.splice(0)) this.onEvent(event);
  }

  onEvent(event: PublishedEvent): void {
    if (!this.#isUp) return;
    if (this.#isFrozen) {
      this.#unread.push(event);
      return;
    }
    if (event.event_type === 'RequestIntrospection') return this.#onRequest();
    if (!this.#mine.has(event.correlation_id)) return;
    if (event.event_type === 'NodeRegistrationAccepted') return this.#onAccepted(event.correlation_id);
    const isOver = event.event_type === 'NodeRegistrationAckTimedOut' && event.tags['ack_rounds_left'] === '0';
    if (isOver || ['NodeRegistrationRejected', 'NodeLivenessExpired'].includes(event.event_type)) this.#startOver();
  }

  #introduce(): void {
    this.#correlation = randomUUID();
    this.#mine.add(this.#correlation);
    this.#accepted = false;
    this.#ended = false;
    void this.#send('introspection', this.#startup());
  }

  #startup(): OutgoingRecord {
    return this.#introspection('startup', this.#correlation);
  }

  #onAccepted(correlation: string): void {
    if (!this.#parts.acknowledges) return;
    this.#acceptedAs = correlation;
    if (correlation === this.#correlation) this.#accepted = true;
    const { node_id } = this.#parts;
    void this.#sendUntilTaken('ack', () => buildAck({ node_id, correlation_id: correlation }, this.#now()));
  }

  #onRequest(): void {
    if (!this.#accepted) return;
    if (this.#ended) return;
    const correlation = randomUUID();
    this.#mine.add(correlation);
    void this.#sendUntilTaken('introspection', () => this.#introspection('request', correlation));
  }

  #startOver(): void {
    if (this.#ended || !this.#parts.acknowledges) return;
    this.#ended = true;
    setTimeout(() => {
      if (this.#isUp && this.#ended) this.#introduce();
    }, START_OVER_AFTER_MS);
  }

  #now(): Date {
    return new Date(Date.now() + this.#parts.clockOffMs);
  }

  #identity() {
    return { node_id: this.#parts.node_id, node_type: 'effect', node_version: `1.0.${this.#patch}` } as const;
  }

  #introspection(reason: Reason, correlation_id: string): OutgoingRecord {
    const port = 8_000 + this.#epoch;
    return buildIntrospection(
      {
        ...this.#identity(),
        endpoints: { health: `http://10.0.0.1:${port}/health` },
        capabilities: ['storage'],
        epoch: this.#epoch,
        correlation_id,
        reason,
      },
      this.#now(),
    );
  }

  #heartbeat(): OutgoingRecord {
    return buildHeartbeat({ ...this.#identity(), uptime_seconds: this.#epoch }, this.#now());
  }

  #every(ms: number, work: () => void): void {
    const { signal } = this.#life;
    const timer = setInterval(() => {
      if (!this.#isFrozen) work();
    }, ms);
    signal.addEventListener('abort', () => clearInterval(timer), { once: true });
  }

  async #sendUntilTaken(kind: Kind, build: () => OutgoingRecord): Promise<void> {
    const { signal } = this.#life;
    while (!signal.aborted && (this.#isFrozen || !(await this.#send(kind, build())))) await pause(SEND_AGAIN_AFTER_MS);
  }

  /** Whether Kafka has it for certain. */
  async #send(kind: Kind, record: OutgoingRecord): Promise<boolean> {
    const { producer, topics } = this.#parts;
    return producer.send([{ topic: topics[kind], ...record }]).then(
      () => true,
      () => false,
    );
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
