import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import pLimit from 'p-limit';
import { runOptions, runStart, type RunStart } from '../../../src/bridge/run-options.js';
import { consume, type Subscription } from '../../../src/kafka/index.js';
import type { Introspection } from '../../../src/protocol/introspection.js';
import { parsePublished, type PublishedEventType } from '../../../src/protocol/published.js';
import { topicName } from '../../../src/protocol/topics.js';
import { ACK_SIGNAL, INTROSPECTION_SIGNAL, workflowId, type AckSignal } from '../../../workflows/messages.js';
import type { Servers } from './servers.js';

/** Which workflow registers: the type's name. */
export type Kind = 'registration' | 'bare';

export interface Lap {
  readonly node_id: string;
  /** From the introspection to the event of ACTIVE. */
  readonly ms: number;
}

const WITHIN_MS = 60_000;

/**
 * Drives registrations of both kinds in the same way: the workflow is signalled as
 * the bridge signals it, the node acknowledges when it reads that it is accepted,
 * and is active when it reads so.
 */
export class Registrations {
  readonly #waiting = new Map<string, () => void>();
  #reader: Subscription | undefined;

  private constructor(
    private readonly client: Client,
    private readonly runs: RunStart,
  ) {}

  static async open({ client, config, contracts, kafka }: Servers): Promise<Registrations> {
    const driver = new Registrations(client, runStart(contracts, config.taskQueue));
    const topics = [contracts.topics.emit_registration_accepted, contracts.topics.emit_became_active].map((topic) =>
      topicName(topic ?? '', config),
    );
    driver.#reader = await consume(kafka, {
      groupId: `${config.env}-driver`,
      topics,
      from: 'now',
      onBatch: (batch) => {
        for (const record of batch.records) {
          driver.#handle(record.value);
          batch.done(record);
        }
        return Promise.resolve();
      },
    });
    return driver;
  }

  /** Registers this many nodes, so many at a time. */
  async block(
    kind: Kind,
    count: number,
    atOnce: number,
  ): Promise<{ readonly perSecond: number; readonly laps: readonly Lap[] }> {
    const limit = pLimit(atOnce);
    const began = performance.now();
    const laps = await Promise.all(Array.from({ length: count }, () => limit(() => this.#register(kind))));
    return { perSecond: (count * 1000) / (performance.now() - began), laps };
  }

  async close(): Promise<void> {
    await this.#reader?.stop();
  }

  async #register(kind: Kind): Promise<Lap> {
    const node = newNode();
    const { node_id, correlation_id } = node;
    const accepted = this.#when(node_id, 'NodeRegistrationAccepted');
    const active = this.#when(node_id, 'NodeBecameActive');
    const began = performance.now();
    const handle = await this.client.workflow.signalWithStart(kind, introductionOf(node, this.runs));
    await accepted;
    await handle.signal<[AckSignal]>(ACK_SIGNAL, {
      message_id: randomUUID(),
      node_id,
      correlation_id,
      at: new Date().toISOString(),
    });
    await active;
    return { node_id, ms: performance.now() - began };
  }

  #when(node_id: string, event: PublishedEventType): Promise<void> {
    const key = `${event} ${node_id}`;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`no ${event} of ${workflowId(node_id)} within ${WITHIN_MS / 1000} s`)),
        WITHIN_MS,
      );
      this.#waiting.set(key, () => {
        clearTimeout(timer);
        this.#waiting.delete(key);
        resolve();
      });
    });
  }

  #handle(value: Buffer | null): void {
    const parsed = parsePublished(value);
    if (!parsed.ok) throw new Error(`an unreadable event: ${parsed.reason}`);
    this.#waiting.get(`${parsed.event.event_type} ${parsed.event.node_id}`)?.();
  }
}

/** A node that introduces itself for the first time. */
export function newNode(): Introspection {
  return {
    message_id: randomUUID(),
    correlation_id: randomUUID(),
    node_id: randomUUID(),
    node_type: 'effect',
    node_version: '1.0.0',
    endpoints: { api: 'http://10.0.0.1:8080', health: 'http://10.0.0.1:8080/health' },
    capabilities: ['http.request', 'storage.read', 'storage.write'],
    reason: 'startup',
    epoch: null,
    at: new Date().toISOString(),
  };
}

/** How the bridge starts a node's run by its introspection. */
export function introductionOf(node: Introspection, runs: RunStart) {
  return { ...runOptions(node, runs), signal: INTROSPECTION_SIGNAL, signalArgs: [node] };
}
