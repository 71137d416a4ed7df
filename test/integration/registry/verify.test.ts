import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { LeaseQuestion } from '../../../activities/api.js';
import { postgresUpdateRegistration } from '../../../activities/postgres-update-registration.js';
import { verifyAcksRead } from '../../../activities/verify-acks-read.js';
import { verifyLease } from '../../../activities/verify-lease.js';
import { loadContracts } from '../../../src/contracts/load.js';
import { renewLeases } from '../../../src/registry/leases/renew-leases.js';
import { advanceWatermarks } from '../../../src/registry/leases/watermarks.js';
import { openDatabase } from './database.js';
import { active, CONTRACT, ended, leaseOf, run, seconds } from './requests.js';

let pool: Pool;
let drop: () => Promise<void>;
beforeAll(async () => ({ pool, drop } = await openDatabase('verify')));
afterAll(() => drop());

describe('verifying a lease', () => {
  // Nodes of the tests before would be a fleet, and mostly a dead one.
  beforeEach(() => pool.query('truncate node_leases, lease_expiries, liveness_brake'));

  /** A topic of two partitions that is stored up to these times, which never stalled unless given. */
  async function storedUpTo(marks: readonly string[], resumedAt: string | null = null): Promise<string> {
    const topic = `heartbeats-${randomUUID()}`;
    await advanceWatermarks(
      pool,
      topic,
      marks.map((watermark, partition) => ({ partition, next_offset: '1', watermark })),
      { stalledSeconds: 30 },
    );
    await pool.query('update stream_watermarks set resumed_at = $2 where topic = $1', [topic, resumedAt]);
    return topic;
  }

  const verify = (heartbeatTopic: string, question: LeaseQuestion, isSwept = false) =>
    run(
      verifyLease(pool, {
        heartbeatTopics: [heartbeatTopic],
        contractVersion: () => CONTRACT,
        selfPreservation: loadContracts().selfPreservation,
        isSwept,
      }),
      question,
    );

  const ask = (node_id: string, attempt = 1): LeaseQuestion => ({
    node_id,
    attempt,
    window_seconds: 90,
    grace_seconds: 15,
  });

  const open = async (deadline: string): Promise<string> => {
    const id = randomUUID();
    await run(postgresUpdateRegistration(pool), active(id, 1, deadline));
    // No lease opens in the past: this one was opened long ago.
    await pool.query('update node_leases set deadline = $2 where node_id = $1', [id, deadline]);
    return id;
  };

  test('expires it once deadline and grace are behind everything that is stored, and answers a repeat the same way', async () => {
    const topic = await storedUpTo([seconds(-1), seconds(-2)]);
    const id = await open(seconds(-30));
    const expired = { outcome: 'expired', last_heartbeat_at: null, contract_version: CONTRACT };
    expect(await verify(topic, ask(id))).toEqual(expired);
    const { expired_at } = (await leaseOf(pool, id)) ?? expect.fail();
    expect(expired_at).not.toBeNull();
    expect(await verify(topic, ask(id))).toEqual(expired);
    expect((await leaseOf(pool, id))?.expired_at).toBe(expired_at);
    expect((await renewLeases(pool, [{ node_id: id, at: seconds(0) }], 90)).withoutLease).toEqual([id]);
  });

  test('leaves a node that has not beaten so far its first deadline, also where the lease was opened long before', async () => {
    const topic = await storedUpTo([seconds(-1)]);
    const [silent, beating] = [await open(seconds(-30)), await open(seconds(-30))];
    await pool.query('update node_leases set last_heartbeat_at = $2 where node_id = $1', [beating, seconds(-120)]);
    const first_deadline = seconds(20);
    const renewed = { outcome: 'renewed', deadline: first_deadline, contract_version: CONTRACT };
    expect(await verify(topic, { ...ask(silent), first_deadline })).toEqual(renewed);
    expect(await verify(topic, { ...ask(silent), first_deadline: seconds(-40) })).toEqual(renewed);
    expect(await verify(topic, { ...ask(beating), first_deadline })).toMatchObject({ outcome: 'expired' });
  });

  test('believes no clock that is hours ahead about a first deadline', async () => {
    const topic = await storedUpTo([seconds(-1)]);
    const id = await open(seconds(-30));
    const answer = await verify(topic, { ...ask(id), first_deadline: seconds(7_200) });
    if (answer.outcome !== 'renewed') expect.fail(answer.outcome);
    expect(Date.parse(answer.deadline)).toBeLessThanOrEqual(Date.parse(seconds(90)));
  });

  test('revives no lease that has expired, and none of another attempt, for a first deadline', async () => {
    const topic = await storedUpTo([seconds(-1)]);
    const [gone, newer] = [await open(seconds(-30)), await open(seconds(-30))];
    expect(await verify(topic, ask(gone))).toMatchObject({ outcome: 'expired' });
    expect(await verify(topic, { ...ask(gone), first_deadline: seconds(20) })).toMatchObject({ outcome: 'expired' });
    await pool.query('update node_leases set attempt = 2 where node_id = $1', [newer]);
    const before = await leaseOf(pool, newer);
    expect(await verify(topic, { ...ask(newer), first_deadline: seconds(20) })).toMatchObject({ outcome: 'unknown' });
    expect(await leaseOf(pool, newer)).toEqual(before);
  });

  test('stays expired when the stream stalls before the repeat', async () => {
    const topic = await storedUpTo([seconds(-1)]);
    const id = await open(seconds(-30));
    expect(await verify(topic, ask(id))).toMatchObject({ outcome: 'expired' });
    await pool.query('update stream_watermarks set resumed_at = now() where topic = $1', [topic]);
    expect(await verify(topic, ask(id))).toMatchObject({ outcome: 'expired' });
  });

  test('answers the last heartbeat of a node that is gone', async () => {
    const topic = await storedUpTo([seconds(-1)]);
    const id = await open(seconds(-600));
    const beat = seconds(-300);
    await renewLeases(pool, [{ node_id: id, at: beat }], 90);
    expect(await verify(topic, ask(id))).toMatchObject({ outcome: 'expired', last_heartbeat_at: beat });
  });

  test('finds it renewed by a heartbeat, and answers its deadline', async () => {
    const topic = await storedUpTo([seconds(-1)]);
    const id = await open(seconds(-30));
    const beat = seconds(-2);
    await renewLeases(pool, [{ node_id: id, at: beat }], 90);
    const deadline = new Date(Date.parse(beat) + 90_000).toISOString();
    expect(await verify(topic, ask(id))).toEqual({ outcome: 'renewed', deadline, contract_version: CONTRACT });
  });

  const unknown: readonly { title: string; marks: readonly string[]; resumedAt?: string; why: RegExp }[] = [
    {
      title: 'the slowest partition is not past deadline and grace',
      marks: [seconds(-1), seconds(-40)],
      why: /stored up to .* only/,
    },
    {
      title: 'a partition is past the deadline but not its grace',
      marks: [seconds(-1), seconds(-20)],
      why: /stored up to .* only/,
    },
    { title: 'nothing of the topic was ever stored', marks: [], why: /ever stored/ },
    {
      title: 'the stream was stalled, and lease duration and grace have not passed since',
      marks: [seconds(-1)],
      resumedAt: seconds(-60),
      why: /stalled/,
    },
  ];
  test.each(unknown)('expires nobody while $title', async ({ marks, resumedAt, why }) => {
    const topic = await storedUpTo(marks, resumedAt ?? null);
    const id = await open(seconds(-30));
    const answer = await verify(topic, ask(id));
    if (answer.outcome !== 'unknown') expect.fail(`got ${JSON.stringify(answer)}`);
    expect(answer.why).toMatch(why);
    // A lease duration, a fifth more or less.
    expect(answer.again_in_seconds).toBeGreaterThanOrEqual(72);
    expect(answer.again_in_seconds).toBeLessThanOrEqual(108);
    expect((await leaseOf(pool, id))?.expired_at).toBeNull();
  });

  test('leaves whom the stream or self-preservation keeps from expiring to the sweep, where there is one', async () => {
    const stalled = await storedUpTo([seconds(-1)], seconds(-60));
    const behind = await storedUpTo([seconds(-40)]);
    const held = await storedUpTo([seconds(-1)]);
    await pool.query(
      "insert into liveness_brake (topic, held_since, held_moved_seconds, changed_by) values ($1, now(), 0, 'itself')",
      [held],
    );
    for (const topic of [stalled, behind, held]) {
      const again = async (isSwept: boolean): Promise<number> => {
        const answer = await verify(topic, ask(await open(seconds(-30))), isSwept);
        return answer.outcome === 'unknown' ? answer.again_in_seconds : expect.fail(answer.outcome);
      };
      expect(await again(true)).toBeGreaterThan(2 * 3_600);
      expect(await again(false)).toBeLessThanOrEqual(108);
    }
  });

  test('expires again once lease duration and grace have passed since a stall', async () => {
    const topic = await storedUpTo([seconds(-1)], seconds(-120));
    expect(await verify(topic, ask(await open(seconds(-30))))).toMatchObject({ outcome: 'expired' });
  });

  test('is asked again in seconds by a stream that is only a little short of it', async () => {
    const base = Date.now();
    const topic = await storedUpTo([new Date(base - 2_000).toISOString()]);
    const answer = await verify(topic, ask(await open(new Date(base - 15_500).toISOString())));
    if (answer.outcome !== 'unknown') expect.fail(`got ${JSON.stringify(answer)}`);
    // A second and a half short, and half a second to one and a half more.
    expect(answer.again_in_seconds).toBeGreaterThanOrEqual(2);
    expect(answer.again_in_seconds).toBeLessThanOrEqual(3);
  });

  test('expires no newer attempt’s lease', async () => {
    const topic = await storedUpTo([seconds(-1)]);
    const id = randomUUID();
    await run(postgresUpdateRegistration(pool), active(id, 2, seconds(-30)));
    expect(await verify(topic, ask(id))).toMatchObject({
      outcome: 'unknown',
      why: expect.stringContaining('held by registration attempt 2') as string,
    });
    expect(await leaseOf(pool, id)).toMatchObject({ attempt: 2, expired_at: null });
  });

  const lost: readonly { title: string; lose: (id: string) => Promise<unknown> }[] = [
    { title: 'gone', lose: (id) => pool.query('delete from node_leases where node_id = $1', [id]) },
    {
      title: 'gone with its row',
      lose: (id) =>
        Promise.all(
          ['node_leases', 'node_registrations'].map((table) =>
            pool.query(`delete from ${table} where node_id = $1`, [id]),
          ),
        ),
    },
    {
      title: 'that of an older attempt, expired then',
      lose: (id) => pool.query('update node_leases set attempt = 1, expired_at = now() where node_id = $1', [id]),
    },
  ];
  test.each(lost)(
    'opens a lease again that is $title, so that the node can expire a lease duration later',
    async ({ lose }) => {
      const topic = await storedUpTo([seconds(-1)]);
      const id = randomUUID();
      await run(postgresUpdateRegistration(pool), active(id, 2, seconds(-30)));
      await lose(id);
      expect(await verify(topic, ask(id, 2))).toMatchObject({
        outcome: 'unknown',
        why: expect.stringContaining('was lost; it is open again') as string,
      });
      const { deadline, ...lease } = (await leaseOf(pool, id)) ?? expect.fail();
      expect(lease).toMatchObject({ attempt: 2, expired_at: null });
      const { rows } = await pool.query<{ lasts: number }>(
        'select extract(epoch from deadline - opened_at)::integer as lasts from node_leases where node_id = $1',
        [id],
      );
      expect(rows).toEqual([{ lasts: 90 }]);
      // With a heartbeat it lives; without one it expires once that is known.
      expect(await verify(topic, ask(id, 2))).toMatchObject({ outcome: 'renewed', deadline });
      await pool.query("update node_leases set deadline = now() - interval '30 s' where node_id = $1", [id]);
      expect(await verify(topic, ask(id, 2))).toMatchObject({ outcome: 'expired' });
    },
  );

  test('opens no lease for an attempt that its row says has ended, or that a newer one has replaced', async () => {
    const topic = await storedUpTo([seconds(-1)]);
    const id = randomUUID();
    await run(postgresUpdateRegistration(pool), ended(id, 2));
    for (const attempt of [1, 2])
      expect(await verify(topic, ask(id, attempt))).toMatchObject({
        outcome: 'unknown',
        why: expect.stringContaining('has no lease') as string,
      });
    expect(await leaseOf(pool, id)).toBeUndefined();
  });
});

describe('verifying that acks were read', () => {
  test('is true only past the deadline, on every partition', async () => {
    const ackTopic = `acks-${randomUUID()}`;
    const verify = (deadline: string) => run(verifyAcksRead(pool, { ackTopics: [ackTopic] }), deadline);
    expect(await verify(seconds(-1))).toMatchObject({
      read: false,
      why: expect.stringContaining('never read') as string,
    });
    const low = seconds(-10);
    const marks = [seconds(-5), low].map((watermark, partition) => ({ partition, next_offset: '0', watermark }));
    await advanceWatermarks(pool, ackTopic, marks, { stalledSeconds: 30 });
    expect(await verify(seconds(-11))).toEqual({ read: true });
    expect(await verify(low)).toMatchObject({ read: false });
    expect(await verify(seconds(-7))).toMatchObject({ read: false, why: expect.stringContaining(low) as string });
  });
});
