import { ServiceError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { newCounters, type BridgeCounters } from '../../src/bridge/counters.js';
import { Backend } from '../../src/bridge/backend.js';
import { startSweep } from '../../src/bridge/liveness/sweep.js';
import { SweepLeadership } from '../../src/bridge/liveness/sweep-leadership.js';
import { loadContracts } from '../../src/contracts/load.js';
import { isSwept } from '../../src/registry/sweep-lease.js';
import { expireLease } from '../../src/registry/leases/expire-lease.js';
import { findSuspects, type SuspectsCursor, type SuspectSearch } from '../../src/registry/leases/find-suspects.js';
import { createPool } from '../../src/registry/pool.js';
import { purgeEnded } from '../../src/registry/rows/purge-ended.js';
import { readLastAttempt } from '../../src/registry/rows/read-last-attempt.js';
import { advanceWatermarks, lowestWatermark } from '../../src/registry/leases/watermarks.js';
import { eventually } from './installation.js';
import { openDatabase, type Database } from './registry/database.js';
import { servers } from './servers.js';

const TOPIC = 'heartbeats';
const liveness = { window_seconds: 90, grace_seconds: 15 };
/** Of the server; it may end sessions of the database. */
let admin: Pool;
let database: Database;
let pool: Pool;

beforeAll(async () => {
  admin = createPool(servers().databaseUrl);
  database = await openDatabase('sweep');
  pool = database.pool;
});
afterEach(async () => {
  await pool.query('truncate node_registrations, node_leases, stream_watermarks');
});
afterAll(async () => {
  await database.drop();
  await admin.end();
});

/** Seconds are from now; negative ones have passed. */
interface Node {
  readonly deadline?: number;
  readonly attempt?: number;
  readonly leaseAttempt?: number;
  readonly ended?: number | null;
  readonly expired?: number | null;
}

async function registryRow(node_id: string, { attempt = 1, ended = null }: Node = {}): Promise<void> {
  await pool.query(
    `insert into node_registrations (node_id, node_type, node_version, state, reducer_status, attempt, correlation_id, introspected_at, contract_version, active_at, ended_at)
     values ($1, 'effect', '1.2.3', $4, 'complete', $2, 'c-1', now(), '1', now(), now() + make_interval(secs => $3))`,
    [node_id, attempt, ended, ended === null ? 'ACTIVE' : 'LIVENESS_EXPIRED'],
  );
}

async function lease(
  node_id: string,
  { deadline = -60, attempt = 1, leaseAttempt = attempt, expired = null }: Node = {},
): Promise<void> {
  await pool.query(
    `insert into node_leases (node_id, attempt, deadline, expired_at, window_seconds)
     values ($1, $2, now() + make_interval(secs => $3), now() + make_interval(secs => $4), 90)`,
    [node_id, leaseAttempt, deadline, expired],
  );
}

async function node(node_id: string, about: Node = {}): Promise<void> {
  await registryRow(node_id, about);
  await lease(node_id, about);
}

/** Stored up to so many seconds from now, and resumed after a stall then. */
async function stored(seconds: number, resumed: number | null = null): Promise<void> {
  await pool.query(
    'insert into stream_watermarks select $1, p, 1, now() + make_interval(secs => $2), now() + ' +
      'make_interval(secs => $3) from generate_series(0, 2) p',
    [TOPIC, seconds, resumed],
  );
}

async function suspects(search: Partial<SuspectSearch> = {}): Promise<string[]> {
  const page = await findSuspects(pool, { topics: [TOPIC], ...liveness, limit: 100, after: null, ...search });
  return page.suspects.map(({ node_id }) => node_id);
}

describe('suspects', () => {
  test('are the nodes whose deadline and grace are behind everything that is stored, the longest silent first', async () => {
    await stored(-1);
    await node('alive', { deadline: 60 });
    await node('in-grace', { deadline: -14 });
    await node('silent', { deadline: -17 });
    await node('long-silent', { deadline: -3_600 });
    expect(await suspects()).toEqual(['long-silent', 'silent']);
  });

  test('are exactly those whose lease can expire', async () => {
    await stored(-1);
    for (const deadline of [-3_600, -20, -17, -15, -10, 0, 60]) await node(`at ${deadline}`, { deadline });
    const found = await suspects();
    const { rows } = await pool.query<{ node_id: string }>('select node_id from node_leases');
    const verdicts = await Promise.all(
      rows.map(async ({ node_id }) => ({
        node_id,
        ...(await expireLease(pool, {
          node_id,
          attempt: 1,
          topics: [TOPIC],
          ...liveness,
          rule: loadContracts().selfPreservation,
        })),
      })),
    );
    expect(verdicts.flatMap(({ node_id, lease_expired }) => (lease_expired ? [node_id] : [])).sort()).toEqual(
      [...found].sort(),
    );
    expect(found).toHaveLength(3);
  });

  test('are none while a partition is behind, while nothing was ever stored, and until a stall is over', async () => {
    await node('silent', { deadline: -30 });
    expect(await suspects()).toEqual([]);
    await stored(-1);
    expect(await suspects()).toEqual(['silent']);
    await pool.query("update stream_watermarks set watermark = now() - interval '20 s' where partition = 1");
    expect(await suspects()).toEqual([]);
    await pool.query("update stream_watermarks set watermark = now(), resumed_at = now() - interval '104 s'");
    expect(await suspects()).toEqual([]);
    await pool.query("update stream_watermarks set resumed_at = now() - interval '106 s'");
    expect(await suspects()).toEqual(['silent']);
  });

  test('are found by the lowest watermark over all topics, and nobody is while one of them was never stored', async () => {
    const both = { topics: [TOPIC, 'renamed'] as const };
    const verdict = async () => {
      const rule = loadContracts().selfPreservation;
      return (await expireLease(pool, { node_id: 'silent', attempt: 1, ...both, ...liveness, rule })).watermark;
    };
    await stored(-1);
    await node('silent', { deadline: -30 });
    expect(await suspects()).toEqual(['silent']);
    expect([await suspects(both), await verdict(), await lowestWatermark(pool, both.topics)]).toEqual([[], null, null]);
    const behind = new Date(Date.now() - 20_000).toISOString();
    await advanceWatermarks(pool, 'renamed', [{ partition: 0, next_offset: '0', watermark: behind }], {
      stalledSeconds: 10,
    });
    await pool.query('update stream_watermarks set resumed_at = null');
    expect([await suspects(both), await verdict(), await lowestWatermark(pool, both.topics)]).toEqual([
      [],
      behind,
      behind,
    ]);
    await pool.query("update stream_watermarks set watermark = now() - interval '1 s' where topic = 'renamed'");
    expect(await suspects(both)).toEqual(['silent']);
  });

  test('are also nodes whose lease a run has let expire without ending the registry row', async () => {
    await stored(-1);
    await node('just-expired', { expired: -5 });
    await node('given-up', { expired: -60 });
    expect(await suspects()).toEqual(['given-up']);
  });

  test('are not nodes of another attempt, that have ended, or without a registry row', async () => {
    await stored(-1);
    await node('registering-anew', { attempt: 2, leaseAttempt: 1 });
    await node('ended', { ended: -10 });
    await lease('without-a-row');
    await node('silent');
    expect(await suspects()).toEqual(['silent']);
  });

  test('come in pages that leave nobody out, also of the same moment', async () => {
    await stored(-1);
    await pool.query(
      `insert into node_leases (node_id, attempt, deadline, window_seconds) select 'n-' || i, 1, timestamptz ` +
        `'2026-01-31 12:00:00.000001+00' + make_interval(secs => i / 10), 90 from generate_series(1, 95) i`,
    );
    for (let i = 1; i <= 95; i++) if (i % 7 !== 0) await registryRow(`n-${i}`);
    const found: string[] = [];
    let after: SuspectsCursor | null = null;
    let pages = 0;
    do {
      const { suspects: some, next }: Awaited<ReturnType<typeof findSuspects>> = await findSuspects(pool, {
        topics: [TOPIC],
        ...liveness,
        limit: 10,
        after,
      });
      found.push(...some.map(({ node_id }) => node_id));
      after = next;
      pages += 1;
    } while (after !== null);
    expect(pages).toBe(10);
    expect(new Set(found).size).toBe(found.length);
    expect(found).toHaveLength(95 - 13);
  });

  test('of 100,000 leases are found by index', async () => {
    await stored(-1);
    await database.fill(`insert into node_registrations (node_id, node_type, node_version, state, reducer_status, attempt, correlation_id, introspected_at, contract_version)
      select 'n-' || i, 'effect', '1.0.0', 'ACTIVE', 'complete', 1, 'c', now(), '1' from generate_series(1, 100000) i`);
    await database.fill(
      `insert into node_leases (node_id, attempt, deadline, window_seconds) select 'n-' || i, 1, now() + ` +
        'make_interval(secs => case when i <= 20 then -60 else 60 + i % 90 end), 90 from generate_series(1, ' +
        '100000) i',
    );
    await database.fill('vacuum analyze node_leases, node_registrations');
    const session = await pool.connect();
    const scans = async () => {
      // What a session has done is counted at the end of the statement that asks for it.
      await session.query('select pg_stat_force_next_flush()');
      return (
        await session.query<{ relname: string; seq_scan: number }>(
          "select relname, seq_scan from pg_stat_user_tables where relname in ('node_leases', 'node_registrations')",
        )
      ).rows;
    };
    const before = await scans();
    for (let i = 0; i < 20; i++)
      expect(
        (await findSuspects(session, { topics: [TOPIC], ...liveness, limit: 100, after: null })).suspects,
      ).toHaveLength(20);
    expect(await scans()).toEqual(before);
    session.release();
  });
});

describe('the registry row of a node that lasts', () => {
  test('says so to a fresh run, with what it needs to go on; that of an ended one, or one without its lease, does not', async () => {
    await node('lasting');
    expect(await readLastAttempt(pool, 'lasting')).toMatchObject({
      attempt: 1,
      state: 'ACTIVE',
      reducer_status: 'complete',
      lasting: { ack_deadline: null, liveness_deadline: null },
    });
    await node('expired', { expired: -60 });
    expect((await readLastAttempt(pool, 'expired'))?.lasting).not.toBeNull();
    await node('anew', { attempt: 2, leaseAttempt: 1 });
    expect((await readLastAttempt(pool, 'anew'))?.lasting).toBeNull();
    await node('ended', { ended: -1 });
    expect((await readLastAttempt(pool, 'ended'))?.lasting).toBeNull();
    await registryRow('registering');
    expect((await readLastAttempt(pool, 'registering'))?.lasting).toBeNull();
  });
});

describe('what ended long ago', () => {
  const nodes = async (table: 'node_registrations' | 'node_leases') =>
    (await pool.query<{ node_id: string }>(`select node_id from ${table} order by node_id`)).rows.map(
      ({ node_id }) => node_id,
    );

  test('is forgotten, with the leases that are left of it; whoever lasts stays, however old', async () => {
    await registryRow('ended-long-ago', { ended: -1_001 });
    await registryRow('ended-lately', { ended: -999 });
    await node('still-active', { deadline: -5_000 });
    await node('expired-and-never-ended', { deadline: -5_000, expired: -4_000 });
    await lease('left-behind', { deadline: -1_001 });
    await lease('left-lately', { deadline: -999 });
    await node('ended-with-a-lease', { ended: -999, deadline: -1_001, expired: -1_000 });
    expect(await purgeEnded(pool, { ended_seconds: 1_000, limit: 100 })).toEqual({ rows: 1, leases: 2 });
    expect(await nodes('node_registrations')).toEqual([
      'ended-lately',
      'ended-with-a-lease',
      'expired-and-never-ended',
      'still-active',
    ]);
    expect(await nodes('node_leases')).toEqual(['expired-and-never-ended', 'left-lately', 'still-active']);
  });

  test('is deleted a bounded number at a time, the oldest first', async () => {
    for (let i = 0; i < 25; i++) await registryRow(`n-${10 + i}`, { ended: -10_000 + i });
    expect(await purgeEnded(pool, { ended_seconds: 100, limit: 10 })).toEqual({ rows: 10, leases: 0 });
    expect((await nodes('node_registrations'))[0]).toBe('n-20');
    expect(await purgeEnded(pool, { ended_seconds: 100, limit: 10 })).toMatchObject({ rows: 10 });
    expect(await purgeEnded(pool, { ended_seconds: 100, limit: 10 })).toMatchObject({ rows: 5 });
    expect(await purgeEnded(pool, { ended_seconds: 100, limit: 10 })).toMatchObject({ rows: 0 });
  });

  test('makes nobody wait who comes back at this moment, and does not forget them', async () => {
    await registryRow('comes-back', { ended: -1_000 });
    const other = await pool.connect();
    await other.query('begin');
    await other.query("update node_registrations set ended_at = null, attempt = 2 where node_id = 'comes-back'");
    expect(await purgeEnded(pool, { ended_seconds: 100, limit: 10 })).toMatchObject({ rows: 0 });
    await other.query('commit');
    other.release();
    expect((await readLastAttempt(pool, 'comes-back'))?.attempt).toBe(2);
  });
});

describe('of several bridges', () => {
  test('one sweeps, and keeps to it; another follows when it resigns or dies', async () => {
    const [one, two] = [new SweepLeadership(pool, TOPIC, 2), new SweepLeadership(pool, TOPIC, 2)];
    expect([await one.take(), await two.take(), await one.take()]).toEqual([true, false, true]);
    expect([await isSwept(pool, TOPIC), await isSwept(pool, 'prod.heartbeats')]).toEqual([true, false]);

    await one.resign();
    expect([await two.take(), await one.take()]).toEqual([true, false]);

    // The second is silent from now on, and its lease ends.
    await pool.query("update sweep_leases set until = now() - interval '1 ms'");
    expect(await isSwept(pool, TOPIC)).toBe(false);
    expect([await one.take(), await two.take()]).toEqual([true, false]);
    await one.resign();
  });

  test('that sweep different installations, each has its own', async () => {
    const two = ['dev.heartbeats', 'prod.heartbeats'].map((name) => new SweepLeadership(pool, name, 2));
    expect(await Promise.all(two.map((one) => one.take()))).toEqual([true, true]);
    await Promise.all(two.map((one) => one.resign()));
  });
});

describe('a sweep', () => {
  type Call = { readonly kind: 'signal' | 'start'; readonly node_id: string };
  const calls: Call[] = [];
  const running: { stop(): Promise<void> }[] = [];
  let answer: (call: Call) => void | Promise<void> = () => undefined;
  const notFound = () => {
    throw new WorkflowNotFoundError('no run', 'registration/x', undefined);
  };
  afterEach(async () => {
    await Promise.all(running.splice(0).map((sweep) => sweep.stop()));
    calls.length = 0;
    answer = () => undefined;
  });

  /** Temporal as the sweep uses it; what it answers is the test's. */
  const call = async (kind: Call['kind'], workflowId: string) => {
    const made = { kind, node_id: workflowId.replace('registration/', '') };
    calls.push(made);
    await answer(made);
  };
  const temporalClient = {
    withDeadline: (_: number, ask: () => Promise<unknown>) => ask(),
    workflow: {
      getHandle: (workflowId: string) => ({ signal: () => call('signal', workflowId) }),
      signalWithStart: (_: string, { workflowId, signal }: { workflowId: string; signal: string }) => {
        expect(signal).toBe('suspect');
        return call('start', workflowId);
      },
    },
  } as unknown as Client;

  function start(rules: { interval_seconds?: number; window_seconds?: number; sweep?: null } = {}) {
    const lines: string[] = [];
    const logger = pino(
      { level: 'info' },
      { write: (line: string) => lines.push((JSON.parse(line) as { msg: string }).msg) },
    );
    const counters = newCounters();
    const { compiled, retention } = loadContracts();
    const changed = { ...compiled, liveness: { ...compiled.liveness, window_seconds: rules.window_seconds ?? 90 } };
    const sweep = startSweep(
      {
        temporalClient,
        runs: { taskQueue: 'q', initialState: 'PENDING_REGISTRATION' },
        pool,
        counters,
        logger,
        temporal: new Backend('Temporal', logger),
      },
      {
        compiled: changed,
        sweep: rules.sweep === null ? null : { interval_seconds: rules.interval_seconds ?? 0.05 },
        retention,
      },
      [TOPIC],
    );
    running.push(sweep);
    return { counters, lines, sweep };
  }
  const callsTo = (node_id: string) => calls.filter((one) => one.node_id === node_id).map(({ kind }) => kind);
  const passes = (counters: BridgeCounters, count: number) => {
    const until = counters.sweeps + count;
    return eventually(`${count} passes`, 20, () => counters.sweeps >= until);
  };

  test('wakes suspects and nobody else, and the same one not at every pass', async () => {
    await stored(-1);
    await node('silent');
    await node('alive', { deadline: 60 });
    const { counters } = start();
    await passes(counters, 10);
    expect(calls).toEqual([{ kind: 'signal', node_id: 'silent' }]);
    expect(counters).toMatchObject({ suspects_signalled: 1, runs_adopted: 0 });
  });

  test('wakes nobody while self-preservation holds, and everybody who is silent when it is over', async () => {
    await stored(-1);
    await node('silent');
    await pool.query(
      "insert into liveness_brake (topic, held_since, held_moved_seconds, changed_by) values ($1, now(), 0, 'itself')",
      [TOPIC],
    );
    const { counters } = start();
    await passes(counters, 10);
    expect(calls).toEqual([]);
    await pool.query('update liveness_brake set held_since = null where topic = $1', [TOPIC]);
    await eventually('it is woken', 20, () => callsTo('silent').length === 1);
  });

  test('wakes one of which nothing can be said again, after pauses that grow', async () => {
    await stored(-1);
    await node('silent', { deadline: -100 });
    const { counters } = start({ window_seconds: 1 });
    await eventually('woken three times', 30, () => callsTo('silent').length === 3);
    expect(counters.sweeps).toBeGreaterThan(20);
  });

  test('starts a run for a suspect that has none', async () => {
    await stored(-1);
    await node('lost');
    answer = ({ kind }) => (kind === 'signal' ? notFound() : undefined);
    const { counters } = start();
    await passes(counters, 3);
    expect(callsTo('lost')).toEqual(['signal', 'start']);
    expect(counters).toMatchObject({ suspects_signalled: 0, runs_adopted: 1 });
  });

  test('waits for a Temporal that is away, with as many calls as it makes at once, and wakes all when it is back', async () => {
    await stored(-1);
    for (let i = 0; i < 60; i++) await node(`n-${i}`);
    let away = true;
    answer = () => {
      if (away)
        throw new ServiceError('Failed to signal Workflow', {
          cause: Object.assign(new Error('14 UNAVAILABLE'), { code: 14, details: '', metadata: {} }),
        });
    };
    const { counters, lines } = start();
    await eventually('each of them is tried again', 20, () => calls.length >= 16 * 3);
    expect(new Set(calls.map(({ node_id }) => node_id)).size).toBe(16);
    expect(counters).toMatchObject({ sweeps: 0, suspects_signalled: 0 });
    expect(lines).toEqual(['Temporal is away; waiting for it, nothing is lost']);
    away = false;
    await passes(counters, 2);
    expect(counters.suspects_signalled).toBe(60);
  });

  test('can be stopped while it waits', async () => {
    await stored(-1);
    await node('silent');
    answer = () => {
      throw new Error('connect ECONNREFUSED');
    };
    const { sweep } = start();
    await eventually('it waits', 30, () => calls.length > 0);
    // Temporal never answers: what ends the waiting is the stop.
    await sweep.stop();
    const made = calls.length;
    const follower = new SweepLeadership(pool, TOPIC, 2);
    expect(await follower.take()).toBe(true);
    await follower.resign();
    expect(calls.length).toBe(made);
  });

  test('says which node Temporal refuses, and wakes the others', async () => {
    await stored(-1);
    await node('refused', { deadline: -1_000 });
    await node('silent');
    answer = ({ node_id }) => {
      if (node_id === 'refused')
        throw new ServiceError('Failed to signal Workflow', {
          cause: Object.assign(new Error('3 INVALID_ARGUMENT'), {
            code: 3,
            details: 'exceeded limit of signals',
            metadata: {},
          }),
        });
    };
    const { counters, lines } = start();
    await passes(counters, 3);
    expect(callsTo('silent')).toEqual(['signal']);
    expect(lines.filter((line) => line.startsWith('Temporal refuses the suspect signal of node refused'))).toHaveLength(
      1,
    );
  });

  test('wakes a fleet that falls silent at once in portions', async () => {
    await stored(-1);
    await database.fill(`insert into node_registrations (node_id, node_type, node_version, state, reducer_status, attempt, correlation_id, introspected_at, contract_version)
      select 'n-' || i, 'effect', '1.0.0', 'ACTIVE', 'complete', 1, 'c', now(), '1' from generate_series(1, 2500) i`);
    await database.fill(
      "insert into node_leases (node_id, attempt, deadline, window_seconds) select 'n-' || i, 1, now() - " +
        "interval '60 s', 90 from generate_series(1, 2500) i",
    );
    const { counters } = start({ interval_seconds: 2 });
    await passes(counters, 1);
    expect(counters.suspects_signalled).toBe(1_000);
    await passes(counters, 2);
    expect(counters.suspects_signalled).toBe(2_500);
    expect(new Set(calls.map(({ node_id }) => node_id)).size).toBe(2_500);
  });

  test('of two, one wakes; when it stops, the other does', async () => {
    await stored(-1);
    const one = start();
    await passes(one.counters, 2);
    const two = start();
    await passes(one.counters, 10);
    expect(two.counters.sweeps).toBe(0);
    await one.sweep.stop();
    await node('silent');
    await passes(two.counters, 2);
    expect(callsTo('silent')).toEqual(['signal']);
  });

  test('goes on after its session with the database was cut, and says so once', async () => {
    await stored(-1);
    const { counters, lines } = start();
    await passes(counters, 2);
    await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [
      new URL(database.url).pathname.slice(1),
    ]);
    await eventually('the pool has noticed', 30, () =>
      pool.query('select').then(
        () => true,
        () => false,
      ),
    );
    await node('silent');
    await passes(counters, 2);
    expect(callsTo('silent')).toEqual(['signal']);
    expect(lines.filter((line) => line.includes('is away')).length).toBeLessThanOrEqual(1);
  });

  test('that the contract does not want wakes nobody, and forgets what ended all the same', async () => {
    await stored(-1);
    await node('silent');
    await registryRow('ended-long-ago', { ended: -31 * 86_400 });
    await registryRow('ended-lately', { ended: -29 * 86_400 });
    const { counters } = start({ sweep: null });
    await eventually('purged', 30, () => counters.rows_purged === 1);
    expect(calls).toEqual([]);
    expect(await readLastAttempt(pool, 'ended-long-ago')).toBeNull();
    expect(await readLastAttempt(pool, 'ended-lately')).not.toBeNull();
  });
});
