import { ServiceError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { Pool } from 'pg';
import { describe, expect, it } from 'vitest';
import { acks } from '../../../src/bridge/acks.js';
import { drainRequests } from '../../../src/bridge/drain-requests.js';
import { introspections } from '../../../src/bridge/introspections.js';
import { runOptions, runStart } from '../../../src/bridge/run-options.js';
import { buildAck } from '../../../src/protocol/ack.js';
import { buildDrainRequest } from '../../../src/protocol/drain-request.js';
import { buildIntrospection } from '../../../src/protocol/introspection.js';
import { workflowId } from '../../../workflows/messages.js';
import { fakeTemporal } from './fake-temporal.js';
import { batchOf, bridgeWorld, shipped, turns, watermarks, STARTUP } from './support.js';

function grpc(code: number, details: string): ServiceError {
  return new ServiceError('Failed', { cause: Object.assign(new Error(details), { code, details, metadata: {} }) });
}

const BUSY = grpc(8, 'namespace rate limit exceeded');

/** Temporal as the bridge calls it. A call fails with what `failure` gives for it, after `held` has been resolved. */
function temporal(failure: (workflowId: string) => Error | undefined = () => undefined, held = Promise.resolve()) {
  const started: string[] = [];
  const signalled: string[] = [];
  const counts = { inFlight: 0, most: 0, failed: 0 };
  const call = async (id: string, to: string[]): Promise<void> => {
    counts.inFlight += 1;
    counts.most = Math.max(counts.most, counts.inFlight);
    await held;
    counts.inFlight -= 1;
    const error = failure(id);
    if (error !== undefined) {
      counts.failed += 1;
      throw error;
    }
    to.push(id);
  };
  const client = {
    workflow: {
      signalWithStart: (_type: string, options: { workflowId: string }) => call(options.workflowId, started),
      getHandle: (id: string) => ({ signal: () => call(id, signalled) }),
    },
    withDeadline: (_deadline: number, ask: () => Promise<unknown>) => ask(),
  } as unknown as Client;
  return { client, started, signalled, counts };
}

const introspectionOf = (n: number) =>
  buildIntrospection({ ...STARTUP, node_id: `n${n}`, correlation_id: `c${n}` }, new Date()).value;
const ackOf = (n: number) => buildAck({ node_id: `n${n}`, correlation_id: `c${n}` }, new Date()).value;
const drainOf = (n: number) =>
  buildDrainRequest({ node_id: `n${n}`, correlation_id: `c${n}`, draining: true, reason: null }, new Date()).value;
const many = (count: number, of: (n: number) => Buffer): Buffer[] => Array.from({ length: count }, (_, n) => of(n));

/** A promise that is resolved from outside. */
function gate() {
  let open: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (open = resolve));
  return { held, open: () => open() };
}

describe('signals', () => {
  it.each([
    ['introspections', 16, introspectionOf, introspections],
    ['drain requests', 16, drainOf, drainRequests],
    ['acks', 32, ackOf, (context: Parameters<typeof acks>[0]) => acks(context, watermarks)],
  ] as const)('of %s are in flight %i at once, and no more', async (_kind, limit, of, handler) => {
    const { held, open } = gate();
    const { client, counts } = temporal(undefined, held);
    const { batch, done } = batchOf(many(200, of));
    const handled = handler(bridgeWorld({ temporalClient: client }).context)(batch);
    await turns();
    expect(counts.inFlight).toBe(limit);
    open();
    await handled;
    expect([counts.most, done.size]).toEqual([limit, 200]);
  });

  it('wait for a Temporal above its rate limit: nothing is lost or dead-lettered, and acks do not stand behind introspections', async () => {
    let busy = true;
    const { client, counts, started, signalled } = temporal(() => (busy ? BUSY : undefined));
    const { context, lines, sent } = bridgeWorld({ temporalClient: client });
    const { batch, done } = batchOf(many(500, introspectionOf));
    const handled = introspections(context)(batch);
    await expect.poll(() => counts.failed).toBeGreaterThan(16);

    const free = temporal();
    await acks({ ...context, temporalClient: free.client }, watermarks)(batchOf(many(100, ackOf)).batch);
    expect(free.signalled).toHaveLength(100);
    expect([started.length, done.size]).toEqual([0, 0]);

    busy = false;
    await handled;
    expect([new Set(started).size, started.length, done.size]).toEqual([500, 500, 500]);
    expect([signalled, sent]).toEqual([[], []]);
    expect(lines[0]).toBe('Temporal is away; waiting for it, nothing is lost');
  });

  it('to a Temporal that refuses every second one for now are logged once, not with each answer', async () => {
    const odd = new Set(Array.from({ length: 150 }, (_, n) => workflowId(`n${2 * n + 1}`)));
    const { client, counts, started } = temporal((id) => (odd.delete(id) ? BUSY : undefined));
    const { context, lines } = bridgeWorld({ temporalClient: client });
    await introspections(context)(batchOf(many(300, introspectionOf)).batch);
    expect([started.length, counts.failed, lines.length]).toEqual([300, 150, 2]);
  });

  it('that Temporal refuses for good become dead letters with its own words, and hold up nobody', async () => {
    const refusal = (id: string) => (id === workflowId('n1') ? grpc(11, 'signal input exceeds limit') : undefined);
    for (const [of, handler] of [
      [introspectionOf, introspections],
      [ackOf, (context: Parameters<typeof acks>[0]) => acks(context, watermarks)],
    ] as const) {
      const { client } = temporal(refusal);
      const { context, sent } = bridgeWorld({ temporalClient: client });
      const { batch, done } = batchOf(many(3, of));
      await handler(context)(batch);
      expect(done.size).toBe(3);
      expect(sent.map(({ headers }) => [headers.node_id, headers.reason])).toEqual([
        ['n1', 'Temporal refuses it: signal input exceeds limit'],
      ]);
    }
  });
});

