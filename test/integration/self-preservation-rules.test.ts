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

const WINDOW = 90;
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
  about = { topics: [topic], window_seconds: WINDOW, grace_seconds: GRACE, rule: RULE };
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

/** The stream moves on, in steps that are no stall. */
async function moves(seconds: number): Promise<void> {
  for (let left = seconds; left > 0; left -= 10) {
    time += Math.min(left, 10) * 1_000;
    await stored();
  }
}

/** The stream stands still for so long, and then moves. */
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
    [ids, iso(time + deadlineIn * 1_000), WINDOW],
  );
  return ids;
}

const alive = (count: number): Promise<string[]> => nodes(count, WINDOW);
const dead = (count: number): Promise<string[]> => nodes(count, -GRACE - 5);
const beat = (ids: readonly string[]): Promise<Renewed> =>
  renewLeases(
    pool,
    ids.map((node_id) => ({ node_id, at: iso(time) })),
    WINDOW,
  );

const claim = (node_id: string): Promise<LeaseVerdict> => expireLease(pool, { ...about, node_id, attempt: 1 });
const update = () => updateSelfPreservation(pool, about);

async function claims(ids: readonly string[]): Promise<{ readonly claimed: number; readonly held: number }> {
  let [claimed, held] = [0, 0];
  for (const id of ids) {
    const answer = await claim(id);
    claimed += Number(answer.lease_expired);
    held += Number(answer.held);
  }
  return { claimed, held };
}

describe('the share', () => {
  test('up to 0.45 is believed: each of the dead is claimed', async () => {
    await alive(11);
    expect(await claims(await dead(9))).toEqual({ claimed: 9, held: 0 });
    expect(await update()).toMatchObject({ held_since: null, suspects: 0, expired: 9, active: 11 });
  });

  test('above it nobody is claimed, and it is said who is gone', async () => {
    await alive(11);
    const gone = await dead(10);
    expect(await claims(gone)).toEqual({ claimed: 0, held: 10 });
    const answer = await claim(gone[0] ?? '');
    expect(answer).toMatchObject({ lease_expired: false, held: true, suspects: 10, expired: 0, active: 21 });
    expect(Date.parse(answer.held_since ?? '')).toBeGreaterThan(Date.now() - 30_000);
  });

  test('counts who expired within the last window, and nobody who expired before', async () => {
    await alive(6);
    expect(await claims(await dead(4))).toEqual({ claimed: 4, held: 0 });
    const [fifth = ''] = await dead(1);
    expect(await claim(fifth)).toMatchObject({ lease_expired: false, held: true, suspects: 1, expired: 4, active: 7 });
    await moves(WINDOW + 1);
    await beat(
      (
        await pool.query<{ node_id: string }>(
          'select node_id from node_leases where expired_at is null and node_id <> $1',
          [fifth],
        )
      ).rows.map((row) => row.node_id),
    );
    expect(await update()).toMatchObject({ held_since: null, expired: 0, changed_by: 'itself' });
    await moves(WINDOW);
    expect(await claim(fifth)).toMatchObject({ lease_expired: true });
    await update();
    expect((await pool.query('select from lease_expiries')).rowCount).toBe(1);
  });

  test('holds nothing where nobody is suspected, however many have just expired', async () => {
    await alive(1);
    expect(await claims(await dead(3))).toEqual({ claimed: 3, held: 0 });
    await alive(1);
    expect(await update()).toMatchObject({ held_since: null, suspects: 0, expired: 3, active: 2 });
  });

  test('does not change by claiming: of many claims at once none slips through, and none waits for another', async () => {
    await alive(40);
    const gone = await dead(40);
    const answers = await Promise.all(gone.map(claim));
    expect(answers.filter(({ lease_expired }) => lease_expired)).toEqual([]);
    expect(answers.filter(({ held }) => held)).toHaveLength(40);
    await pool.query('truncate node_leases, liveness_brake');
    await alive(60);
    expect((await Promise.all((await dead(40)).map(claim))).filter(({ lease_expired }) => lease_expired)).toHaveLength(
      40,
    );
  });

  test('is not looked at below five nodes', async () => {
    await alive(1);
    expect(await claims(await dead(3))).toEqual({ claimed: 3, held: 0 });
  });

  test('is looked at from five nodes on, those that expired in the last window among them', async () => {
    await alive(2);
    expect(await claims(await dead(3))).toEqual({ claimed: 0, held: 3 });
  });

  test('is the contract’s', async () => {
    about = { ...about, rule: { ...RULE, share: 0.6 } };
    await alive(5);
    expect(await claims(await dead(5))).toEqual({ claimed: 5, held: 0 });
  });
});

