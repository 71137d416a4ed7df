import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Activities } from '../../../activities/api.js';
import { postgresUpdateRegistration } from '../../../activities/postgres-update-registration.js';
import { postgresUpsertRegistration } from '../../../activities/postgres-upsert-registration.js';
import { renewLeases } from '../../../src/registry/leases/renew-leases.js';
import { advanceWatermarks, readWatermarks } from '../../../src/registry/leases/watermarks.js';
import { inTransaction } from '../../../src/registry/pool.js';
import { readRegistering } from '../../../src/registry/rows/read-registering.js';
import { readRegistryRow } from '../../../src/registry/rows/read-registry-row.js';
import { openDatabase } from './database.js';
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
    const beat = seconds(5);
    await run(set(), active(id, 1, seconds(30)));
    expect(await renewLeases(pool, [{ node_id: id, at: beat }])).toEqual([]);
    const renewed = await leaseOf(pool, id);
    expect(renewed?.deadline).toBe(new Date(Date.parse(beat) + 90_000).toISOString());
    await renewLeases(pool, [{ node_id: id, at: seconds(-20) }]);
    expect(await leaseOf(pool, id)).toEqual(renewed);
    await apply(set(), active(id, 1, seconds(30)));
    expect(await leaseOf(pool, id)).toEqual(renewed);
  });

  test('of a new attempt starts with its own deadline, whatever the old one had', async () => {
    const id = randomUUID();
    await run(set(), active(id, 1, seconds(900)));
    const deadline = seconds(30);
    await run(set(), active(id, 2, deadline));
    expect(await leaseOf(pool, id)).toMatchObject({ attempt: 2, deadline, last_heartbeat_at: null });
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
    const newest = seconds(10);
    const beats = [
      { node_id: open, at: seconds(1) },
      { node_id: open, at: newest },
      { node_id: expired, at: newest },
      { node_id: stranger, at: newest },
    ];
    expect((await renewLeases(pool, beats)).sort()).toEqual([expired, stranger].sort());
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
    const beats = ids.map((node_id) => ({ node_id, at: seconds(1) }));
    const rounds = Array.from({ length: 40 }, (_, i) =>
      inTransaction(pool, (client) => renewLeases(client, i % 2 === 0 ? beats : [...beats].reverse())),
    );
    expect((await Promise.all(rounds)).flat()).toEqual([]);
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
});
