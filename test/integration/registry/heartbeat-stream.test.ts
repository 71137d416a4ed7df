import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type { Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { expireLease } from '../../../src/registry/leases/expire-lease.js';
import type { HeartbeatTopics } from '../../../src/registry/leases/heartbeat-stream.js';
import { findSuspects } from '../../../src/registry/leases/find-suspects.js';
import {
  readSelfPreservation,
  updateSelfPreservation,
  type SelfPreservationQuestion,
} from '../../../src/registry/leases/self-preservation.js';
import { lowestWatermark } from '../../../src/registry/leases/watermarks.js';
import { assertProperty } from '../../run/properties.js';
import { openDatabase, type Database } from './database.js';

const LEASE = 90;
const GRACE = 15;

let database: Database;
let pool: Pool;
beforeAll(async () => {
  database = await openDatabase('stream');
  pool = database.pool;
});
afterAll(() => database.drop());
beforeEach(() =>
  pool.query(
    'delete from node_leases; delete from node_registrations; delete from lease_expiries; delete from liveness_brake',
  ),
);

/** Times are seconds before now; null: none. */
interface Stream {
  /** Watermarks of the partitions, by topic. */
  readonly marks: readonly (readonly number[])[];
  readonly resumed: number | null;
  /** Self-preservation has ended by itself: leases expire again from this watermark on. */
  readonly ended: number | null;
  /** Self-preservation holds. */
  readonly held?: boolean;
  /** Leases with an earlier deadline were released. */
  readonly released?: number | null;
}

async function store({ marks, resumed, ended, held = false, released = null }: Stream): Promise<HeartbeatTopics> {
  const topics = marks.map(() => `heartbeats-${randomUUID()}`);
  for (const [index, topic] of topics.entries())
    await pool.query(
      `insert into stream_watermarks (topic, partition, next_offset, watermark, resumed_at)
       select $1, mark.index, 1, now() - make_interval(secs => mark.ago), now() - make_interval(secs => $3)
       from unnest($2::float8[]) with ordinality as mark(ago, index)`,
      [topic, marks[index], resumed],
    );
  const [first = '', ...others] = topics;
  if (ended !== null || held || released !== null)
    await pool.query(
      `insert into liveness_brake (topic, changed_by, judged_from, held_since, held_moved_seconds, released_before)
       values ($1, 'itself', now() - make_interval(secs => $2), case when $3 then now() end, case when $3 then 0 end,
         now() - make_interval(secs => $4))`,
      [first, ended, held, released],
    );
  return [first, ...others];
}

async function active(deadline: number): Promise<string> {
  const id = randomUUID();
  await pool.query(
    `insert into node_registrations (node_id, node_type, node_version, state, reducer_status, attempt, correlation_id, introspected_at, contract_version)
     values ($1, 'effect', '1.0.0', 'ACTIVE', 'complete', 1, 'c-1', now(), '1')`,
    [id],
  );
  await pool.query(
    `insert into node_leases (node_id, attempt, deadline, window_seconds) values ($1, 1, now() - make_interval(secs => $2), $3)`,
    [id, deadline, LEASE],
  );
  return id;
}

// Whole odd and even seconds: the statements run a moment one after another, and nothing lies on a boundary.
const odd = (max: number) => fc.integer({ min: 0, max: max / 2 }).map((half) => 2 * half + 1);
const ago = (max: number) =>
  fc.option(
    odd(max).map((seconds) => seconds - 0.5),
    { nil: null },
  );
const partitions = fc.oneof(
  { weight: 9, arbitrary: fc.array(odd(40), { minLength: 1, maxLength: 3 }) },
  { weight: 1, arbitrary: fc.constant([]) },
);
const streams = fc.record({
  marks: fc.array(partitions, { minLength: 1, maxLength: 2 }),
  resumed: ago(400),
  ended: ago(60),
  held: fc.boolean(),
  released: ago(200),
});
const deadlines = fc.integer({ min: -20, max: 80 }).map((seconds) => 2 * seconds + 0.25);

it('the sweep, the expiry of a lease and self-preservation all see the same stream', async () => {
  let [over, kept] = [0, 0];
  const property = fc.asyncProperty(streams, deadlines, async (stream, deadline) => {
    await pool.query(
      'delete from node_leases; delete from node_registrations; delete from lease_expiries; delete from liveness_brake',
    );
    const topics = await store(stream);
    const id = await active(deadline);
    // With a floor of one, the only node that is gone is the whole fleet. With a floor of two nothing is held.
    const question = (floor: number): SelfPreservationQuestion => ({
      topics,
      window_seconds: LEASE,
      grace_seconds: GRACE,
      rule: { share: 0.45, floor, max_hold_windows: 10 },
    });
    const lowest = stream.marks.some((partitions) => partitions.length === 0) ? null : Math.max(...stream.marks.flat());
    const from = Math.min(
      stream.resumed === null ? Infinity : stream.resumed - LEASE - GRACE,
      stream.ended ?? Infinity,
    );
    const isOver = lowest !== null && deadline - GRACE > lowest;
    const mayExpire = lowest !== null && lowest <= from;
    const isReleased = stream.released !== null && deadline > stream.released;
    const expires = isOver && mayExpire && (isReleased || !stream.held);

    expect((await lowestWatermark(pool, topics)) === null).toBe(lowest === null);
    expect((await readSelfPreservation(pool, question(1))).suspects).toBe(Number(isOver && !isReleased));
    const page = await findSuspects(pool, {
      topics,
      window_seconds: LEASE,
      grace_seconds: GRACE,
      limit: 10,
      after: null,
    });
    expect(page.suspects.map(({ node_id }) => node_id)).toEqual(expires ? [id] : []);
    const verdict = await expireLease(pool, { ...question(2), node_id: id, attempt: 1 });
    expect(verdict).toMatchObject({ lease_expired: expires, held: isOver && mayExpire && !expires });
    if (lowest !== null) expect(verdict.expires_from === null).toBe(mayExpire);
    if (verdict.lease_expired) await pool.query('update node_leases set expired_at = null');
    if (!stream.held)
      expect((await updateSelfPreservation(pool, question(1))).held_since !== null).toBe(
        isOver && mayExpire && !isReleased,
      );
    if (expires) over += 1;
    else kept += 1;
  });
  await assertProperty(property, { numRuns: 50 });
  // Both were met: leases that expire, and leases that do not.
  expect(Math.min(over, kept)).toBeGreaterThan(0);
});

it('nobody is woken while self-preservation, ended by itself, still gives a lease duration to those who come back', async () => {
  const topics = await store({ marks: [[1]], resumed: null, ended: -60 });
  const id = await active(120);
  const search = { topics, window_seconds: LEASE, grace_seconds: GRACE, limit: 10, after: null };
  expect((await findSuspects(pool, search)).suspects).toEqual([]);
  await pool.query(`update liveness_brake set judged_from = now() - interval '2 s' where topic = any($1)`, [topics]);
  expect((await findSuspects(pool, search)).suspects.map(({ node_id }) => node_id)).toEqual([id]);
});

it('while self-preservation holds, nobody of 150,000 who are silent is a suspect, but whoever was released; afterwards all are', async () => {
  const topics = await store({ marks: [[1]], resumed: null, ended: null, held: true, released: 600 });
  await database.fill(
    `insert into node_leases (node_id, attempt, deadline, window_seconds)
     select 'n-' || i, 1, now() - make_interval(secs => 120), 90 from generate_series(1, 150000) as i`,
  );
  const id = await active(700);
  const search = { topics, window_seconds: LEASE, grace_seconds: GRACE, limit: 500, after: null };
  const page = await findSuspects(pool, search);
  expect([page.suspects.map(({ node_id }) => node_id), page.next]).toEqual([[id], null]);
  await pool.query('update liveness_brake set held_since = null where topic = any($1)', [topics]);
  expect((await findSuspects(pool, search)).next).not.toBeNull();
});
