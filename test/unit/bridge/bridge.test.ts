import { ServiceError, type Client } from '@temporalio/client';
import fc from 'fast-check';
import pLimit from 'p-limit';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { acks } from '../../../src/bridge/acks.js';
import type { BridgeContext } from '../../../src/bridge/context.js';
import { newCounters } from '../../../src/bridge/counters.js';
import { DeadLetters } from '../../../src/bridge/dead-letters.js';
import { every } from '../../../src/bridge/every.js';
import { inOrderPerKey } from '../../../src/bridge/in-order.js';
import { introspections } from '../../../src/bridge/introspections.js';
import { Backend } from '../../../src/bridge/backend.js';
import { RecentIntrospections } from '../../../src/bridge/recent-introspections.js';
import { RequestRate } from '../../../src/bridge/liveness/request-rate.js';
import { isAboutTheMessage } from '../../../src/bridge/temporal-errors.js';
import { bridgeTopics, groupId } from '../../../src/bridge/bridge-topics.js';
import { loadContracts } from '../../../src/contracts/load.js';
import { Contiguous } from '../../../src/kafka/contiguous.js';
import type { IncomingRecord, RecordBatch } from '../../../src/kafka/consumer.js';
import type { RecordToSend } from '../../../src/kafka/producer.js';
import { buildAck } from '../../../src/protocol/ack.js';
import { buildIntrospection, type Introspection } from '../../../src/protocol/introspection.js';
import { workflowId } from '../../../workflows/messages.js';
import { contractDirectory } from '../contracts/contract-files.js';

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A logger that keeps what it is told. */
function recorder() {
  const lines: string[] = [];
  const logger = pino(
    { level: 'info' },
    { write: (line: string) => lines.push((JSON.parse(line) as { msg: string }).msg) },
  );
  return { lines, logger };
}

describe('offsets', () => {
  it('move only as far as everything before is finished, in whatever order that happens', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }).chain((count) =>
          fc.shuffledSubarray(
            Array.from({ length: count }, (_, n) => n),
            { minLength: count },
          ),
        ),
        (order) => {
          const contiguous = new Contiguous(order.map((_, index) => String(100 + index)));
          const finished = new Set<number>();
          let committed = -1;
          for (const index of order) {
            finished.add(index);
            const moved = contiguous.done(String(100 + index));
            if (moved !== null) committed = Number(moved) - 100;
            let expected = -1;
            while (finished.has(expected + 1)) expected += 1;
            expect(committed).toBe(expected);
          }
          expect(committed).toBe(order.length - 1);
        },
      ),
    );
  });
});

describe('work', () => {
  it('of one key keeps its order, of several goes on at once within the limit', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom('a', 'b', 'c', null), { maxLength: 30 }), async (keys) => {
        const done: number[] = [];
        let now = 0;
        let most = 0;
        const work = keys.map((key, index) => ({
          key,
          async run() {
            now += 1;
            most = Math.max(most, now);
            await new Promise((resolve) => setImmediate(resolve));
            done.push(index);
            now -= 1;
          },
        }));
        await inOrderPerKey(work, pLimit(4), () => true);
        expect(most).toBeLessThanOrEqual(4);
        expect([...done].sort((one, other) => one - other)).toEqual(keys.map((_, index) => index));
        for (const key of ['a', 'b', 'c']) {
          const mine = done.filter((index) => keys[index] === key);
          expect(mine).toEqual([...mine].sort((one, other) => one - other));
        }
      }),
      { numRuns: 50 },
    );
  });

  it('that has not begun is left when there is no point in going on', async () => {
    let begun = 0;
    const work = Array.from({ length: 10 }, () => ({
      key: 'a',
      async run() {
        begun += 1;
        await pause(1);
      },
    }));
    await inOrderPerKey(work, pLimit(4), () => begun < 3);
    expect(begun).toBe(3);
  });

  it('that fails ends with its failure, after everything that had begun', async () => {
    let ended = false;
    const work = [
      { key: 'a', run: () => Promise.reject(new Error('no')) },
      {
        key: 'b',
        async run() {
          await pause(20);
          ended = true;
        },
      },
    ];
    await expect(inOrderPerKey(work, pLimit(4), () => true)).rejects.toThrow('no');
    expect(ended).toBe(true);
  });
});

