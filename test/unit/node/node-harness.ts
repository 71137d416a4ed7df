import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { pino } from 'pino';
import { vi } from 'vitest';
import type { RecordToSend } from '../../../src/kafka/index.js';
import { NodeHub, RegisteredNode, type NodeEvents, type RegisteredNodeOptions } from '../../../src/node/index.js';
import type { NodeTransport, SubscribeOptions } from '../../../src/node/transport.js';
import { parseAck, type Ack } from '../../../src/protocol/ack.js';
import { parseDrainRequest, type DrainRequest } from '../../../src/protocol/drain-request.js';
import type { RecordHeaders } from '../../../src/protocol/instance.js';
import type { Parsed } from '../../../src/protocol/incoming.js';
import { parseIntrospection, type Introspection } from '../../../src/protocol/introspection.js';
import { buildPublished } from '../../../src/protocol/published.js';

/** Kafka in memory, with a registrar that publishes what the test has it publish. */
export class Wire implements NodeTransport {
  readonly sent: RecordToSend[] = [];
  /** What was done, in order: "subscribed", or the topic of a record. */
  readonly log: string[] = [];
  readonly subscriptions: SubscribeOptions[] = [];
  /** Kafka is away: sends fail, and subscribing waits. */
  down = false;
  closed = false;
  #subscribed: SubscribeOptions | undefined;

