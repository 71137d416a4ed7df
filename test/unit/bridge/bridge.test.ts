import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startBridge, type Bridge, type BridgeOptions } from '../../../src/bridge/bridge.js';
import type { Contracts } from '../../../src/contracts/load.js';
import { buildAck } from '../../../src/protocol/ack.js';
import { buildHeartbeat } from '../../../src/protocol/heartbeat.js';
import { buildIntrospection } from '../../../src/protocol/introspection.js';
import { workflowId } from '../../../workflows/messages.js';
import { temporaryFolder } from '../../run/temporary-folder.js';
import { fakeDatabase } from './fake-database.js';
import { fakeKafka } from './fake-kafka.js';
import { fakeTemporal } from './fake-temporal.js';
import { recorder, shipped } from './support.js';

const NODE = { node_id: 'n-1', node_type: 'effect', node_version: '1.2.3' } as const;
const introspection = (now = new Date()): Buffer =>
  buildIntrospection({ ...NODE, endpoints: {}, capabilities: [], reason: 'startup', correlation_id: 'c-1' }, now).value;
const beat = (): Buffer => buildHeartbeat({ ...NODE, uptime_seconds: 1 }, new Date()).value;
const TOPICS = {
  introspections: 'dev.onex.evt.node-introspection.v1',
  drains: 'dev.onex.cmd.node-drain-requested.v1',
  acks: 'dev.onex.cmd.node-registration-acked.v1',
  heartbeats: 'dev.onex.evt.node-heartbeat.v1',
  deadLetters: 'dev.onex.evt.node-registration-dead-letter.v1',
  introspectionRequests: 'dev.onex.cmd.request-introspection.v1',
};
const STATE = {
  held_since: null,
  held_seconds: null,
  suspects: 0,
  expired: 0,
  active: 3,
  changed_by: null,
  changed_at: null,
};

let running: Bridge | undefined;
beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(async () => {
  void running?.stop();
  running = undefined;
  await vi.advanceTimersByTimeAsync(10_000);
  vi.useRealTimers();
});

interface Options {
  readonly contracts?: Contracts;
  readonly more?: Partial<BridgeOptions>;
  /** Nodes whose heartbeats renew no lease. */
  readonly withoutLease?: readonly string[];
  /** What Temporal answers to a signal; by default it takes it. */
  readonly failure?: () => Error | undefined;
}