describe('a backend that is away', () => {
  const never = new AbortController().signal;

  it('is waited for, and said once, however many wait', async () => {
    const { lines, logger } = recorder();
    const backend = new Backend('Temporal', logger);
    const back = Date.now() + 500;
    const attempt = () =>
      Date.now() < back ? Promise.reject(new AggregateError([new Error('refused')])) : Promise.resolve('done');
    await expect(
      Promise.all(Array.from({ length: 20 }, () => backend.untilAnswered(attempt, { signal: never }))),
    ).resolves.toHaveLength(20);
    expect(lines).toEqual(['Temporal is away; waiting for it, nothing is lost', 'Temporal answers again']);
  });

  it('is not waited for when the failure is final, or when there is no point', async () => {
    const { lines, logger } = recorder();
    const backend = new Backend('Temporal', logger);
    const refused = () => Promise.reject(new RangeError('never'));
    await expect(
      backend.untilAnswered(refused, { signal: never, isFinal: (error) => error instanceof RangeError }),
    ).rejects.toThrow('never');
    expect(lines).toEqual([]);
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error('stopping')), 150);
    await expect(
      backend.untilAnswered(() => Promise.reject(new Error('away')), { signal: stop.signal }),
    ).rejects.toThrow('stopping');
  });
});

describe('a Temporal that is above its rate limit', () => {
  /** Refuses introspections when asked to; takes acks. */
  function temporal(refuses: (workflowId: string) => boolean) {
    const counts = { inFlight: 0, most: 0, refused: 0 };
    const introduced: string[] = [];
    const acknowledged: string[] = [];
    const workflow = {
      async signalWithStart(_type: string, { workflowId }: { workflowId: string }) {
        counts.inFlight += 1;
        counts.most = Math.max(counts.most, counts.inFlight);
        await pause(1);
        counts.inFlight -= 1;
        if (refuses(workflowId)) {
          counts.refused += 1;
          throw new ServiceError('Failed', {
            cause: Object.assign(new Error('8 RESOURCE_EXHAUSTED'), {
              code: 8,
              details: 'namespace rate limit exceeded',
              metadata: {},
            }),
          });
        }
        introduced.push(workflowId);
      },
      getHandle: (id: string) => ({ signal: () => Promise.resolve(acknowledged.push(id)) }),
    };
    const client = {
      workflow,
      withDeadline: (_deadline: number, call: () => Promise<unknown>) => call(),
    } as unknown as Client;
    return { client, counts, introduced, acknowledged };
  }

  function contextOf(temporalClient: Client) {
    const { lines, logger } = recorder();
    const letters: RecordToSend[] = [];
    const producer = {
      connect: () => Promise.resolve(),
      send: (records: readonly RecordToSend[]) => Promise.resolve(void letters.push(...records)),
      close: () => Promise.resolve(),
    };
    const backends = {
      temporal: new Backend('Temporal', logger),
      postgres: new Backend('PostgreSQL', logger),
      kafka: new Backend('Kafka', logger),
    };
    const counters = newCounters();
    const deadLetters = new DeadLetters('dead', producer, backends.kafka, counters);
    const pool = { query: () => Promise.resolve({ rows: [] }) } as unknown as Pool;
    const context: BridgeContext = {
      temporalClient,
      runs: { taskQueue: 'q', initialState: 'PENDING_REGISTRATION' },
      pool,
      producer,
      deadLetters,
      counters,
      logger,
      ...backends,
    };
    return { context, lines, letters };
  }

  function batchOf(values: readonly Buffer[]) {
    const done = new Set<string>();
    const records = values.map((value, offset): IncomingRecord => ({
      topic: 't',
      partition: 0,
      offset: String(offset),
      timestamp: Date.now(),
      key: null,
      value,
      headers: {},
    }));
    const batch: RecordBatch = {
      topic: 't',
      partition: 0,
      records,
      done: ({ offset }) => void done.add(offset),
      isRunning: () => true,
      signal: new AbortController().signal,
    };
    return { batch, done };
  }

  const node = {
    node_type: 'effect',
    node_version: '1.0.0',
    endpoints: {},
    capabilities: [],
    reason: 'startup',
  } as const;
  const introspectionOf = (n: number) =>
    buildIntrospection({ ...node, node_id: `n${n}`, correlation_id: `c${n}` }, new Date()).value;

  it('is waited for: nothing is lost or put aside, few calls are under way, and acks do not stand behind introspections', async () => {
    let busy = true;
    const { client, counts, introduced, acknowledged } = temporal(() => busy);
    const { context, lines, letters } = contextOf(client);
    const waiting = batchOf(Array.from({ length: 500 }, (_, n) => introspectionOf(n)));
    const told = introspections(context)(waiting.batch);
    await pause(300);
    expect(counts.refused).toBeGreaterThan(16);

    const heard = batchOf(
      Array.from({ length: 100 }, (_, n) => buildAck({ node_id: `n${n}`, correlation_id: `c${n}` }, new Date()).value),
    );
    await acks(context, 10)(heard.batch);
    expect(acknowledged).toHaveLength(100);
    expect([introduced.length, waiting.done.size]).toEqual([0, 0]);

    busy = false;
    await told;
    expect(new Set(introduced).size).toBe(500);
    expect(introduced).toHaveLength(500);
    expect(waiting.done.size).toBe(500);
    expect(letters).toEqual([]);
    // 16 introspections and 32 acks.
    expect(counts.most).toBeLessThanOrEqual(48);
    expect(lines).toEqual(['Temporal is away; waiting for it, nothing is lost', 'Temporal answers again']);
  });

  it('is told once of a node that repeats itself', async () => {
    const { client, introduced } = temporal(() => false);
    const { context } = contextOf(client);
    const repeated = batchOf([introspectionOf(1), introspectionOf(2), introspectionOf(1), introspectionOf(1)]);
    await introspections(context)(repeated.batch);
    expect(introduced).toHaveLength(2);
    expect([repeated.done.size, context.counters.introspections_repeated]).toEqual([4, 2]);
  });

  it('and puts off every second message comes and goes with each answer: that is no news each time', async () => {
    const odd = new Set(Array.from({ length: 150 }, (_, n) => workflowId(`n${2 * n + 1}`)));
    const { client, counts, introduced } = temporal((id) => odd.delete(id));
    const { context, lines } = contextOf(client);
    const { batch } = batchOf(Array.from({ length: 300 }, (_, n) => introspectionOf(n)));
    await introspections(context)(batch);
    expect(introduced).toHaveLength(300);
    expect(counts.refused).toBe(150);
    expect(lines).toHaveLength(2);
  });
});

