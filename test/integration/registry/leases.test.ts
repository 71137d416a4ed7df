import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Activities } from '../../../activities/api.js';
import { postgresUpdateRegistration } from '../../../activities/postgres-update-registration.js';
import { postgresUpsertRegistration } from '../../../activities/postgres-upsert-registration.js';
import { readConflicts } from '../../../src/registry/leases/read-conflicts.js';
import { renewLeases } from '../../../src/registry/leases/renew-leases.js';
import {
  advanceWatermarks,
  alignPartitions,
  lowestWatermark,
  type Mark,
} from '../../../src/registry/leases/watermarks.js';
import { inTransaction } from '../../../src/registry/pool.js';
import { readLastAttempt } from '../../../src/registry/rows/read-last-attempt.js';
import { readRegistering } from '../../../src/registry/rows/read-registering.js';
import { readRegistryRow } from '../../../src/registry/rows/read-registry-row.js';
import { openDatabase } from './database.js';
import { readWatermarks } from '../read-watermarks.js';
import { active, apply, ended, leaseOf, run, seconds, upsert } from './requests.js';

type Effect = Activities['postgres.update_registration'];

let pool: Pool;
let drop: () => Promise<void>;
beforeAll(async () => ({ pool, drop } = await openDatabase('leases')));
afterAll(() => drop());

