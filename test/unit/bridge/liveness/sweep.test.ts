import { ServiceError } from '@temporalio/client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startSweep, type Sweeping } from '../../../../src/bridge/liveness/sweep.js';
import type { Contracts } from '../../../../src/contracts/load.js';
import { workflowId } from '../../../../workflows/messages.js';
import { fakeDatabase } from '../fake-database.js';
import { fakeTemporal } from '../fake-temporal.js';
import { bridgeWorld, shipped } from '../support.js';

const NOW = Date.UTC(2026, 0, 31, 12);
const MINUTE = 60_000;

interface Lease {
  readonly node_id: string;
  readonly attempt: number;
  readonly deadline: string;
  readonly node_type: string;
  readonly node_version: string;
}

/** Lease number `n` of those that have run out. */
const lease = (n: number, changes: Partial<Lease> = {}): Lease => ({
  node_id: `n-${n}`,
  attempt: 1,
  deadline: `2026-01-31 11:00:00.${String(n).padStart(6, '0')}+00`,
  node_type: 'effect',
  node_version: '1.2.3',
  ...changes,
});
const leases = (count: number, from = 0): Lease[] => Array.from({ length: count }, (_, n) => lease(from + n));

interface Options {
  /** Leases that have run out; a test may change it. */
  readonly late?: Lease[];
  readonly unfinished?: readonly object[];
  /** How many rows and leases are deleted each time. */
  readonly purged?: () => readonly [number, number];
  readonly isMine?: () => boolean;
  readonly without?: readonly string[];
  readonly failure?: (id: string) => Error | undefined;
  readonly sweep?: Contracts['sweep'];
}

function world({ late = [], unfinished = [], purged = () => [0, 0], isMine = () => true, ...options }: Options) {
  const database = fakeDatabase({
    lease: ['insert into sweep_leases', () => ({ rowCount: isMine() ? 1 : 0 })],
    released: ['delete from sweep_leases', () => ({ rowCount: 1 })],
    suspects: [
      'late as materialized',
      ([, , , deadline, node_id, limit]) => {
        const after = deadline === '-infinity' ? '' : `${String(deadline)} ${String(node_id)}`;
        const page = late.filter((one) => `${one.deadline} ${one.node_id}` > after).slice(0, Number(limit));
        return { rows: page };
      },
    ],
    unfinished: ['state_since <', () => ({ rows: unfinished })],
    rows: ['delete from node_registrations', () => ({ rowCount: purged()[0] })],
    leases: ['delete from node_leases', () => ({ rowCount: purged()[1] })],
    processes: ['delete from instance_conflicts', () => ({})],
    removals: ['delete from node_changes', () => ({})],
  });
  const temporal = fakeTemporal(options);
  const bridge = bridgeWorld({ temporalClient: temporal.client, pool: database.pool });
  const contracts = shipped();
  const rules = { ...contracts, sweep: options.sweep === undefined ? contracts.sweep : options.sweep };
  const start = async (): Promise<Sweeping> => {
    running = startSweep(bridge.context, rules, ['beats', 'others']);
    await vi.advanceTimersByTimeAsync(0);
    return running;
  };
  const signalled = () => temporal.signals.splice(0).map(({ id }) => id.replace('registration/', ''));
  return { ...bridge, database, temporal, start, signalled };
}

let running: Sweeping | undefined;
beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
});
afterEach(async () => {
  void running?.stop();
  running = undefined;
  await vi.advanceTimersByTimeAsync(0);
  vi.useRealTimers();
});