describe('an introspection that is repeated', () => {
  const introspection = (changes: Partial<Introspection> = {}): Introspection => ({
    message_id: 'm',
    correlation_id: 'c',
    node_id: 'n',
    node_type: 'effect',
    node_version: '1.0.0',
    endpoints: {},
    capabilities: [],
    reason: 'startup',
    epoch: null,
    at: '2026-01-01T00:00:00.000Z',
    ...changes,
  });

  it('is known for a while, while nothing else was signalled of its node', () => {
    let now = 1;
    const recent = new RecentIntrospections({ now: () => now });
    expect(recent.has(introspection())).toBe(false);
    recent.add(introspection());
    now += 30_000;
    expect(recent.has(introspection({ message_id: 'another', at: '2026-01-01T00:00:05.000Z' }))).toBe(true);
    now += 1;
    expect(recent.has(introspection())).toBe(false);
  });

  it.each([{ node_id: 'other' }, { correlation_id: 'd' }, { reason: 'shutdown' as const }, { epoch: 2 }])(
    'is another one with %j',
    (changes) => {
      const recent = new RecentIntrospections();
      recent.add(introspection());
      expect(recent.has(introspection(changes))).toBe(false);
    },
  );

  it('is signalled again after another incarnation was', () => {
    const recent = new RecentIntrospections();
    recent.add(introspection());
    recent.add(introspection({ correlation_id: 'd' }));
    expect(recent.has(introspection())).toBe(false);
  });

  it('is remembered of so many nodes, and no more', () => {
    const recent = new RecentIntrospections();
    for (let n = 0; n <= 50_000; n += 1) recent.add(introspection({ node_id: `n${n}` }));
    expect(recent.has(introspection({ node_id: 'n0' }))).toBe(false);
    expect(recent.has(introspection({ node_id: 'n1' }))).toBe(true);
  });
});