function world({
  contracts = { ...shipped(), reconcile: null },
  more = {},
  withoutLease = [],
  failure = () => undefined,
}: Options = {}) {
  const { lines, entries, logger } = recorder();
  const database = fakeDatabase({
    aligned: ['delete from stream_watermarks', () => ({})],
    marked: ['insert into stream_watermarks as held', () => ({})],
    watermark: [/^select \(/, () => ({ rows: [{ watermark: new Date().toISOString() }] })],
    begin: [/^begin$/, () => ({})],
    commit: [/^commit$/, () => ({})],
    beats: [
      'update node_leases lease set',
      () => ({ rows: withoutLease.map((node_id) => ({ node_id, instance_id: null })) }),
    ],
    registering: ['select node_id from node_registrations held', () => ({ rows: [] })],
    lease: ['insert into sweep_leases', () => ({ rowCount: 1 })],
    released: ['delete from sweep_leases', () => ({ rowCount: 1 })],
    suspects: ['late as materialized', () => ({ rows: [] })],
    unfinished: ['state_since <', () => ({ rows: [] })],
    bans: ['from node_bans', () => ({ rows: [] })],
    conflicts: [/count\(distinct node_id\)/, () => ({ rows: [{ nodes: 0 }] })],
    signatories: ['from (select distinct node_id, thumbprint', () => ({ rows: [] })],
    unsigned: ['update node_keys set conflict', () => ({})],
    processes: ['delete from instance_conflicts', () => ({})],
    removals: ['delete from node_changes', () => ({})],
    rows: ['delete from node_registrations', () => ({})],
    leases: ['delete from node_leases', () => ({})],
    preservation: ['insert into liveness_brake', () => ({ rows: [STATE] })],
  });
  const kafka = fakeKafka(logger);
  const temporal = fakeTemporal({ failure });
  const options: BridgeOptions = {
    config: { env: 'dev', namespace: '', taskQueue: 'nodes', consul: { address: '127.0.0.1:1' } },
    contracts,
    temporalClient: temporal.client,
    pool: database.pool,
    kafka: kafka.handle,
    logger,
    ...more,
  };
  const start = async (): Promise<Bridge> => {
    const starting = startBridge(options);
    starting.catch(() => undefined);
    await vi.advanceTimersByTimeAsync(0);
    running = await starting;
    return running;
  };
  /** Hands a record to the bridge, which is to settle it at once. */
  const deliver = async (record: Parameters<typeof kafka.deliver>[0]): Promise<void> => {
    let isSettled = false;
    const settling = kafka.deliver(record).finally(() => (isSettled = true));
    await vi.advanceTimersByTimeAsync(0);
    if (isSettled) return settling;
    expect.fail(`a record of ${record.topic} is not settled; the log: ${JSON.stringify(entries.at(-1))}`);
  };
  return { start, deliver, database, kafka, temporal, lines, entries };
}

describe('a bridge', () => {
  it('reads all of its topics from the oldest record on, each kind of message as a group of its own', async () => {
    const { start, kafka, entries } = world();
    await start();
    expect(kafka.joined).toEqual(
      (['introspections', 'drains', 'acks', 'heartbeats'] as const).map((kind) => ({
        groupId: `dev-node-registrar-${kind}`,
        topics: [TOPICS[kind]],
        fromBeginning: true,
      })),
    );
    expect(entries.find(({ msg }) => msg === 'bridge runs')).toMatchObject({
      topics: { deadLetters: TOPICS.deadLetters },
      taskQueue: 'nodes',
    });
  });

  it('brings introspections and acks to the runs of their nodes, and heartbeats to the leases', async () => {
    const { start, deliver, kafka, temporal, database } = world();
    const bridge = await start();
    await deliver({ topic: TOPICS.introspections, value: introspection() });
    const ack = buildAck({ node_id: 'n-1', correlation_id: 'c-1' }, new Date()).value;
    await deliver({ topic: TOPICS.acks, value: ack });
    await deliver({ topic: TOPICS.heartbeats, value: beat() });
    expect(temporal.signals).toMatchObject([
      { id: workflowId('n-1'), name: 'introspection', start: { taskQueue: 'nodes' } },
      { id: workflowId('n-1'), name: 'ack', start: null },
    ]);
    expect(database.askedFor('beats')).toEqual([[['n-1'], [expect.any(String)], 90, [null]]]);
    expect(bridge.counters()).toMatchObject({ introspections: 1, acks: 1, heartbeats: 1, dead_letters: 0 });
    expect(kafka.committed).toEqual([`${TOPICS.introspections}/0/0`, `${TOPICS.acks}/0/0`, `${TOPICS.heartbeats}/0/0`]);
  });

  it('writes what it cannot understand to the dead letters, whatever kind of message it was to be', async () => {
    const { start, deliver, kafka } = world();
    const bridge = await start();
    for (const topic of [TOPICS.introspections, TOPICS.acks, TOPICS.heartbeats])
      await deliver({ topic, value: Buffer.from('nonsense') });
    const letters = kafka.sent.filter(({ topic }) => topic === TOPICS.deadLetters);
    expect(letters.map(({ headers }) => headers['original_topic'])).toEqual([
      TOPICS.introspections,
      TOPICS.acks,
      TOPICS.heartbeats,
    ]);
    expect(bridge.counters().dead_letters).toBe(3);
  });

  it('asks a node that beats without a lease to introduce itself', async () => {
    const { start, deliver, kafka } = world({ withoutLease: ['n-1'] });
    await start();
    await deliver({ topic: TOPICS.heartbeats, value: beat() });
    expect(kafka.sent.map(({ topic }) => topic)).toContain(TOPICS.introspectionRequests);
  });

  it('keeps a watermark for every partition that acks and heartbeats have, from before it reads them', async () => {
    const { start, database, kafka } = world();
    await start();
    const rows = () => new Set(database.askedFor('aligned').map((values) => JSON.stringify(values)));
    const both = [TOPICS.acks, TOPICS.heartbeats].map((topic) => JSON.stringify([topic, [0, 1]]));
    expect(rows()).toEqual(new Set(both));
    const before = kafka.counts.asked;
    await vi.advanceTimersByTimeAsync(4_999);
    expect(kafka.counts.asked).toBe(before);
    await vi.advanceTimersByTimeAsync(1);
    expect(kafka.counts.asked).toBe(before + 2);
  });

  it('sends markers of the size of their messages into partitions that are idle, and moves no watermark by itself', async () => {
    const { start, deliver, kafka, database } = world();
    await start();
    const markers = kafka.sent.map(({ topic, value, headers }) => [
      topic,
      value,
      String(headers['registrar-marker']).length >= 1_536,
    ]);
    expect(markers).toEqual([
      [TOPICS.acks, null, false],
      [TOPICS.acks, null, false],
      [TOPICS.heartbeats, null, true],
      [TOPICS.heartbeats, null, true],
    ]);
    expect(database.askedFor('marked')).toEqual([]);
    await deliver({ topic: TOPICS.heartbeats, value: beat(), partition: 1, offset: '4' });
    expect(database.askedFor('marked')).toEqual([[TOPICS.heartbeats, [1], ['5'], [expect.any(String)], [null], 10]]);
  });

  it('asks the broker where topics take no markers', async () => {
    const { start, kafka, database } = world({
      contracts: { ...shipped(), reconcile: null, stream_markers: false },
    });
    await start();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(kafka.sent).toEqual([]);
    const moved = database.askedFor('marked').map(([topic, partitions, offsets]) => [topic, partitions, offsets]);
    expect(moved).toContainEqual([TOPICS.heartbeats, [0], ['10']]);
    expect(moved).toContainEqual([TOPICS.acks, [0], ['10']]);
  });

  it('sweeps, looks after self-preservation, and shows all of it', async () => {
    const { start } = world();
    const bridge = await start();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(bridge.counters().sweeps).toBe(3);
    const shown = await bridge.metrics.metrics();
    expect(shown).toMatch(/^registrar_self_preservation_active 3$/m);
    expect(shown).toMatch(/^registrar_bridge_sweeps_total 3$/m);
    expect(shown).toContain(`registrar_consumer_lag_records{topic="${TOPICS.heartbeats}"}`);
    expect(shown).toContain(`registrar_watermark_age_seconds{topic="${TOPICS.acks}"}`);
    expect(shown).toContain('# HELP registrar_reconciliation_timestamp_seconds');
  });

  it('leaves its groups, ends what it repeats and closes what it opened when it is stopped', async () => {
    const { start, kafka, database } = world();
    const bridge = await start();
    await vi.advanceTimersByTimeAsync(5_000);
    let isOver = false;
    void bridge.stop().then(() => (isOver = true));
    await vi.advanceTimersByTimeAsync(0);
    running = undefined;
    expect([isOver, kafka.groups.size, kafka.counts.open, database.askedFor('released').length]).toEqual([
      true,
      0,
      0,
      1,
    ]);
    const before = [kafka.counts.asked, database.askedFor('suspects').length, database.askedFor('preservation').length];
    await vi.advanceTimersByTimeAsync(60_000);
    expect([
      kafka.counts.asked,
      database.askedFor('suspects').length,
      database.askedFor('preservation').length,
    ]).toEqual(before);
  });
});

describe('a bridge that runs', () => {
  it('is ready, and looks every five seconds who is banned', async () => {
    const { start, database } = world();
    const bridge = await start();
    expect([bridge.notReady(), database.askedFor('bans').length]).toEqual([null, 1]);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(database.askedFor('bans')).toHaveLength(2);
  });

  it('keeps the watermark of each topic of heartbeats, where the contract has several', async () => {
    const consumed = [...shipped().consumed, { event_type: 'NodeHeartbeat', topic: '{env}.more-beats' }];
    const { start, deliver, database } = world({ contracts: { ...shipped(), reconcile: null, consumed } });
    await start();
    await deliver({ topic: 'dev.more-beats', value: beat(), offset: '4' });
    expect(database.askedFor('marked').map(([topic]) => topic)).toEqual(['dev.more-beats']);
  });

  it('looks at signatures where the contract has it do so, and at the keys of its directory every ten seconds', async () => {
    const keys_directory = temporaryFolder('keys');
    writeFileSync(join(keys_directory, 'n-1.pem'), 'nonsense');
    const signing = { mode: 'warn', keys_directory } as const;
    const { start, deliver, lines } = world({ contracts: { ...shipped(), reconcile: null, signing } });
    const bridge = await start();
    expect(lines).toContainEqual(expect.stringMatching(/n-1\.pem cannot be used/));
    await deliver({ topic: TOPICS.heartbeats, value: beat() });
    expect(lines).toContainEqual(expect.stringMatching(/^a message that its node has not signed is accepted: /));
    expect(await bridge.metrics.metrics()).toContain(
      'registrar_bridge_signature_faults_total{kind="heartbeats",fault="unsigned"} 1',
    );
    rmSync(keys_directory, { recursive: true });
    const away = "the directory of nodes' keys is away; waiting for it, nothing is lost";
    // Files are read in real time.
    for (let looks = 0; looks < 500 && !lines.includes(away); looks += 1) {
      await delay(5);
      await vi.advanceTimersByTimeAsync(10_000);
    }
    expect(lines).toContain(away);
  });

  it.each(['Temporal', 'PostgreSQL', 'Kafka'] as const)(
    'says that %s is away, and goes on when it is back',
    async (name) => {
      const away = { temporal: false };
      const { start, kafka, database, lines } = world({
        failure: () => (away.temporal ? new Error('connect ECONNREFUSED') : undefined),
      });
      const set = (error: Error | null): void => {
        if (name === 'Temporal') away.temporal = error !== null;
        else if (name === 'PostgreSQL') database.away.error = error;
        else kafka.away.error = error;
      };
      const topic = name === 'PostgreSQL' ? TOPICS.heartbeats : TOPICS.introspections;
      const values = { Temporal: introspection(), PostgreSQL: beat(), Kafka: Buffer.from('nonsense') };
      await start();
      set(new Error('connect ECONNREFUSED'));
      const delivered = kafka.deliver({ topic, value: values[name] });
      await vi.advanceTimersByTimeAsync(1_000);
      expect(lines).toContain(`${name} is away; waiting for it, nothing is lost`);
      set(null);
      await vi.advanceTimersByTimeAsync(2_000);
      await delivered;
      expect(lines).toContain(`${name} answers again`);
    },
  );

  it('says that the watermarks cannot be kept', async () => {
    const { start, database, lines } = world();
    await start();
    database.away.error = new Error('connect ECONNREFUSED');
    await vi.advanceTimersByTimeAsync(5_000);
    expect(lines).toContain(
      'the broker or the database that keeps the watermarks is away; waiting for it, nothing is lost',
    );
  });

  it('gives up what is in flight when it is stopped, after the time that it is given', async () => {
    const { start, kafka, database } = world({ more: { stopGraceMs: 1_000 } });
    const bridge = await start();
    database.away.error = new Error('connect ECONNREFUSED');
    const delivered = kafka.deliver({ topic: TOPICS.heartbeats, value: beat() });
    let isOver = false;
    void bridge.stop().then(() => (isOver = true));
    running = undefined;
    await vi.advanceTimersByTimeAsync(999);
    expect(isOver).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    await delivered;
    await vi.advanceTimersByTimeAsync(0);
    expect([isOver, kafka.committed]).toEqual([true, []]);
  });

  it('hands over the error with which a consumer has ended', async () => {
    const ended: string[] = [];
    const { start, kafka } = world({ more: { onFatal: ({ message }) => ended.push(message) } });
    await start();
    kafka.groups.get('dev-node-registrar-acks')?.crash(new Error('not authorized'));
    expect(ended).toEqual(['the consumer of group dev-node-registrar-acks has ended: not authorized']);
  });
});

describe('the start of a bridge', () => {
  it('waits for a database that is away, and says so once', async () => {
    const { start, database, lines, kafka } = world();
    database.away.error = new Error('connect ECONNREFUSED');
    const started = start();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(kafka.joined.map(({ groupId }) => groupId)).toEqual([
      'dev-node-registrar-introspections',
      'dev-node-registrar-drains',
    ]);
    database.away.error = null;
    await vi.advanceTimersByTimeAsync(5_000);
    await started;
    expect(kafka.joined).toHaveLength(4);
    expect(lines).toContain('Kafka or PostgreSQL is away; waiting for it, nothing is lost');
  });

  it('that is given up stops what was subscribed to, closes what was opened, and fails with the reason', async () => {
    const stop = new AbortController();
    const { start, database, kafka } = world({ more: { signal: stop.signal } });
    database.away.error = new Error('connect ECONNREFUSED');
    const failed = expect(start()).rejects.toThrow('enough');
    await vi.advanceTimersByTimeAsync(5_000);
    stop.abort(new Error('enough'));
    await vi.advanceTimersByTimeAsync(5_000);
    await failed;
    expect([kafka.groups.size, kafka.counts.open]).toEqual([0, 0]);
  });

  it('that one topic fails gives up the others, too', async () => {
    const { start, kafka } = world();
    kafka.away.consumers = new Error('not authorized');
    const failed = expect(start()).rejects.toThrow(
      /the consumer of group dev-node-registrar-\w+ has ended: not authorized/,
    );
    await vi.advanceTimersByTimeAsync(5_000);
    await failed;
    expect([kafka.groups.size, kafka.counts.open]).toEqual([0, 0]);
  });
});