describe('a lease', () => {
  const set = (): Effect => postgresUpdateRegistration(pool);

  test('opens with the row that says ACTIVE, and closes with its end', async () => {
    const id = randomUUID();
    const deadline = seconds(30);
    await run(set(), active(id, 1, deadline));
    expect(await leaseOf(pool, id)).toMatchObject({ attempt: 1, deadline, expired_at: null });
    expect(await readRegistryRow(pool, id)).toMatchObject({ state: 'ACTIVE', lease_deadline: deadline });
    await run(set(), ended(id, 1));
    expect(await leaseOf(pool, id)).toBeUndefined();
  });

  test('never goes backwards: neither by an old heartbeat nor by being opened again', async () => {
    const id = randomUUID();
    const beat = seconds(-5);
    await run(set(), active(id, 1, seconds(30)));
    expect(await renewLeases(pool, [{ node_id: id, at: beat }], 90)).toEqual({ withoutLease: [], others: [] });
    const renewed = await leaseOf(pool, id);
    expect(renewed?.deadline).toBe(new Date(Date.parse(beat) + 90_000).toISOString());
    await renewLeases(pool, [{ node_id: id, at: seconds(-20) }], 90);
    expect(await leaseOf(pool, id)).toEqual(renewed);
    await apply(set(), active(id, 1, seconds(30)));
    expect(await leaseOf(pool, id)).toEqual(renewed);
  });

  test('is renewed by its own process and by unknown ones; another one is written down, with its times', async () => {
    const id = randomUUID();
    const beat = (instance_id: string | undefined, at: string) => ({
      node_id: id,
      at,
      ...(instance_id === undefined ? {} : { instance_id }),
    });
    await run(set(), { ...active(id, 1, seconds(30)), instance_id: 'p-2' });
    const opened = await leaseOf(pool, id);
    const other = { node_id: id, instance_id: 'p-1', registered: 'p-2' };
    const first = seconds(-200);
    expect(await renewLeases(pool, [beat('p-1', first)], 90)).toEqual({
      withoutLease: [],
      others: [{ ...other, begins: true }],
    });
    expect(await leaseOf(pool, id)).toEqual(opened);
    const second = seconds(-30);
    const mine = seconds(-20);
    expect((await renewLeases(pool, [beat('p-1', second), beat('p-2', mine)], 90)).others).toEqual([
      { ...other, begins: false },
    ]);
    expect(await leaseOf(pool, id)).toMatchObject({ last_heartbeat_at: mine });
    expect((await renewLeases(pool, [beat('p-1', second)], 10)).others).toEqual([{ ...other, begins: false }]);
    expect(await readConflicts(pool, id, 90)).toEqual([
      { instance_id: 'p-1', registered: 'p-2', since: first, last_seen: second, lasts: true },
    ]);
    expect(await readConflicts(pool, id, 10)).toMatchObject([{ lasts: false }]);
    const again = seconds(0);
    expect((await renewLeases(pool, [beat('p-1', again)], 10)).others).toEqual([{ ...other, begins: true }]);
    expect(await readConflicts(pool, id, 90)).toMatchObject([{ since: again, last_seen: again }]);

    const unknown = seconds(0);
    await renewLeases(pool, [beat(undefined, unknown)], 90);
    expect(await leaseOf(pool, id)).toMatchObject({ last_heartbeat_at: unknown });
    expect((await readLastAttempt(pool, id))?.instance_id).toBe('p-2');
    await run(set(), { ...active(id, 2, seconds(30)), instance_id: 'p-1' });
    expect((await renewLeases(pool, [beat('p-1', seconds(0))], 90)).others).toEqual([]);
    expect(await readConflicts(pool, id, 90)).toEqual([]);
  });

  test('of a new attempt starts with its own deadline, whatever the old one had', async () => {
    const id = randomUUID();
    await run(set(), active(id, 1, seconds(900)));
    const deadline = seconds(30);
    await run(set(), active(id, 2, deadline));
    expect(await leaseOf(pool, id)).toMatchObject({ attempt: 2, deadline, last_heartbeat_at: null });
  });

  test('opens with the first deadline still to come, however long the registrar was away since the ack', async () => {
    const id = randomUUID();
    const before = Date.now();
    await run(set(), active(id, 1, seconds(-18), { first_deadline_seconds: 30 }));
    const deadline = Date.parse((await leaseOf(pool, id))?.deadline ?? '');
    expect(deadline).toBeGreaterThanOrEqual(before + 30_000);
    expect(deadline).toBeLessThanOrEqual(Date.now() + 30_000);
  });

  test('gets the duration of the contract that holds now with each heartbeat', async () => {
    const [id, beat] = [randomUUID(), seconds(-1)];
    await run(set(), active(id, 1, seconds(10)));
    for (const duration of [120, 45]) {
      await renewLeases(pool, [{ node_id: id, at: beat }], duration);
      const { rows } = await pool.query('select window_seconds from node_leases where node_id = $1', [id]);
      expect(rows).toEqual([{ window_seconds: duration }]);
    }
    expect((await leaseOf(pool, id))?.deadline).toBe(new Date(Date.parse(beat) + 120_000).toISOString());
  });

  test('is renewed from the time of the database, at most: no clock of another machine makes a node live longer', async () => {
    const [ahead, unknown] = [randomUUID(), randomUUID()];
    await Promise.all([ahead, unknown].map((id) => run(set(), active(id, 1, seconds(-60)))));
    const before = Date.now();
    const beats = [
      { node_id: ahead, at: seconds(86_400) },
      { node_id: unknown, at: null },
    ];
    expect(await renewLeases(pool, beats, 90)).toEqual({ withoutLease: [], others: [] });
    for (const id of [ahead, unknown]) {
      const { deadline = '', last_heartbeat_at } = (await leaseOf(pool, id)) ?? {};
      expect(Date.parse(last_heartbeat_at ?? '')).toBeGreaterThanOrEqual(before);
      expect(Date.parse(deadline)).toBeGreaterThanOrEqual(before + 90_000);
      expect(Date.parse(deadline)).toBeLessThanOrEqual(Date.now() + 90_000);
    }
  });

  test('held by a higher attempt, with the row lost, fences the writer', async () => {
    const id = randomUUID();
    await run(set(), active(id, 7, seconds(30)));
    await pool.query('delete from node_registrations where node_id = $1', [id]);
    expect(await run(set(), active(id, 1, seconds(30)))).toEqual({ done: false, fenced_by: 7 });
    await run(set(), ended(id, 1));
    expect((await leaseOf(pool, id))?.attempt).toBe(7);
  });

  test('is renewed by the newest heartbeat of a batch, and nodes without an open lease are named', async () => {
    const [open, expired, stranger] = [randomUUID(), randomUUID(), randomUUID()];
    await run(set(), active(open, 1, seconds(30)));
    await run(set(), active(expired, 1, seconds(30)));
    await pool.query('update node_leases set expired_at = now() where node_id = $1', [expired]);
    const newest = seconds(0);
    const beats = [
      { node_id: open, at: seconds(-9) },
      { node_id: open, at: newest },
      { node_id: expired, at: newest },
      { node_id: stranger, at: newest },
    ];
    expect([...(await renewLeases(pool, beats, 90)).withoutLease].sort()).toEqual([expired, stranger].sort());
    expect((await leaseOf(pool, open))?.deadline).toBe(new Date(Date.parse(newest) + 90_000).toISOString());
  });

  test('is not missed in a node that is being registered, nor when it was opened between the two looks', async () => {
    const [registering, opened, expired, ended_, stranger] = [
      randomUUID(),
      randomUUID(),
      randomUUID(),
      randomUUID(),
      randomUUID(),
    ];
    await run(postgresUpsertRegistration(pool), upsert(registering, 1));
    await Promise.all([opened, expired, ended_].map((id) => run(set(), active(id, 1, seconds(30)))));
    await pool.query('update node_leases set expired_at = now() where node_id = $1', [expired]);
    await run(set(), ended(ended_, 1));
    expect((await readRegistering(pool, [registering, opened, expired, ended_, stranger])).sort()).toEqual(
      [registering, opened].sort(),
    );
  });

  test('two bridges with beats of the same nodes do not lock each other out', async () => {
    const ids = Array.from({ length: 200 }, () => randomUUID());
    await Promise.all(ids.map((id) => run(set(), active(id, 1, seconds(30)))));
    const beats = ids.map((node_id) => ({ node_id, at: seconds(-1) }));
    const rounds = Array.from({ length: 40 }, (_, i) =>
      inTransaction(pool, (client) => renewLeases(client, i % 2 === 0 ? beats : [...beats].reverse(), 90)),
    );
    expect((await Promise.all(rounds)).flatMap(({ withoutLease }) => withoutLease)).toEqual([]);
  });
});

