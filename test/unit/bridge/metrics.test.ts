import type { Client } from '@temporalio/client';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { BridgeContext } from '../../../src/bridge/context.js';
import { newCounters } from '../../../src/bridge/counters.js';
import { DeadLetters } from '../../../src/bridge/dead-letters.js';
import { heartbeats } from '../../../src/bridge/liveness/heartbeats.js';
import { IntrospectionRequests } from '../../../src/bridge/liveness/introspection-requests.js';
import { IdlePartitions } from '../../../src/bridge/liveness/watermarks.js';
import { bridgeMetrics } from '../../../src/bridge/metrics.js';
import { Backend } from '../../../src/bridge/backend.js';
import type { IncomingRecord } from '../../../src/kafka/consumer.js';
import type { EventProducer } from '../../../src/kafka/producer.js';
import { serveMetrics } from '../../../src/metrics.js';
import { buildHeartbeat } from '../../../src/protocol/heartbeat.js';
import type { SelfPreservationState } from '../../../src/registry/leases/self-preservation.js';

const logger = pino({ level: 'silent' });

/** A bridge's context whose database answers every statement with these rows, and keeps what it was asked. */
function contextWith(rows: readonly object[] = []) {
  const asked: unknown[][] = [];
  const query = (_: string, values: unknown[] = []) => {
    asked.push(values);
    return Promise.resolve({ rows });
  };
  const pool = {
    query,
    connect: () => Promise.resolve({ query, on: () => undefined, off: () => undefined, release: () => undefined }),
  } as unknown as Pool;
  const counters = newCounters();
  const producer = {} as EventProducer;
  const kafka = new Backend('Kafka', logger);
  const deadLetters = new DeadLetters('dead', producer, kafka, counters);
  const context: BridgeContext = {
    temporalClient: {} as Client,
    runs: { taskQueue: 'q', initialState: 'PENDING_REGISTRATION' },
    pool,
    producer,
    deadLetters,
    counters,
    logger,
    kafka,
    postgres: new Backend('PostgreSQL', logger),
    temporal: new Backend('Temporal', logger),
  };
  return { context, asked };
}

const held: SelfPreservationState = {
  held_since: '2026-01-31T12:00:00.000Z',
  held_seconds: 30,
  suspects: 5,
  expired: 1,
  active: 11,
  changed_by: 'itself',
  changed_at: '2026-01-31T12:00:00.000Z',
};

const admin = (committed: Readonly<Record<number, string>>) => ({
  topicEnds: () =>
    Promise.resolve([
      { partition: 0, low: '10', high: '110' },
      { partition: 1, low: '0', high: '7' },
    ]),
  committed: () =>
    Promise.resolve(new Map(Object.entries(committed).map(([partition, offset]) => [Number(partition), offset]))),
  close: () => Promise.resolve(),
});

/** Samples by name and labels, as Prometheus reads them. */
async function scrape(address: string): Promise<Readonly<Record<string, number>>> {
  const response = await fetch(`http://${address}/metrics`);
  expect(response.headers.get('content-type')).toContain('text/plain');
  const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );
}

const beats = { topic: 'beats', groupId: 'g', stalledSeconds: 10 };
const STREAMS: Parameters<typeof bridgeMetrics>[2] = [
  { topics: ['beats'], groupId: 'g', idle: [new IdlePartitions(admin({}), beats)] },
  { topics: ['hello'], groupId: 'h', idle: [] },
];

describe('the metrics of a bridge', () => {
  it('tell every counter as it is when they are asked for', async () => {
    const { context } = contextWith();
    const names = Object.keys(context.counters) as (keyof typeof context.counters)[];
    const server = await serveMetrics(
      '127.0.0.1:0',
      bridgeMetrics(context, admin({}), STREAMS, () => null),
    );
    for (const round of [1, 2]) {
      names.forEach((name, index) => (context.counters[name] = 100 * round + index));
      expect(await scrape(server.address)).toMatchObject(
        Object.fromEntries(names.map((name, index) => [`registrar_bridge_${name}_total`, 100 * round + index])),
      );
    }
    await server.close();
  });

  it('tell lag, the age of the watermark, and the brake', async () => {
    const { context } = contextWith([{ watermark: new Date(Date.now() - 60_000).toISOString() }]);
    const server = await serveMetrics(
      '127.0.0.1:0',
      bridgeMetrics(context, admin({ 0: '60' }), STREAMS, () => held),
    );
    const found = await scrape(server.address);
    expect(found).toMatchObject({
      'registrar_consumer_lag_records{topic="beats"}': 57,
      'registrar_consumer_lag_records{topic="hello"}': 57,
      registrar_brake_held: 1,
      registrar_brake_share: 0.5,
      registrar_brake_suspects: 5,
      registrar_brake_expired: 1,
      registrar_brake_active: 11,
    });
    expect(found['registrar_watermark_age_seconds{topic="beats"}']).toBeCloseTo(60, 0);
    expect(found).not.toHaveProperty('registrar_watermark_age_seconds{topic="hello"}');
    await server.close();
  });

  it('leave out what does not answer, and tell the rest', async () => {
    const { context } = contextWith();
    const away = { ...admin({}), topicEnds: () => Promise.reject(new Error('connect ECONNREFUSED')) };
    const server = await serveMetrics(
      '127.0.0.1:0',
      bridgeMetrics(context, away, STREAMS, () => ({ ...held, held_since: null })),
    );
    const found = await scrape(server.address);
    expect(found).toMatchObject({ registrar_bridge_heartbeats_total: 0, registrar_brake_held: 0 });
    expect(Object.keys(found).filter((name) => /lag|watermark/.test(name))).toEqual([]);
    await server.close();
  });

  it('are nowhere else, and an address that is taken is said with what to do', async () => {
    const { context } = contextWith();
    const registry = bridgeMetrics(context, admin({}), STREAMS, () => null);
    const server = await serveMetrics('127.0.0.1:0', registry);
    expect((await fetch(`http://${server.address}/`)).status).toBe(404);
    await expect(serveMetrics(server.address, registry)).rejects.toThrow(
      /^metrics cannot be served at 127\.0\.0\.1:\d+: .*EADDRINUSE.*REGISTRAR_BRIDGE_METRICS/,
    );
    await server.close();
  });
});

describe('a heartbeat from the future', () => {
  it('counts from its arrival, and is counted', async () => {
    const { context, asked } = contextWith();
    const record = (node_id: string, seconds: number): IncomingRecord => ({
      topic: 'beats',
      partition: 0,
      offset: '1',
      key: null,
      headers: {},
      timestamp: Date.now() + seconds * 1_000,
      value: buildHeartbeat({ node_id, node_type: 'effect', node_version: '1.2.3', uptime_seconds: 1 }, new Date())
        .value,
    });
    const records = [record('a', -5), record('b', 600), record('c', 600)];
    const onBatch = heartbeats(context, 10, new IntrospectionRequests(context, 'requests'));
    await onBatch({
      topic: 'beats',
      partition: 0,
      records,
      signal: new AbortController().signal,
      isRunning: () => true,
      done: () => undefined,
    });
    expect(context.counters).toMatchObject({ heartbeats: 3, heartbeats_from_the_future: 2 });
    const times = asked
      .flat()
      .filter(Array.isArray)
      .flat()
      .filter((value): value is string => typeof value === 'string' && value.endsWith('Z'));
    expect(times.length).toBeGreaterThanOrEqual(3);
    for (const time of times) expect(Date.parse(time)).toBeLessThanOrEqual(Date.now());
  });
});