describe('a hold', () => {
  let gone: string[];
  let others: string[];
  beforeEach(async () => {
    others = await alive(4);
    gone = await dead(6);
    await claims(gone);
    expect((await update()).held_since).not.toBeNull();
  });

  /** The living beat on while the stream moves. */
  async function movesWithTheLiving(seconds: number): Promise<void> {
    for (let left = seconds; left > 0; left -= 60) {
      await moves(Math.min(left, 60));
      await beat(others);
    }
  }

  test('holds nobody who was claimed before it: a repeated claim gets the same answer', async () => {
    await pool.query('update node_leases set expired_at = now() where node_id = $1', [gone[0]]);
    expect(await claim(gone[0] ?? '')).toMatchObject({ lease_expired: true });
  });

  test('opens by itself when enough of them are back', async () => {
    await beat(gone.slice(0, 1));
    expect((await update()).held_since).not.toBeNull();
    await beat(gone.slice(1, 2));
    expect(await update()).toMatchObject({ held_since: null, changed_by: 'itself', suspects: 4, active: 10 });
    // The others may be on their way back too: they have a window to beat again.
    expect(await claims(gone.slice(2))).toEqual({ claimed: 0, held: 0 });
    await movesWithTheLiving(WINDOW - 1);
    await beat(gone.slice(2, 3));
    expect(await claims(gone.slice(3))).toEqual({ claimed: 0, held: 0 });
    await movesWithTheLiving(1);
    expect(await claims(gone.slice(2))).toEqual({ claimed: 3, held: 0 });
  });

  test('lasts for ten windows of the moving stream, then whoever is still gone expires', async () => {
    await movesWithTheLiving(10 * WINDOW - 1);
    expect(await update()).toMatchObject({ held_seconds: 10 * WINDOW - 1 });
    expect(await claims(gone)).toEqual({ claimed: 0, held: 6 });
    await movesWithTheLiving(1);
    expect(await update()).toMatchObject({ held_since: null, changed_by: 'max_hold' });
    expect(await claims(gone)).toEqual({ claimed: 6, held: 0 });
    expect(await update()).toMatchObject({ held_since: null });
  });

  test('is not run out by an outage', async () => {
    await movesWithTheLiving(8 * WINDOW);
    await outage(20 * WINDOW);
    await beat(others);
    await movesWithTheLiving(2 * WINDOW - 1);
    expect(await update()).toMatchObject({ held_seconds: 10 * WINDOW - 1 });
    await movesWithTheLiving(1);
    expect(await update()).toMatchObject({ held_since: null, changed_by: 'max_hold' });
  });

  test('that was released does not keep the next mass failure from being held', async () => {
    expect(await releaseSelfPreservation(pool, about, 'ann')).toBe(true);
    expect(await claims(gone)).toEqual({ claimed: 6, held: 0 });
    others.push(...(await alive(4)));
    await movesWithTheLiving(WINDOW + 10);
    // All eight fall silent.
    await moves(WINDOW + GRACE + 1);
    expect(await claims(others)).toEqual({ claimed: 0, held: 8 });
  });

  test('is released by an operator for whoever does not beat again, also those that look dead only later', async () => {
    const dying = await nodes(6, -GRACE + 20);
    expect(await releaseSelfPreservation(pool, about, 'ann')).toBe(true);
    expect(await update()).toMatchObject({ held_since: null, changed_by: 'ann' });
    expect(await claims(gone)).toEqual({ claimed: 6, held: 0 });
    await movesWithTheLiving(30);
    expect(await claims(dying)).toEqual({ claimed: 6, held: 0 });
    expect(await releaseSelfPreservation(pool, about, 'ann')).toBe(false);
  });

  test('changes nothing while nobody expires after a stall', async () => {
    await outage(30);
    await beat(gone);
    expect((await update()).held_since).not.toBeNull();
    await moves(WINDOW + GRACE);
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
  test('nobody is suspected before window and grace have passed, so nothing is held', async () => {
    const fleet = await alive(6);
    await outage(3_600);
    expect(await update()).toMatchObject({ held_since: null, suspects: 6 });
    expect(await claims(fleet)).toEqual({ claimed: 0, held: 0 });
    await moves(WINDOW + GRACE);
    expect(await claims(fleet)).toEqual({ claimed: 0, held: 6 });
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