describe('what Temporal says', () => {
  const failure = (code: number, details: string) =>
    new ServiceError('Failed', { cause: Object.assign(new Error(details), { code, details, metadata: {} }) });

  it.each([
    ['too many signals', failure(3, 'exceeded workflow execution limit for signal events'), true],
    [
      'a search attribute that nobody created',
      failure(3, 'Namespace default has no mapping defined for search attribute NodeId'),
      false,
    ],
    ['a namespace that is not there', failure(5, 'Namespace not found'), false],
    ['away', failure(14, 'connect ECONNREFUSED'), false],
    ['busy', failure(8, 'workflow is busy'), false],
    ['no permission', failure(7, 'not allowed'), false],
    ['nothing of gRPC', new Error('bug'), false],
  ])('%s: about the message %s', (_name, error, expected) => {
    expect(isAboutTheMessage(error)).toBe(expected);
  });
});

describe('requests to introduce oneself', () => {
  it('at most one a minute for a node, at most 50 a second for all', () => {
    let now = 1_000;
    const rate = new RequestRate({ now: () => now });
    expect(Array.from({ length: 60 }, (_, n) => rate.allows(`n${n}`)).filter(Boolean)).toHaveLength(50);
    now = 2_000;
    expect(rate.allows('n0')).toBe(false);
    expect(rate.allows('n55')).toBe(true);
    now = 61_001;
    expect(rate.allows('n0')).toBe(true);
    rate.forget('n0');
    expect(rate.allows('n0')).toBe(true);
  });

  it('of more nodes than are ever asked within a minute are all remembered', () => {
    let now = 0;
    const rate = new RequestRate({ now: () => now });
    const asked = Array.from({ length: 3_000 }, (_, n) => {
      now = Math.floor(n / 50) * 1_000 + 1;
      return rate.allows(`n${n}`);
    });
    expect(asked.every(Boolean)).toBe(true);
    now += 500;
    expect(Array.from({ length: 3_000 }, (_, n) => rate.allows(`n${n}`)).filter(Boolean)).toEqual([]);
  });
});

