import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  updateSelfPreservation,
  readSelfPreservation,
  releaseSelfPreservation,
  type SelfPreservationQuestion,
  type SelfPreservationState,
} from '../../src/registry/leases/self-preservation.js';
import { SelfPreservationLog } from '../../src/registry/leases/self-preservation-words.js';
import { expireLease, type LeaseVerdict } from '../../src/registry/leases/expire-lease.js';
import { renewLeases, type Renewed } from '../../src/registry/leases/renew-leases.js';
import { inTransaction } from '../../src/registry/pool.js';
import { advanceWatermarks } from '../../src/registry/leases/watermarks.js';
import { eventually } from './installation.js';
import { openDatabase } from './registry/database.js';

/** The statements of self-preservation on a real PostgreSQL; nothing else runs, and the tests set the stream's time. */

const LEASE_DURATION = 90;
const GRACE = 15;
const RULE = { share: 0.45, floor: 5, max_hold_windows: 10 };

let pool: Pool;
let topic: string;
let about: SelfPreservationQuestion;
/** Where the stream stands, in milliseconds. */
let time: number;

let drop: () => Promise<void>;
beforeAll(async () => ({ pool, drop } = await openDatabase('self_preservation')));
afterAll(() => drop());

beforeEach(async () => {
  await pool.query('truncate node_leases, lease_expiries');
  topic = `heartbeats-${randomUUID()}`;
  about = { topics: [topic], window_seconds: LEASE_DURATION, grace_seconds: GRACE, rule: RULE };
  time = Date.parse('2026-01-31T12:00:00.000Z');
  await stored();
  // No stall is behind this stream, whatever other tests have left in the tables.
  await pool.query('update stream_watermarks set resumed_at = null where topic = $1', [topic]);
});

const iso = (at: number): string => new Date(at).toISOString();

function stored(): Promise<void> {
  return advanceWatermarks(
    pool,
    topic,
    [0, 1].map((partition) => ({ partition, next_offset: '1', watermark: iso(time) })),
    { stalledSeconds: 10 },
  );
}

/** The stream goes on, in steps that are no stall. */
async function advance(seconds: number): Promise<void> {
  for (let left = seconds; left > 0; left -= 10) {
    time += Math.min(left, 10) * 1_000;
    await stored();
  }
}

/** The stream is stalled for so long, and then goes on. */
async function outage(seconds: number): Promise<void> {
  time += seconds * 1_000;
  await stored();
}

/** Nodes with an open lease; a negative number of seconds is a deadline that is behind the stream. */
async function nodes(count: number, deadlineIn: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => randomUUID());
  await pool.query(
    'insert into node_leases (node_id, attempt, deadline, window_seconds) select id, 1, $2, $3 from ' +
      'unnest($1::text[]) as id',
    [ids, iso(time + deadlineIn * 1_000), LEASE_DURATION],
  );
  return ids;
}

const alive = (count: number): Promise<string[]> => nodes(count, LEASE_DURATION);
const dead = (count: number): Promise<string[]> => nodes(count, -GRACE - 5);
const beat = (ids: readonly string[]): Promise<Renewed> =>
  renewLeases(
    pool,
    ids.map((node_id) => ({ node_id, at: iso(time) })),
    LEASE_DURATION,
  );

const expire = (node_id: string): Promise<LeaseVerdict> => expireLease(pool, { ...about, node_id, attempt: 1 });
const update = () => updateSelfPreservation(pool, about);

async function expireAll(ids: readonly string[]): Promise<{ readonly expired: number; readonly held: number }> {
  let [expired, held] = [0, 0];
  for (const id of ids) {
    const answer = await expire(id);
    expired += Number(answer.lease_expired);
    held += Number(answer.held);
  }
  return { expired, held };
}