describe('the sweep', () => {
  it('has each node whose lease has run out verify it, and starts a run for one that has none', async () => {
    const { start, temporal, context, entries } = world({ late: leases(3), without: [workflowId('n-1')] });
    await start();
    expect(temporal.signals.filter((one) => one.start === null)).toEqual(
      ['n-0', 'n-2'].map((node_id) => ({ id: workflowId(node_id), name: 'suspect', args: [], start: null })),
    );
    expect(temporal.signals.filter((one) => one.start !== null)).toMatchObject([
      { id: workflowId('n-1'), name: 'suspect', args: [], start: { taskQueue: 'q', args: [{ node_id: 'n-1' }] } },
    ]);
    expect(context.counters).toMatchObject({ sweeps: 1, suspects_signalled: 2, runs_adopted: 1 });
    expect(entries).toMatchObject([{ signalled: 2, adopted: 1, msg: 'leases have expired: their nodes are verified' }]);
  });

  it('says of each pass what this one has done', async () => {
    const late = leases(2);
    const { start, entries } = world({ late, without: [workflowId('n-0'), workflowId('n-2')] });
    await start();
    late.push(...leases(3, 2));
    await vi.advanceTimersByTimeAsync(2_000);
    expect(entries).toMatchObject([
      { signalled: 1, adopted: 1 },
      { signalled: 2, adopted: 1 },
    ]);
  });

  it('counts neither a signal nor a run of a node that Temporal refuses', async () => {
    const refusal = new ServiceError('Failed', {
      cause: Object.assign(new Error('too many'), { code: 3, details: 'too many signals', metadata: {} }),
    });
    const failure = (id: string) => (id === workflowId('n-1') ? refusal : undefined);
    const { start, context } = world({ late: leases(2), failure });
    await start();
    expect(context.counters).toMatchObject({ suspects_signalled: 1, runs_adopted: 0 });
  });

  it('comes again every two seconds, and signals the same lease only after the pauses that double', async () => {
    const { start, context, lines, signalled } = world({ late: leases(1) });
    await start();
    expect(signalled()).toEqual(['n-0']);
    await vi.advanceTimersByTimeAsync(88_000);
    expect([context.counters.sweeps, signalled()]).toEqual([45, []]);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(signalled()).toEqual(['n-0']);
    await vi.advanceTimersByTimeAsync(178_000);
    expect(signalled()).toEqual([]);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(signalled()).toEqual(['n-0']);
    // Only a pass that signals says so.
    expect(lines).toHaveLength(3);
  });

  it('signals the same lease every hour at the least', async () => {
    const { start, signalled } = world({ late: leases(1), sweep: { interval_seconds: 60 } });
    await start();
    await vi.advanceTimersByTimeAsync(6 * 60 * MINUTE);
    signalled();
    await vi.advanceTimersByTimeAsync(60 * MINUTE);
    expect(signalled()).toEqual(['n-0']);
  });

  it('asks with the topics and the times of the contract, page after page', async () => {
    const { start, database } = world({ late: leases(501) });
    await start();
    const last = lease(499);
    expect(database.askedFor('suspects')).toEqual([
      [['beats', 'others'], 90, 15, '-infinity', '', 500],
      [['beats', 'others'], 90, 15, last.deadline, last.node_id, 500],
    ]);
  });

  it('signals about a thousand in one pass, 16 at once, and the others in the next', async () => {
    const { start, signalled, temporal } = world({ late: leases(1_600) });
    await start();
    expect(signalled()).toEqual(leases(1_000).map(({ node_id }) => node_id));
    expect(temporal.inFlight.most).toBe(16);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(signalled()).toEqual(leases(600, 1_000).map(({ node_id }) => node_id));
  });

  it('remembers whom it has signalled also after a pass that did not come as far as them', async () => {
    const late = leases(1, 5_000);
    const { start, signalled } = world({ late });
    await start();
    expect(signalled()).toEqual(['n-5000']);
    late.unshift(...leases(1_000));
    await vi.advanceTimersByTimeAsync(2_000);
    expect(signalled()).toHaveLength(1_000);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(signalled()).toEqual([]);
  });

  it('forgets whose lease runs again: when it runs out anew, the pauses begin anew', async () => {
    const late = leases(1);
    const { start, signalled } = world({ late });
    await start();
    late.pop();
    await vi.advanceTimersByTimeAsync(2_000);
    late.push(lease(0));
    signalled();
    await vi.advanceTimersByTimeAsync(2_000);
    expect(signalled()).toEqual(['n-0']);
  });

  it('looks for no leases where the contract has none, and once a minute for what is left', async () => {
    const { start, database } = world({ late: leases(1), sweep: null });
    await start();
    await vi.advanceTimersByTimeAsync(MINUTE - 1);
    expect(database.askedFor('unfinished')).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(database.askedFor('unfinished')).toHaveLength(2);
    expect(database.askedFor('suspects')).toEqual([]);
  });

  it('registers attempts again that were left unfinished, and starts a run where there is none', async () => {
    const unfinished = [lease(7), lease(8)].map((one) => ({ ...one, state_since: one.deadline }));
    const { start, temporal, context, entries } = world({ unfinished });
    await start();
    expect(temporal.signals).toMatchObject(
      unfinished.map(({ node_id }) => ({
        id: workflowId(node_id),
        name: 'repair',
        args: [],
        start: { args: [{ node_id }] },
      })),
    );
    expect(context.counters.unfinished_signalled).toBe(2);
    expect(entries).toMatchObject([
      { signalled: 2, msg: 'attempts were left unfinished: their nodes are registered again' },
    ]);
    await vi.advanceTimersByTimeAsync(MINUTE);
    expect([context.counters.unfinished_signalled, entries.length]).toEqual([2, 1]);
  });
});

