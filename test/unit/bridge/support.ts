import type { Client } from '@temporalio/client';
import type { Pool } from 'pg';
import { Backend } from '../../../src/bridge/backend.js';
import { Bans } from '../../../src/bridge/bans.js';
import { bridgeEvent, type BridgeEvent } from '../../../src/bridge/bridge-event.js';
import type { BridgeContext } from '../../../src/bridge/context.js';
import { MarkedTopic } from '../../../src/bridge/liveness/marked-topic.js';
import type { TopicWatermarks } from '../../../src/bridge/liveness/topic-watermarks.js';
import { newCounters } from '../../../src/bridge/counters.js';
import { DeadLetters } from '../../../src/bridge/dead-letters.js';
import { loadContracts, type Contracts } from '../../../src/contracts/load.js';
import type { IncomingRecord, RecordBatch } from '../../../src/kafka/consumer.js';
import { loggerTo } from '../../../src/json-logger.js';
import type { RecordToSend } from '../../../src/kafka/producer.js';

/** A line of the log, with what belongs to it. */
type LogEntry = Readonly<Record<string, unknown>> & { readonly msg: string };

/** A logger that keeps its texts, and the whole entries beside them. */
export function recorder() {
  const lines: string[] = [];
  const entries: LogEntry[] = [];
  const write = (line: string): void => {
    const entry = JSON.parse(line) as LogEntry;
    lines.push(entry.msg);
    entries.push(entry);
  };
  return { lines, entries, logger: loggerTo({ write }) };
}

/** All that is ready to run has run. */
export async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

let read: Contracts | undefined;

/** The shipped contracts, read once: nobody changes them. */
export const shipped = (): Contracts => (read ??= loadContracts());

/** An event of the bridge as a contract has it; the shipped one by default. */
export function event(action: 'dead_letter' | 'request_introspection', contracts = shipped()): BridgeEvent {
  return bridgeEvent(contracts.compiled, action, action);
}

export interface World {
  readonly context: BridgeContext;
  /** Texts of the log. */
  readonly lines: readonly string[];
  /** The same, with what belongs to them. */
  readonly entries: readonly LogEntry[];
  /** What was sent to Kafka. */
  readonly sent: RecordToSend[];
  /** Parameters of each statement that the database was asked. */
  readonly asked: unknown[][];
}

export interface WorldOptions {
  readonly temporalClient?: Client;
  /** Default: one that answers every statement with `rows`. */
  readonly pool?: Pool;
  /** What the database answers to every statement. */
  readonly rows?: readonly object[];
  readonly contracts?: Contracts;
  /** Takes what is sent to Kafka. */
  readonly send?: (records: readonly RecordToSend[]) => Promise<void>;
}

/** A bridge's context over a Temporal of the test's, and over a Kafka and a database that keep what they are given. */
export function bridgeWorld({
  temporalClient,
  pool,
  rows = [],
  contracts = shipped(),
  send,
}: WorldOptions = {}): World {
  const { lines, entries, logger } = recorder();
  const sent: RecordToSend[] = [];
  const asked: unknown[][] = [];
  const producer = {
    connect: () => Promise.resolve(),
    async send(records: readonly RecordToSend[]) {
      await send?.(records);
      sent.push(...records);
    },
    close: () => Promise.resolve(),
  };
  const query = (_: string, values: unknown[] = []) => {
    asked.push(values);
    return Promise.resolve({ rows });
  };
  const session = { query, on: () => undefined, off: () => undefined, release: () => undefined };
  const backends = {
    temporal: new Backend('Temporal', logger),
    postgres: new Backend('PostgreSQL', logger),
    kafka: new Backend('Kafka', logger),
  };
  const counters = newCounters();
  const context: BridgeContext = {
    temporalClient: temporalClient ?? ({} as Client),
    runs: { taskQueue: 'q', initialState: contracts.compiled.orchestrator.initial },
    pool: pool ?? ({ query, connect: () => Promise.resolve(session) } as unknown as Pool),
    producer,
    deadLetters: new DeadLetters(event('dead_letter', contracts), producer, backends.kafka, logger),
    bans: new Bans(contracts.compiled.liveness.window_seconds),
    signing: null,
    counters,
    logger,
    ...backends,
  };
  return { context, lines, entries, sent, asked };
}

/** Record number `offset` of topic t, partition 0. */
export function recordOf(value: Buffer | null, offset = 0, timestamp = Date.now()): IncomingRecord {
  const [topic, partition] = ['t', 0];
  return { topic, partition, offset: String(offset), timestamp, isBrokersTime: true, key: null, value, headers: {} };
}

/** The watermarks of topic t, which nobody advances. */
export function watermarks(): TopicWatermarks {
  return new MarkedTopic({ send: () => Promise.resolve() }, { topic: 't', stalledSeconds: 10, markerBytes: 0 });
}

/** A batch of records, and the offsets of those that are done. */
export function batchOf(
  values: readonly (Buffer | null)[],
  signal: RecordBatch['signal'] = new AbortController().signal,
) {
  const done = new Set<string>();
  const records = values.map((value, offset) => recordOf(value, offset));
  const batch: RecordBatch = {
    topic: 't',
    partition: 0,
    records,
    upTo: { next_offset: String(values.length), timestamp: Date.now(), isBrokersTime: true, markers: [] },
    done: ({ offset }) => void done.add(offset),
    isRunning: () => true,
    signal,
  };
  return { batch, done };
}

/** What a node says of itself at its start, but for its ids. */
export const STARTUP = {
  node_type: 'effect',
  node_version: '1.0.0',
  endpoints: {},
  capabilities: [],
  reason: 'startup',
} as const;