describe('the share', () => {
  test('up to 0.45 is believed: each of the dead expires', async () => {
    await alive(11);
    expect(await expireAll(await dead(9))).toEqual({ expired: 9, held: 0 });
    expect(await update()).toMatchObject({ held_since: null, suspects: 0, expired: 9, active: 11 });
  });

  test('above it nobody expires, and the answer says who is gone', async () => {
    await alive(11);
    const gone = await dead(10);
    expect(await expireAll(gone)).toEqual({ expired: 0, held: 10 });
    const answer = await expire(gone[0] ?? '');
    expect(answer).toMatchObject({ lease_expired: false, held: true, suspects: 10, expired: 0, active: 21 });
    expect(Date.parse(answer.held_since ?? '')).toBeGreaterThan(Date.now() - 30_000);
  });

  test('counts who expired within the last lease duration, and nobody who expired before', async () => {
    await alive(6);
    expect(await expireAll(await dead(4))).toEqual({ expired: 4, held: 0 });
    const [fifth = ''] = await dead(1);
    expect(await expire(fifth)).toMatchObject({ lease_expired: false, held: true, suspects: 1, expired: 4, active: 7 });
    await advance(LEASE_DURATION + 1);
    await beat(
      (
        await pool.query<{ node_id: string }>(
          'select node_id from node_leases where expired_at is null and node_id <> $1',
          [fifth],
        )
      ).rows.map((row) => row.node_id),
    );
    expect(await update()).toMatchObject({ held_since: null, expired: 0, changed_by: 'itself' });
    await advance(LEASE_DURATION);
    expect(await expire(fifth)).toMatchObject({ lease_expired: true });
    await update();
    expect((await pool.query('select from lease_expiries')).rowCount).toBe(1);
  });

  test('holds nothing where nobody is suspected, however many have just expired', async () => {
    await alive(1);
    expect(await expireAll(await dead(3))).toEqual({ expired: 3, held: 0 });
    await alive(1);
    expect(await update()).toMatchObject({ held_since: null, suspects: 0, expired: 3, active: 2 });
  });

  test('does not change by expiring: of many at once none slips through, and none waits for another', async () => {
    await alive(40);
    const gone = await dead(40);
    const answers = await Promise.all(gone.map(expire));
    expect(answers.filter(({ lease_expired }) => lease_expired)).toEqual([]);
    expect(answers.filter(({ held }) => held)).toHaveLength(40);
    await pool.query('truncate node_leases, liveness_brake');
    await alive(60);
    expect((await Promise.all((await dead(40)).map(expire))).filter(({ lease_expired }) => lease_expired)).toHaveLength(
      40,
    );
  });

  test('is not looked at below five nodes', async () => {
    await alive(1);
    expect(await expireAll(await dead(3))).toEqual({ expired: 3, held: 0 });
  });

  test('is looked at from five nodes on, those that expired in the last lease duration among them', async () => {
    await alive(2);
    expect(await expireAll(await dead(3))).toEqual({ expired: 0, held: 3 });
  });

  test('is the contract’s', async () => {
    about = { ...about, rule: { ...RULE, share: 0.6 } };
    await alive(5);
    expect(await expireAll(await dead(5))).toEqual({ expired: 5, held: 0 });
  });
});