describe('what has ended long ago', () => {
  it('is deleted every ten minutes, and that is counted and logged', async () => {
    const { start, database, context, entries } = world({ purged: () => [3, 2] });
    await start();
    expect(database.askedFor('rows')).toEqual([[2_592_000, 1_000]]);
    expect(database.askedFor('leases')).toEqual([[2_592_000, 1_000]]);
    expect(context.counters).toMatchObject({ rows_purged: 3, leases_purged: 2 });
    expect(entries).toMatchObject([{ rows: 3, leases: 2, msg: 'deleted what ended long ago' }]);
    await vi.advanceTimersByTimeAsync(10 * MINUTE - 1);
    expect(database.askedFor('rows')).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(database.askedFor('rows')).toHaveLength(2);
    expect(context.counters).toMatchObject({ rows_purged: 6, leases_purged: 4 });
  });

  it.each([[[1_000, 0]], [[0, 1_000]]] as const)(
    'is deleted with the next pass where one deletes as many as it may: %j',
    async (purged) => {
      const { start, database } = world({ purged: () => purged });
      await start();
      await vi.advanceTimersByTimeAsync(2_000);
      expect(database.askedFor('rows')).toHaveLength(2);
    },
  );

  it.each([
    [0, 0, 0],
    [1, 0, 1],
    [0, 1, 1],
  ])('is logged where there was any: %i rows, %i leases', async (rows, ofLeases, logged) => {
    const { start, lines } = world({ purged: () => [rows, ofLeases] });
    await start();
    expect(lines).toHaveLength(logged);
  });
});

describe('of several bridges', () => {
  it('the one that has the lease of the first topic sweeps', async () => {
    const { start, database } = world({});
    const sweep = await start();
    expect(sweep.leads()).toBe(true);
    expect(database.askedFor('lease')).toEqual([['beats', expect.any(String), 10]]);
  });

  it('another does nothing, and takes over when it gets the lease', async () => {
    let isMine = false;
    const { start, context, database } = world({ isMine: () => isMine });
    const sweep = await start();
    await vi.advanceTimersByTimeAsync(2_000);
    expect([sweep.leads(), context.counters.sweeps, database.askedFor('rows').length]).toEqual([false, 0, 0]);
    isMine = true;
    await vi.advanceTimersByTimeAsync(2_000);
    expect([sweep.leads(), context.counters.sweeps]).toEqual([true, 1]);
  });
});

describe('a database that is away', () => {
  it('is waited for: nothing is taken on, and the next pass asks again', async () => {
    const { start, database, lines, context } = world({});
    const sweep = await start();
    database.away.error = new Error('connect ECONNREFUSED');
    await vi.advanceTimersByTimeAsync(4_000);
    expect([sweep.leads(), context.counters.sweeps]).toEqual([false, 1]);
    database.away.error = null;
    await vi.advanceTimersByTimeAsync(2_000);
    expect([sweep.leads(), context.counters.sweeps]).toEqual([true, 2]);
    expect(lines).toEqual([
      'the database that the sweep asks is away; waiting for it, nothing is lost',
      'the database that the sweep asks answers again',
    ]);
  });
});

describe('a sweep that is stopped', () => {
  it('gives up waiting for Temporal, says nothing about the database, and gives the lease back', async () => {
    const { start, database, lines } = world({ late: leases(1), failure: () => new Error('away') });
    const sweep = await start();
    await vi.advanceTimersByTimeAsync(10_000);
    let isOver = false;
    void sweep.stop().then(() => (isOver = true));
    await vi.advanceTimersByTimeAsync(0);
    expect(isOver).toBe(true);
    expect(lines).toEqual(['Temporal is away; waiting for it, nothing is lost']);
    expect([sweep.leads(), database.askedFor('released').length]).toEqual([false, 1]);
    await vi.advanceTimersByTimeAsync(MINUTE);
    expect(database.askedFor('lease')).toHaveLength(1);
  });
});