describe('dead letters', () => {
  const never = new AbortController().signal;
  const record = (value: Buffer | null): IncomingRecord => ({
    topic: 't',
    partition: 1,
    offset: '7',
    timestamp: 0,
    key: Buffer.from('k'),
    value,
    headers: {},
  });

  function letters(send: (records: readonly RecordToSend[]) => Promise<void>) {
    const { logger } = recorder();
    const counters = newCounters();
    const producer = { connect: () => Promise.resolve(), send, close: () => Promise.resolve() };
    return { counters, box: new DeadLetters('dead', producer, new Backend('Kafka', logger), counters) };
  }

  it('go in portions that a broker takes', async () => {
    const sizes: number[] = [];
    const { box, counters } = letters((records) => {
      sizes.push(records.reduce((sum, { value }) => sum + (value?.length ?? 0), 0));
      return Promise.resolve();
    });
    await box.put(
      Array.from({ length: 20 }, () => ({ record: record(Buffer.alloc(60_000)), reason: 'r' })),
      never,
    );
    expect(sizes.length).toBeGreaterThan(4);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(256 * 1024);
    expect(counters.dead_letters).toBe(20);
  });

  it('that are too large for the broker go as their head: one of them never blocks a partition', async () => {
    const sent: RecordToSend[] = [];
    const { box } = letters((records) => {
      const bytes = records.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
      if (bytes > 900_000) return Promise.reject(Object.assign(new Error('too large'), { type: 'MESSAGE_TOO_LARGE' }));
      sent.push(...records);
      return Promise.resolve();
    });
    await box.put([{ record: record(Buffer.alloc(1_000_000, 'x')), reason: 'r' }], never);
    expect(sent).toHaveLength(1);
    expect(sent[0]?.value).toHaveLength(256 * 1024);
    expect(sent[0]?.headers).toMatchObject({
      truncated_from_bytes: '1000000',
      original_topic: 't',
      original_partition: '1',
      original_offset: '7',
    });
  });

  it('wait while Kafka is away', async () => {
    let tries = 0;
    const { box, counters } = letters(() => (++tries < 3 ? Promise.reject(new Error('away')) : Promise.resolve()));
    await box.put([{ record: record(null), reason: 'r' }], never);
    expect(tries).toBe(3);
    expect(counters.dead_letters).toBe(1);
  });
});

describe('names', () => {
  it('topics come from the contract', () => {
    expect(bridgeTopics(loadContracts(), { env: 'dev', namespace: 'shop' })).toEqual({
      introspections: ['dev.shop.onex.evt.node-introspection.v1'],
      acks: ['dev.shop.onex.cmd.node-registration-acked.v1'],
      heartbeats: ['dev.shop.onex.evt.node-heartbeat.v1'],
      deadLetters: 'dev.shop.onex.evt.node-registration-dead-letter.v1',
      introspectionRequests: 'dev.shop.onex.cmd.request-introspection.v1',
    });
    expect(() => bridgeTopics({ consumed: [], topics: {} }, { env: 'dev', namespace: '' })).toThrow(
      'no topic for NodeIntrospection',
    );
  });

  it('of one kind of message may be several: all that the contract names, each once', () => {
    const overlay = `
consumed_events:
  - { event_type: "NodeIntrospectionEvent", topic: "{env}.old.v1" }
  - { event_type: "NodeIntrospectionEvent", topic: "{env}.new.v1" }
  - { event_type: "NodeIntrospectionEvent", topic: "{env}.new.v1" }
`;
    const contracts = loadContracts(contractDirectory({ orchestrator: overlay }));
    expect(bridgeTopics(contracts, { env: 'dev', namespace: '' })).toMatchObject({
      introspections: ['dev.old.v1', 'dev.new.v1'],
      acks: ['dev.onex.cmd.node-registration-acked.v1'],
    });
  });

  it('groups are per environment and kind', () => {
    expect(groupId('acks', { env: 'dev', namespace: '' })).toBe('dev-node-registrar-acks');
    expect(groupId('acks', { env: 'dev', namespace: 'shop' })).toBe('dev-shop-node-registrar-acks');
  });
});

describe('repetition', () => {
  it('never overlaps itself, and ends with the run under way', async () => {
    let now = 0;
    let runs = 0;
    const repetition = every(1, async () => {
      now += 1;
      expect(now).toBe(1);
      await pause(5);
      now -= 1;
      runs += 1;
    });
    await pause(60);
    await repetition.stop();
    expect(now).toBe(0);
    const after = runs;
    await pause(20);
    expect(runs).toBe(after);
    expect(after).toBeGreaterThan(2);
  });
});