describe('records that nobody can read', () => {
  it.each([
    ['introspections', introspectionOf, introspections],
    ['acks', ackOf, (context: Parameters<typeof acks>[0]) => acks(context, watermarks)],
  ] as const)(
    'among %s are dead letters together, however many: no node waits for a send of each',
    async (_kind, of, handler) => {
      let sends = 0;
      const send = () => Promise.resolve(void (sends += 1));
      const { client, started, signalled } = temporal();
      const { context, sent } = bridgeWorld({ temporalClient: client, send });
      const { batch, done } = batchOf(many(900, (n) => (n % 9 === 0 ? of(n) : Buffer.from('no message'))));
      await handler(context)(batch);
      expect([done.size, sent.length, started.length + signalled.length]).toEqual([900, 800, 100]);
      expect(sends).toBeLessThan(20);
    },
  );

  it('are not done, and none behind them is begun, once the batch is to end', async () => {
    const ending = new AbortController();
    const send = () => Promise.reject(new Error('Kafka is away'));
    const { client } = temporal();
    const { context } = bridgeWorld({ temporalClient: client, send });
    const { batch, done } = batchOf(
      many(3, () => Buffer.from('no message')),
      ending.signal,
    );
    const handled = introspections(context)(batch);
    await turns();
    ending.abort(new Error('enough'));
    await expect(handled).rejects.toThrow('enough');
    expect(done.size).toBe(0);
  });
});

describe('an introspection', () => {
  it('that a node repeats is signalled once', async () => {
    const { client, started } = temporal();
    const { context } = bridgeWorld({ temporalClient: client });
    const { batch, done } = batchOf([1, 2, 1, 1].map(introspectionOf));
    await introspections(context)(batch);
    expect(started).toHaveLength(2);
    expect([done.size, context.counters.introspections_repeated]).toEqual([4, 2]);
  });

  it('is signalled as it was read, and counted', async () => {
    const { client, signals } = fakeTemporal();
    const { context } = bridgeWorld({ temporalClient: client });
    await introspections(context)(batchOf([introspectionOf(1)]).batch);
    expect(signals).toMatchObject([
      {
        name: 'introspection',
        args: [{ node_id: 'n1', correlation_id: 'c1', node_type: 'effect', reason: 'startup' }],
        start: { workflowId: workflowId('n1'), staticSummary: 'effect node n1, version 1.0.0' },
      },
    ]);
    expect(context.counters).toMatchObject({ introspections: 1, introspections_repeated: 0 });
  });

  it('that Temporal has refused is no repeat: it is signalled again, and counted once', async () => {
    let refuses = true;
    const { client, started } = temporal(() => (refuses ? grpc(3, 'too many signals') : undefined));
    const { context } = bridgeWorld({ temporalClient: client });
    const handler = introspections(context);
    await handler(batchOf([introspectionOf(1)]).batch);
    refuses = false;
    await handler(batchOf([introspectionOf(1)]).batch);
    expect(started).toHaveLength(1);
    expect(context.counters).toMatchObject({ introspections: 1, introspections_repeated: 0 });
    expect(context.deadLetters.counts().get('refused_by_temporal')).toBe(1);
  });

  it.each([
    ['the consumer is being stopped', { isRunning: () => false }],
    ['the batch is given up', { signal: AbortSignal.abort(new Error('stopping')) }],
  ])('is left when %s', async (_, changes) => {
    const { client, started } = temporal();
    const { batch, done } = batchOf([introspectionOf(1)]);
    await introspections(bridgeWorld({ temporalClient: client }).context)({ ...batch, ...changes });
    expect([started, done.size]).toEqual([[], 0]);
  });

  it('starts a run that shows the state in which the contract begins', () => {
    const { compiled } = shipped();
    const known = { node_id: 'n', node_type: 'effect', node_version: '1.2.3' };
    const shown = (contract: typeof compiled) =>
      runOptions(known, runStart({ compiled: contract }, 'q')).typedSearchAttributes.map(({ key, value }) => [
        key.name,
        value,
      ]);
    expect(shown(compiled)).toEqual([
      ['NodeId', 'n'],
      ['NodeType', 'effect'],
      ['RegistrationState', 'PENDING_REGISTRATION'],
    ]);
    const renamed = { ...compiled, orchestrator: { ...compiled.orchestrator, initial: 'REQUESTED' } };
    expect(shown(renamed)[2]).toEqual(['RegistrationState', 'REQUESTED']);
  });
});