describe('a hold', () => {
  let gone: string[];
  let others: string[];
  beforeEach(async () => {
    others = await alive(4);
    gone = await dead(6);
    await expireAll(gone);
    expect((await update()).held_since).not.toBeNull();
  });

  /** The living beat on while the stream goes on. */
  async function advanceWithTheLiving(seconds: number): Promise<void> {
    for (let left = seconds; left > 0; left -= 60) {
      await advance(Math.min(left, 60));
      await beat(others);
    }
  }

  test('holds nobody who expired before it: who asks again gets the same answer', async () => {
    await pool.query('update node_leases set expired_at = now() where node_id = $1', [gone[0]]);
    expect(await expire(gone[0] ?? '')).toMatchObject({ lease_expired: true });
  });

  test('ends by itself when enough of them are back', async () => {
    await beat(gone.slice(0, 1));
    expect((await update()).held_since).not.toBeNull();
    await beat(gone.slice(1, 2));
    expect(await update()).toMatchObject({ held_since: null, changed_by: 'itself', suspects: 4, active: 10 });
    // The others may be on their way back too: they have a lease duration to beat again.
    expect(await expireAll(gone.slice(2))).toEqual({ expired: 0, held: 0 });
    await advanceWithTheLiving(LEASE_DURATION - 1);
    await beat(gone.slice(2, 3));
    expect(await expireAll(gone.slice(3))).toEqual({ expired: 0, held: 0 });
    await advanceWithTheLiving(1);
    expect(await expireAll(gone.slice(2))).toEqual({ expired: 3, held: 0 });
  });

  test('lasts for ten lease durations of a stream that is not stalled, then whoever is still gone expires', async () => {
    await advanceWithTheLiving(10 * LEASE_DURATION - 1);
    expect(await update()).toMatchObject({ held_seconds: 10 * LEASE_DURATION - 1 });
    expect(await expireAll(gone)).toEqual({ expired: 0, held: 6 });
    await advanceWithTheLiving(1);
    expect(await update()).toMatchObject({ held_since: null, changed_by: 'max_hold' });
    expect(await expireAll(gone)).toEqual({ expired: 6, held: 0 });
    expect(await update()).toMatchObject({ held_since: null });
  });

  test('is not run out by an outage', async () => {
    await advanceWithTheLiving(8 * LEASE_DURATION);
    await outage(20 * LEASE_DURATION);
    await beat(others);
    await advanceWithTheLiving(2 * LEASE_DURATION - 1);
    expect(await update()).toMatchObject({ held_seconds: 10 * LEASE_DURATION - 1 });
    await advanceWithTheLiving(1);
    expect(await update()).toMatchObject({ held_since: null, changed_by: 'max_hold' });
  });

  test('that was released does not keep the next mass failure from being held', async () => {
    expect(await releaseSelfPreservation(pool, about, 'ann')).toBe(true);
    expect(await expireAll(gone)).toEqual({ expired: 6, held: 0 });
    others.push(...(await alive(4)));
    await advanceWithTheLiving(LEASE_DURATION + 10);
    // All eight fall silent.
    await advance(LEASE_DURATION + GRACE + 1);
    expect(await expireAll(others)).toEqual({ expired: 0, held: 8 });
  });

  test('is released by an operator for whoever does not beat again, also those that look dead only later', async () => {
    const dying = await nodes(6, -GRACE + 20);
    expect(await releaseSelfPreservation(pool, about, 'ann')).toBe(true);
    expect(await update()).toMatchObject({ held_since: null, changed_by: 'ann' });
    expect(await expireAll(gone)).toEqual({ expired: 6, held: 0 });
    await advanceWithTheLiving(30);
    expect(await expireAll(dying)).toEqual({ expired: 6, held: 0 });
    expect(await releaseSelfPreservation(pool, about, 'ann')).toBe(false);
  });

  test('changes nothing while nobody expires after a stall', async () => {
    await outage(30);
    await beat(gone);
    expect((await update()).held_since).not.toBeNull();
    await advance(LEASE_DURATION + GRACE);
    await beat([...gone, ...others]);
    expect((await update()).held_since).toBeNull();
  });

  test('is only read by those who only look', async () => {
    await beat(gone);
    expect(await readSelfPreservation(pool, about)).toMatchObject({ suspects: 0, active: 10 });
    expect((await readSelfPreservation(pool, about)).held_since).not.toBeNull();
  });

  test('may be updated by many at once: it changes once', async () => {
    await beat(gone);
    let updates: Promise<SelfPreservationState>[] = [];
    await inTransaction(pool, async (sql) => {
      await sql.query('select from liveness_brake where topic = $1 for update', [topic]);
      updates = Array.from({ length: 4 }, update);
      await eventually(
        'all of them wait for the row',
        10,
        async () =>
          (await pool.query("select from pg_stat_activity where wait_event_type = 'Lock'")).rowCount === updates.length,
      );
    });
    const states = await Promise.all(updates);
    expect(
      new Set(states.flatMap(({ held_since, changed_at }) => (held_since === null ? [changed_at] : []))).size,
    ).toBe(1);
    expect((await update()).held_since).toBeNull();
  });
});

describe('after a stall', () => {
  test('nobody is suspected before lease duration and grace have passed, so nothing is held', async () => {
    const fleet = await alive(6);
    await outage(3_600);
    expect(await update()).toMatchObject({ held_since: null, suspects: 6 });
    expect(await expireAll(fleet)).toEqual({ expired: 0, held: 0 });
    await advance(LEASE_DURATION + GRACE);
    expect(await expireAll(fleet)).toEqual({ expired: 0, held: 6 });
  });
});

describe('the log', () => {
  test('says each hold and each end once, however often it is seen', async () => {
    const lines: string[] = [];
    const log = new SelfPreservationLog(
      pino({ level: 'info', base: null, timestamp: false }, { write: (line: string) => void lines.push(line) }),
    );
    const see = async () => log.update(await update(), about);
    await alive(4);
    const gone = await dead(6);
    for (let i = 0; i < 5; i++) await see();
    const early = await readSelfPreservation(pool, about);
    await beat(gone);
    for (let i = 0; i < 5; i++) await see();
    log.update(early, about);
    await see();
    expect(lines.map((line) => JSON.parse(line) as { level: number; msg: string })).toEqual([
      expect.objectContaining({
        level: 50,
        suspects: 6,
        active: 10,
        msg: expect.stringMatching(
          /^self-preservation holds: 6 of 10 nodes .* registrar self-preservation release$/,
        ) as string,
      }),
      expect.objectContaining({
        level: 40,
        by: 'itself',
        msg: expect.stringMatching(
          /^self-preservation has ended by itself: 0 of 10 nodes are gone; it had held since /,
        ) as string,
      }),
    ]);
  });
});
