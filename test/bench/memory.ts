import { EventEmitter } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { ConsumerRunConfig, EachBatchPayload, Kafka } from 'kafkajs';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { bridgeEvent } from '../../src/bridge/bridge-event.js';
import { heartbeats } from '../../src/bridge/liveness/heartbeats.js';
import { IntrospectionRequests } from '../../src/bridge/liveness/introspection-requests.js';
import { loadContracts } from '../../src/contracts/load.js';
import { consume } from '../../src/kafka/consumer.js';
import { CLIENT } from '../../src/kafka/client.js';
import { buildHeartbeat } from '../../src/protocol/heartbeat.js';
import { bridgeWorld, watermarks } from '../unit/bridge/support.js';
import type { Scenario } from './support/scenario.js';

const BATCHES = 1_000_000;
/** Before the first look: what is compiled and cached once is there by then. */
const WARM_UP = 20_000;
const PARTS = 5;

/**
 * A million batches of heartbeats through the consumer and the bridge's handling, over a kafkajs and a PostgreSQL that
 * only answer. What grows with them would end a bridge in weeks.
 */
export const run: Scenario = async (log) => {
  const { deliver, stop } = await bridge();
  await deliver(WARM_UP);
  const before = heapBytes();
  log(`heap before: ${megabytes(before)} MB`);
  for (let part = 1; part <= PARTS; part += 1) {
    await deliver(BATCHES / PARTS);
    log(`after ${((part * BATCHES) / PARTS).toLocaleString('en')} batches: ${megabytes(heapBytes())} MB`);
  }
  const after = heapBytes();
  await stop();
  return {
    json: { heap_before_bytes: before, heap_after_bytes: after },
    counts: `${BATCHES.toLocaleString('en')} batches of one heartbeat, after ${WARM_UP.toLocaleString('en')} to warm up`,
    figures: [
      {
        name: 'heap after a million batches',
        value: after / 1e6,
        unit: 'MB',
        baseline: `before: ${megabytes(before)} MB`,
        ratio: after / before,
        goal: { goal: 1.05, limit: 1.2, better: 'lower', of: 'ratio' },
      },
    ],
  };
};

async function bridge() {
  const emitter = new EventEmitter();
  let handle: (batch: EachBatchPayload) => Promise<void> = () => Promise.resolve();
  const client = {
    events: { GROUP_JOIN: 'join', CRASH: 'crash', REBALANCING: 'rebalancing' },
    on: (event: string, listener: (event: object) => void) => emitter.on(event, listener),
    connect: () => Promise.resolve(),
    subscribe: () => Promise.resolve(),
    disconnect: () => Promise.resolve(),
    run(config: ConsumerRunConfig) {
      handle = async (batch) => config.eachBatch?.(batch);
      emitter.emit('join', { payload: { memberAssignment: {} } });
      return Promise.resolve();
    },
  };
  const kafka = { [CLIENT]: () => ({ consumer: () => client }) as unknown as Kafka, logger: pino({ level: 'silent' }) };
  const contracts = loadContracts();
  const context = { ...bridgeWorld().context, pool: answering() };
  const requests = new IntrospectionRequests(
    context,
    bridgeEvent(contracts.compiled, 'request_introspection', 'requests'),
  );
  const subscription = await consume(kafka, {
    groupId: 'g',
    topics: ['t'],
    from: 'beginning',
    onBatch: heartbeats(context, { window_seconds: 90, watermarksOf: watermarks, requests }),
  });
  let offset = 0;
  return {
    deliver: async (batches: number): Promise<void> => {
      for (let batch = 0; batch < batches; batch += 1) {
        await handle(payload((offset += 1)));
        // As between real batches: what was collected is cleaned up in turns of the event loop.
        if (batch % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
    },
    stop: () => subscription.stop(),
  };
}

/** A PostgreSQL that takes everything. */
function answering(): Pool {
  const query = () => Promise.resolve({ rows: [] });
  const session = { query, on: () => undefined, off: () => undefined, release: () => undefined };
  return { query, connect: () => Promise.resolve(session) } as unknown as Pool;
}

const beats = Array.from(
  { length: 1_000 },
  (_, n) =>
    buildHeartbeat({ node_id: `n-${n}`, node_type: 'effect', node_version: '1.2.3', uptime_seconds: 1 }, new Date())
      .value,
);

function payload(offset: number): EachBatchPayload {
  const value = beats[offset % beats.length] ?? null;
  const batchContext = { timestampType: 1, isBrokersTime: true };
  const message = {
    offset: String(offset),
    timestamp: String(Date.now()),
    key: null,
    value,
    headers: {},
    batchContext,
  };
  return {
    batch: { topic: 't', partition: 0, messages: [message] },
    isRunning: () => true,
    isStale: () => false,
    heartbeat: () => Promise.resolve(),
    resolveOffset: () => undefined,
    uncommittedOffsets: () => ({ topics: [] }),
    commitOffsetsIfNecessary: () => Promise.resolve(),
  } as unknown as EachBatchPayload;
}

/** On the heap when everything that can be freed is freed. */
function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);