  async subscribe(options: SubscribeOptions): Promise<{ stop(): Promise<void> }> {
    while (this.down) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      options.signal.throwIfAborted();
    }
    this.#subscribed = options;
    this.subscriptions.push(options);
    this.log.push('subscribed');
    return { stop: () => Promise.resolve(void (this.#subscribed = undefined)) };
  }

  async send(records: readonly RecordToSend[]): Promise<void> {
    await Promise.resolve();
    if (this.down) throw new Error('the broker does not answer');
    this.sent.push(...records);
    this.log.push(...records.map(({ topic }) => topic));
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  /** The consumer ends for good. */
  crash(): void {
    const options = this.#subscribed;
    this.#subscribed = undefined;
    options?.onFatal(new Error('group is gone'));
  }

  /** The registrar publishes an event. */
  publish(
    event_type: string,
    to: { readonly node_id: string; readonly correlation_id: string | null },
    extra: {
      payload?: Record<string, unknown>;
      tags?: Record<string, string>;
      instance_id?: string;
      supersedes?: readonly string[];
      causation_id?: string;
    } = {},
  ): void {
    const { payload, tags, causation_id = randomUUID(), ...process } = extra;
    const { value, headers } = buildPublished(
      {
        id: randomUUID(),
        event_type,
        topic: '',
        node_id: to.node_id,
        correlation_id: to.correlation_id ?? randomUUID(),
        causation_id,
        payload: {
          ...PAYLOADS[event_type],
          ...payload,
          ...(event_type === 'RequestIntrospection' && { target_node_id: to.node_id }),
        },
        ids_at_top: event_type === 'NodeRegistrationAccepted' || event_type === 'RequestIntrospection',
        stamps: event_type === 'NodeRegistrationAccepted' ? { ack_deadline: 30 } : {},
        tags: { attempt: '1', ...tags },
        ...process,
      },
      { sentAt: new Date(), source: 'test' },
    );
    this.receive(value, headers);
  }

  receive(value: Buffer | null, headers: RecordHeaders = {}): void {
    this.#subscribed?.onRecord(value, headers);
  }

  introspections(): Introspection[] {
    return this.#read('node-introspection', parseIntrospection);
  }

  acks(): Ack[] {
    return this.#read('node-registration-acked', parseAck);
  }

  drainRequests(): DrainRequest[] {
    return this.#read('node-drain-requested', parseDrainRequest);
  }

  /** Payloads as they were sent. */
  heartbeats(): Record<string, unknown>[] {
    return this.sent
      .filter(({ topic }) => topic.includes('node-heartbeat'))
      .map(({ value }) => (JSON.parse(String(value)) as { payload: Record<string, unknown> }).payload);
  }

  #read<T>(
    topic: string,
    parse: (
      value: Buffer | null,
      record: { topic: string; partition: number; offset: string; timestamp: number },
    ) => Parsed<T>,
  ): T[] {
    return this.sent
      .filter((record) => record.topic.includes(topic))
      .map((record) => {
        const read = parse(record.value, { topic: record.topic, partition: 0, offset: '0', timestamp: Date.now() });
        if (!read.ok) throw new Error(read.reason);
        return read.message;
      });
  }
}

const PAYLOADS: Readonly<Record<string, Record<string, unknown>>> = {
  NodeRegistrationRejected: { rejection_reason: 'version 0.9.0 is older than 1.0.0' },
  NodeRegistrationAckTimedOut: { deadline_at: '2026-01-31T12:00:00.000Z', previous_state: 'AWAITING_ACK' },
  NodeDraining: { drain_reason: 'ada: a new disk' },
  NodeDeregistered: { deregistration_reason: 'evicted by ada: a new disk' },
  NodeBecameActive: { capabilities: ['mail.send'] },
  NodeLivenessExpired: { last_heartbeat_at: '2026-01-31T12:00:00.000Z' },
};

const EVENTS: readonly (keyof NodeEvents)[] = [
  'state',
  'introduced',
  'accepted',
  'acknowledged',
  'active',
  'draining',
  'deregistered',
  'rejected',
  'ackTimedOut',
  'expired',
  'startingOver',
  'requested',
  'heartbeat',
  'left',
  'problem',
  'recovered',
  'superseded',
];

/** A node on a wire; `emitted` gives what it emitted with an event, in order. */
export function nodeOn(
  wire: Wire,
  options: Partial<RegisteredNodeOptions> = {},
): { readonly node: RegisteredNode; readonly emitted: (event: keyof NodeEvents) => unknown[] } {
  const node = new RegisteredNode({
    brokers: ['nowhere:1'],
    transport: wire,
    node_type: 'effect',
    version: '1.0.0',
    endpoints: { health: 'http://10.0.0.7:8080/health' },
    capabilities: ['mail.send'],
    ...options,
  });
  const log: { readonly event: keyof NodeEvents; readonly details: unknown }[] = [];
  for (const event of EVENTS) node.on(event, (details: unknown) => log.push({ event, details }));
  return { node, emitted: (event) => log.filter((one) => one.event === event).map(({ details }) => details) };
}

export function hubOn(wire: Wire, logger = pino({ level: 'silent' })): NodeHub {
  return new NodeHub({ brokers: ['nowhere:1'], transport: wire, logger });
}

/** Resolves when each of these nodes has emitted the event; ask before what makes them emit it. */
export async function all(nodes: readonly RegisteredNode[], event: keyof NodeEvents): Promise<void> {
  await Promise.all(nodes.map((node) => once(node, event)));
}

/** Lets everything that is ready happen, and no time pass. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 3; i += 1) {
    await vi.advanceTimersByTimeAsync(0);
    await turn();
  }
}

/** Time passes in steps: what was sent at its time has been taken before the next step. */
export async function seconds(count: number): Promise<void> {
  for (let left = count * 1_000; left > 0; left -= STEP_MS) {
    await vi.advanceTimersByTimeAsync(Math.min(STEP_MS, left));
    await turn();
  }
  await settle();
}

const STEP_MS = 500;

/** A node that has been started and is ACTIVE. */
export async function activeNode(
  wire: Wire,
  options: Partial<RegisteredNodeOptions> = {},
): Promise<ReturnType<typeof nodeOn>> {
  const started = nodeOn(wire, options);
  const active = started.node.start();
  await settle();
  wire.publish('NodeRegistrationAccepted', started.node);
  await settle();
  wire.publish('NodeBecameActive', started.node);
  await active;
  return started;
}
