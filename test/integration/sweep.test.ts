import { randomUUID } from 'node:crypto';
import type { Pool, PoolClient } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { SweepLeadership } from '../../src/bridge/sweep-leadership.js';
import { loadContracts } from '../../src/contracts/load.js';
import { claimLease } from '../../src/registry/claim-lease.js';
import { findSuspects, type Position, type SuspectSearch } from '../../src/registry/find-suspects.js';
import { migrate } from '../../src/registry/migrate.js';
import { createPool } from '../../src/registry/pool.js';
import { purgeEnded } from '../../src/registry/purge-ended.js';
import { readRecord } from '../../src/registry/read-record.js';
import { eventually } from './installation.js';
import { servers } from './servers.js';

/** A database of its own: what is counted here is all there is. */
const name = `sweep_${randomUUID().replaceAll('-', '')}`;
const TOPIC = 'heartbeats';
const liveness = { window_seconds: 90, grace_seconds: 15 };
let admin: Pool;
let pool: Pool;

beforeAll(async () => {
  const { databaseUrl } = servers();
  admin = createPool(databaseUrl);
  await admin.query(`create database ${name}`);
  const url = new URL(databaseUrl);
  url.pathname = `/${name}`;
  await migrate(url.href);
  pool = createPool(url.href);
});
afterEach(async () => {
  await pool.query('truncate node_registrations, node_leases, stream_watermarks');
});
afterAll(async () => {
  await pool.end();
  await admin.query(`drop database ${name}`);
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

async function record(node_id: string, { attempt = 1, ended = null }: Node = {}): Promise<void> {
  await pool.query(
    `insert into node_registrations (node_id, node_type, node_version, state, reducer_status, attempt, correlation_id, introspected_at, contract_version, active_at, ended_at)
     values ($1, 'effect', '1.2.3', $4, 'complete', $2, 'c-1', now(), '1', now(), now() + make_interval(secs => $3))`,
    [node_id, attempt, ended, ended === null ? 'ACTIVE' : 'LIVENESS_EXPIRED'],
  );
}

async function lease(node_id: string, { deadline = -60, attempt = 1, leaseAttempt = attempt, expired = null }: Node = {}): Promise<void> {
  await pool.query(
    `insert into node_leases (node_id, attempt, deadline, expired_at, window_seconds)
     values ($1, $2, now() + make_interval(secs => $3), now() + make_interval(secs => $4), 90)`,
    [node_id, leaseAttempt, deadline, expired],
  );
}

async function node(node_id: string, about: Node = {}): Promise<void> {
  await record(node_id, about);
  await lease(node_id, about);
}

/** Stored up to so many seconds from now, and resumed after a standstill then. */
async function stored(seconds: number, resumed: number | null = null): Promise<void> {
  await pool.query(
    `insert into stream_watermarks select $1, p, 1, now() + make_interval(secs => $2), now() + make_interval(secs => $3) from generate_series(0, 2) p`,
    [TOPIC, seconds, resumed],
  );
}

async function suspects(search: Partial<SuspectSearch> = {}): Promise<string[]> {
  const page = await findSuspects(pool, { topic: TOPIC, ...liveness, limit: 100, after: null, ...search });
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

  test('are exactly those whose lease can be claimed', async () => {
    await stored(-1);
    for (const deadline of [-3_600, -20, -17, -15, -10, 0, 60]) await node(`at ${deadline}`, { deadline });
    const found = await suspects();
    const { rows } = await pool.query<{ node_id: string }>('select node_id from node_leases');
    const claims = await Promise.all(rows.map(async ({ node_id }) => ({ node_id, ...(await claimLease(pool, { node_id, attempt: 1, topic: TOPIC, ...liveness, rule: loadContracts().brake })) })));
    expect(claims.flatMap(({ node_id, claimed }) => (claimed ? [node_id] : [])).sort()).toEqual([...found].sort());
    expect(found).toHaveLength(3);
  });

  test('are none while a partition is behind, while nothing was ever stored, and until a standstill is over', async () => {
    await node('silent', { deadline: -30 });
    expect(await suspects()).toEqual([]);
    await stored(-1);
    expect(await suspects()).toEqual(['silent']);
    await pool.query('update stream_watermarks set watermark = now() - interval \'20 s\' where partition = 1');
    expect(await suspects()).toEqual([]);
    await pool.query('update stream_watermarks set watermark = now(), resumed_at = now() - interval \'104 s\'');
    expect(await suspects()).toEqual([]);
    await pool.query('update stream_watermarks set resumed_at = now() - interval \'106 s\'');
    expect(await suspects()).toEqual(['silent']);
  });

  test('are also nodes whose lease was claimed by a run that never ended the record', async () => {
    await stored(-1);
    await node('just-claimed', { expired: -5 });
    await node('given-up', { expired: -60 });
    expect(await suspects()).toEqual(['given-up']);
  });

  test('are not nodes of another attempt, that have ended, or without a record', async () => {
    await stored(-1);
    await node('registering-anew', { attempt: 2, leaseAttempt: 1 });
    await node('ended', { ended: -10 });
    await lease('unrecorded');
    await node('silent');
    expect(await suspects()).toEqual(['silent']);
  });

  test('come in pages that leave nobody out, also of the same moment', async () => {
    await stored(-1);
    await pool.query(`insert into node_leases (node_id, attempt, deadline, window_seconds) select 'n-' || i, 1, timestamptz '2026-01-31 12:00:00.000001+00' + make_interval(secs => i / 10), 90 from generate_series(1, 95) i`);
    for (let i = 1; i <= 95; i++) if (i % 7 !== 0) await record(`n-${i}`);
    const found: string[] = [];
    let after: Position | null = null;
    let pages = 0;
    do {
      const { suspects: some, next }: Awaited<ReturnType<typeof findSuspects>> = await findSuspects(pool, { topic: TOPIC, ...liveness, limit: 10, after });
      found.push(...some.map(({ node_id }) => node_id));
      after = next;
      pages += 1;
    } while (after !== null);
    expect(pages).toBe(10);
    expect(new Set(found).size).toBe(found.length);
    expect(found).toHaveLength(95 - 13);
  });

  test('of 100,000 leases are found by index, within 50 ms', async () => {
    await stored(-1);
    await pool.query(`insert into node_registrations (node_id, node_type, node_version, state, reducer_status, attempt, correlation_id, introspected_at, contract_version)
      select 'n-' || i, 'effect', '1.0.0', 'ACTIVE', 'complete', 1, 'c', now(), '1' from generate_series(1, 100000) i`);
    await pool.query(`insert into node_leases (node_id, attempt, deadline, window_seconds) select 'n-' || i, 1, now() + make_interval(secs => case when i <= 20 then -60 else 60 + i % 90 end), 90 from generate_series(1, 100000) i`);
    await pool.query('vacuum analyze node_leases, node_registrations');
    const session = await pool.connect();
    const scans = async () => {
      // What a session has done is counted at the end of the statement that asks for it.
      await session.query('select pg_stat_force_next_flush()');
      return (await session.query<{ relname: string; seq_scan: number }>("select relname, seq_scan from pg_stat_user_tables where relname in ('node_leases', 'node_registrations')")).rows;
    };
    const before = await scans();
    const times: number[] = [];
    for (let i = 0; i < 20; i++) {
      const start = performance.now();
      expect((await findSuspects(session, { topic: TOPIC, ...liveness, limit: 100, after: null })).suspects).toHaveLength(20);
      times.push(performance.now() - start);
    }
    expect(times.sort((a, b) => a - b)[10]).toBeLessThan(50);
    expect(await scans()).toEqual(before);
    session.release();
  });
});

describe('the record of a node that lasts', () => {
  test('says so to a fresh run, with what it needs to go on; that of an ended one, or one without its lease, does not', async () => {
    await node('lasting');
    expect(await readRecord(pool, 'lasting')).toMatchObject({ attempt: 1, state: 'ACTIVE', lasting: { reducer_status: 'complete', ack_deadline: null, liveness_deadline: null } });
    await node('claimed', { expired: -60 });
    expect((await readRecord(pool, 'claimed'))?.lasting).not.toBeNull();
    await node('anew', { attempt: 2, leaseAttempt: 1 });
    expect((await readRecord(pool, 'anew'))?.lasting).toBeNull();
    await node('ended', { ended: -1 });
    expect((await readRecord(pool, 'ended'))?.lasting).toBeNull();
    await record('registering');
    expect((await readRecord(pool, 'registering'))?.lasting).toBeNull();
  });
});

describe('what ended long ago', () => {
  const nodes = async (table: 'node_registrations' | 'node_leases') =>
    (await pool.query<{ node_id: string }>(`select node_id from ${table} order by node_id`)).rows.map(({ node_id }) => node_id);

  test('is forgotten, with the leases that are left of it; whoever lasts stays, however old', async () => {
    await record('ended-long-ago', { ended: -1_001 });
    await record('ended-lately', { ended: -999 });
    await node('still-active', { deadline: -5_000 });
    await node('claimed-and-never-ended', { deadline: -5_000, expired: -4_000 });
    await lease('left-behind', { deadline: -1_001 });
    await lease('left-lately', { deadline: -999 });
    await node('ended-with-a-lease', { ended: -999, deadline: -1_001, expired: -1_000 });
    expect(await purgeEnded(pool, { ended_seconds: 1_000, limit: 100 })).toEqual({ records: 1, leases: 2 });
    expect(await nodes('node_registrations')).toEqual(['claimed-and-never-ended', 'ended-lately', 'ended-with-a-lease', 'still-active']);
    expect(await nodes('node_leases')).toEqual(['claimed-and-never-ended', 'left-lately', 'still-active']);
  });

  test('is deleted a bounded number at a time, the oldest first', async () => {
    for (let i = 0; i < 25; i++) await record(`n-${10 + i}`, { ended: -10_000 + i });
    expect(await purgeEnded(pool, { ended_seconds: 100, limit: 10 })).toEqual({ records: 10, leases: 0 });
    expect((await nodes('node_registrations'))[0]).toBe('n-20');
    expect(await purgeEnded(pool, { ended_seconds: 100, limit: 10 })).toMatchObject({ records: 10 });
    expect(await purgeEnded(pool, { ended_seconds: 100, limit: 10 })).toMatchObject({ records: 5 });
    expect(await purgeEnded(pool, { ended_seconds: 100, limit: 10 })).toMatchObject({ records: 0 });
  });

  test('makes nobody wait who comes back at this moment, and does not forget them', async () => {
    await record('comes-back', { ended: -1_000 });
    const other = await pool.connect();
    await other.query('begin');
    await other.query("update node_registrations set ended_at = null, attempt = 2 where node_id = 'comes-back'");
    expect(await purgeEnded(pool, { ended_seconds: 100, limit: 10 })).toMatchObject({ records: 0 });
    await other.query('commit');
    other.release();
    expect((await readRecord(pool, 'comes-back'))?.attempt).toBe(2);
  });
});

describe('of several bridges', () => {
  const pid = async (session: PoolClient) => (await session.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]?.pid;

  test('one sweeps, and keeps to it; another follows when it resigns or its session dies', async () => {
    const [one, two] = [new SweepLeadership(pool, TOPIC), new SweepLeadership(pool, TOPIC)];
    const session = await one.session();
    expect(session).not.toBeNull();
    expect(await two.session()).toBeNull();
    expect(await one.session()).toBe(session);

    one.resign();
    const next = await eventually<PoolClient>('the second leads', 5, () => two.session());
    expect(await one.session()).toBeNull();

    await admin.query('select pg_terminate_backend($1)', [await pid(next)]);
    await eventually('the first leads again', 5, () => one.session());
    expect(await two.session()).toBeNull();
    one.resign();
  });

  test('that sweep different installations, each has its own', async () => {
    const [one, two] = [new SweepLeadership(pool, 'dev.heartbeats'), new SweepLeadership(pool, 'prod.heartbeats')];
    expect(await one.session()).not.toBeNull();
    expect(await two.session()).not.toBeNull();
    one.resign();
    two.resign();
  });
});