describe('acks', () => {
  const marks = (asked: readonly unknown[][]) => asked.filter(([topic]) => topic === 't');

  it('move the watermark when all of their batch are settled: signalled, without a run, or dead letters', async () => {
    const notFound = new WorkflowNotFoundError('no run', 'registration/n1', undefined);
    const { client } = temporal((id) => (id === workflowId('n1') ? notFound : undefined));
    const { context, asked, sent } = bridgeWorld({ temporalClient: client });
    await acks(context, watermarks)(batchOf([ackOf(0), ackOf(1), Buffer.from('nonsense')]).batch);
    expect(context.counters).toMatchObject({ acks: 1, acks_without_run: 1 });
    expect([...context.deadLetters.counts().values()].reduce((sum, count) => sum + count)).toBe(1);
    expect([marks(asked).length, sent.length]).toEqual([1, 1]);
  });

  it('are signalled as they were read; one for which there is no run is logged', async () => {
    const { client, signals } = fakeTemporal({ without: [workflowId('n1')] });
    const { context, entries } = bridgeWorld({ temporalClient: client });
    const { batch, done } = batchOf([ackOf(0), ackOf(1)]);
    await acks(context, watermarks)(batch);
    expect(signals).toMatchObject([
      { id: workflowId('n0'), name: 'ack', args: [{ node_id: 'n0', correlation_id: 'c0' }], start: null },
    ]);
    expect(entries).toMatchObject([
      {
        node_id: 'n1',
        correlation_id: 'c1',
        message_id: expect.any(String) as string,
        at: expect.any(String) as string,
        msg: 'an ack for a node whose registration has no run',
      },
    ]);
    expect(done.size).toBe(2);
  });

  it.each([
    ['the consumer is being stopped', { isRunning: () => false }],
    ['the batch is given up', { signal: AbortSignal.abort(new Error('stopping')) }],
  ])('are left when %s', async (_, changes) => {
    const { client, signalled } = temporal();
    const { context, asked } = bridgeWorld({ temporalClient: client });
    const { batch, done } = batchOf([ackOf(1)]);
    await acks(context, watermarks)({ ...batch, ...changes });
    expect([signalled, done.size, marks(asked)]).toEqual([[], 0, []]);
  });

  it('that are late count from when they were sent', async () => {
    const { client, signals } = fakeTemporal();
    const { context } = bridgeWorld({ temporalClient: client });
    const { batch } = batchOf([ackOf(0)]);
    const sent = Date.now() - 60_000;
    const records = batch.records.map((record) => ({ ...record, timestamp: sent, isBrokersTime: false }));
    await acks(context, watermarks)({ ...batch, records });
    expect(signals).toMatchObject([{ args: [{ at: new Date(sent).toISOString() }] }]);
  });

  it('are settled though the database does not take the watermark: the next batch moves it', async () => {
    const { client } = temporal();
    const away = { query: () => Promise.reject(new Error('away')) } as unknown as Pool;
    const { context, lines } = bridgeWorld({ temporalClient: client, pool: away });
    const { batch, done } = batchOf([ackOf(0)]);
    await acks(context, watermarks)(batch);
    expect([done.size, lines]).toEqual([1, ['PostgreSQL is away; waiting for it, nothing is lost']]);
  });

  it('do not move the watermark while one of their batch is unfinished', async () => {
    const { held, open } = gate();
    const { client } = temporal(undefined, held);
    const { context, asked } = bridgeWorld({ temporalClient: client });
    const { batch, done } = batchOf(many(40, ackOf));
    let running = true;
    const handled = acks(context, watermarks)({ ...batch, isRunning: () => running });
    await turns();
    running = false;
    open();
    await handled;
    expect(done.size).toBe(32);
    expect(marks(asked)).toEqual([]);
  });
});