describe('a watermark', () => {
  test('never goes backwards, and notes from where a stalled stream went on', async () => {
    const topic = `heartbeats-${randomUUID()}`;
    const advance = (next_offset: string, watermark: string): Promise<void> =>
      advanceWatermarks(pool, topic, [{ partition: 0, next_offset, watermark }], { stalledSeconds: 30 });
    await advance('10', '2026-01-01T00:00:00.000Z');
    const first = (await readWatermarks(pool, topic))[0]?.resumed_at;
    await advance('20', '2026-01-01T00:00:20.000Z');
    await advance('15', '2026-01-01T00:00:10.000Z');
    expect(await readWatermarks(pool, topic)).toEqual([
      { partition: 0, next_offset: '20', watermark: '2026-01-01T00:00:20.000Z', resumed_at: first },
    ]);
    await advance('30', '2026-01-01T00:05:00.000Z');
    expect((await readWatermarks(pool, topic))[0]?.resumed_at).toBe('2026-01-01T00:05:00.000Z');
    await advance('40', '2026-01-01T00:05:10.000Z');
    expect((await readWatermarks(pool, topic))[0]?.resumed_at).toBe('2026-01-01T00:05:00.000Z');
  });

  const STALL = { stalledSeconds: 30 };
  const row = async (topic: string) => (await readWatermarks(pool, topic))[0] ?? expect.fail('no watermark');
  const stored = (topic: string, watermark: Mark['watermark']) =>
    advanceWatermarks(pool, topic, [{ partition: 0, next_offset: '1', watermark }], STALL);

  test('is never ahead of the database’s clock: a bridge that was a day ahead once does no lasting harm', async () => {
    const topic = `heartbeats-${randomUUID()}`;
    const before = Date.now();
    await stored(topic, seconds(86_400));
    const { watermark } = await row(topic);
    expect(Date.parse(watermark)).toBeGreaterThanOrEqual(before);
    expect(Date.parse(watermark)).toBeLessThanOrEqual(Date.now());
    // As an older version, or a clock that has been set back, leaves it.
    await pool.query(
      "update stream_watermarks set watermark = now() + interval '1 day', resumed_at = now() + interval '1 day' where topic = $1",
      [topic],
    );
    expect(await lowestWatermark(pool, [topic])).toBeNull();
    const now = seconds(-1);
    await stored(topic, now);
    expect(await lowestWatermark(pool, [topic])).toBe(now);
    expect((await row(topic)).resumed_at).toBe(now);
  });

  test('can be given as seconds ago, by no other machine’s clock than the database’s', async () => {
    const topic = `heartbeats-${randomUUID()}`;
    const before = Date.now();
    await stored(topic, { seconds_ago: 5 });
    const watermark = Date.parse((await row(topic)).watermark);
    expect(watermark).toBeGreaterThanOrEqual(before - 5_000);
    expect(watermark).toBeLessThanOrEqual(Date.now() - 5_000);
  });

  test('is kept of the partitions that the broker names, and of all of them: the others’ rows go', async () => {
    const topic = `heartbeats-${randomUUID()}`;
    const marks = [0, 1, 2].map((partition) => ({ partition, next_offset: '7', watermark: seconds(-300) }));
    await advanceWatermarks(pool, topic, marks, STALL);
    await stored(topic, seconds(-1));
    await advanceWatermarks(pool, topic, [{ partition: 1, next_offset: '8', watermark: seconds(-1) }], STALL);
    await alignPartitions(pool, topic, [0, 1]);
    expect((await readWatermarks(pool, topic)).map(({ partition, next_offset }) => [partition, next_offset])).toEqual([
      [0, '7'],
      [1, '8'],
    ]);
    expect(Date.parse((await lowestWatermark(pool, [topic])) ?? '')).toBeGreaterThan(Date.now() - 10_000);
    // One that nobody has read yet holds the topic back.
    await alignPartitions(pool, topic, [0, 1, 2]);
    expect(await lowestWatermark(pool, [topic])).toBe('1970-01-01T00:00:00.000Z');
  });

  test('of a partition that is read for the first time was stalled only if a node could have beaten into it', async () => {
    await pool.query('truncate node_leases');
    const topic = `heartbeats-${randomUUID()}`;
    await alignPartitions(pool, topic, [0]);
    await stored(topic, seconds(-2));
    expect((await row(topic)).resumed_at).toBeNull();
    const later = `heartbeats-${randomUUID()}`;
    await run(postgresUpdateRegistration(pool), active(randomUUID(), 1, seconds(30)));
    await alignPartitions(pool, later, [0]);
    const first = seconds(-2);
    await stored(later, first);
    expect((await row(later)).resumed_at).toBe(first);
  });
});
