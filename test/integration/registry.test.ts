import { randomUUID } from 'node:crypto';
import { createServer, type AddressInfo } from 'node:net';
import type { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import fc from 'fast-check';
import type { Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { REFUSED, UNAVAILABLE, type Activities, type EffectRequest, type LeaseQuestion } from '../../activities/api.js';
import { consulDeregister } from '../../activities/consul-deregister.js';
import { consulPass } from '../../activities/consul-pass.js';
import { consulRegister } from '../../activities/consul-register.js';
import { postgresUpdateRegistration } from '../../activities/postgres-update-registration.js';
import { postgresUpsertRegistration } from '../../activities/postgres-upsert-registration.js';
import { verifyAcksRead } from '../../activities/verify-acks-read.js';
import { verifyLease } from '../../activities/verify-lease.js';
import { loadContracts } from '../../src/contracts/load.js';
import { Catalog } from '../../src/registry/consul/catalog.js';
import { listRegistryRows } from '../../src/registry/rows/list-registry-rows.js';
import { migrate } from '../../src/registry/migrate.js';
import { renewLeases } from '../../src/registry/leases/renew-leases.js';
import { createPool, inTransaction } from '../../src/registry/pool.js';
import { readLastAttempt } from '../../src/registry/rows/read-last-attempt.js';
import { readRegistering } from '../../src/registry/rows/read-registering.js';
import { readRegistryRow } from '../../src/registry/rows/read-registry-row.js';
import { advanceWatermarks, readWatermarks } from '../../src/registry/leases/watermarks.js';
import { servers } from './servers.js';
import { assertProperty } from '../run/properties.js';

const CONTRACT = '1.0.0+test';

let pool: Pool;
let catalog: Catalog;

beforeAll(async () => {
  const { databaseUrl, consulAddress } = servers();
  await migrate(databaseUrl);
  pool = createPool(databaseUrl);
  catalog = new Catalog({ address: consulAddress });
});

afterAll(async () => {
  await pool.end();
  catalog.close();
});

type Effect = Activities['consul.register'];

/** Failures are asserted here; the worker's warnings about them are of no use. */
const quiet = new DefaultLogger('ERROR');

/** Runs an activity as a worker would. */
function run<A extends unknown[], R>(activity: (...args: A) => Promise<R>, ...args: A): Promise<R> {
  return new MockActivityEnvironment({}, { logger: quiet }).run(activity, ...args);
}

async function failureOf(outcome: Promise<unknown>): Promise<ApplicationFailure> {
  return outcome.then(
    (value) => expect.fail(`expected a failure, got ${JSON.stringify(value)}`),
    (error: unknown) => error as ApplicationFailure,
  );
}

function seconds(from: number): string {
  return new Date(Date.now() + from * 1_000).toISOString();
}

const INTROSPECTED = '2026-01-31T12:00:00.000Z';

function identity(node_id: string) {
  return {
    node_id,
    node_type: 'effect',
    node_version: '1.2.3',
    endpoints: { health: 'http://10.0.0.9:8080/health', api: 'http://10.0.0.10/' },
    correlation_id: 'c-1',
  };
}

function request(node_id: string, attempt: number, intent_type: string, payload: object): EffectRequest {
  return {
    node_id,
    attempt,
    confirmation: `${intent_type}.done`,
    intent: { intent_type: 'extension', target: 'test://', payload: { intent_type, ...payload } },
  };
}

function upsert(node_id: string, attempt: number, changes: object = {}): EffectRequest {
  return request(node_id, attempt, 'postgres.upsert_registration', {
    ...identity(node_id),
    capabilities: ['a', 'b'],
    epoch: null,
    introspected_at: INTROSPECTED,
    contract_version: CONTRACT,
    state: 'PENDING_REGISTRATION',
    reducer_status: 'pending',
    ...changes,
  });
}

function update(node_id: string, attempt: number, changes: object): EffectRequest {
  const whole = {
    reducer_status: 'complete',
    reason: null,
    lease: null,
    ack_deadline: null,
    liveness_deadline: null,
    window_seconds: 90,
    ended: false,
  };
  const { intent } = upsert(node_id, attempt);
  return request(node_id, attempt, 'postgres.update_registration', {
    ...intent.payload,
    ...whole,
    ...changes,
    intent_type: 'postgres.update_registration',
  });
}

const active = (node_id: string, attempt: number, deadline: string, window_seconds = 90) =>
  update(node_id, attempt, { state: 'ACTIVE', lease: 'open', liveness_deadline: deadline, window_seconds });

const ended = (node_id: string, attempt: number, state = 'DEREGISTERED', reason: string | null = null) =>
  update(node_id, attempt, { state, reason, lease: 'close', ended: true });

async function leaseOf(
  node_id: string,
): Promise<{ attempt: number; deadline: string; expired_at: string | null } | undefined> {
  const { rows } = await pool.query<{ attempt: number; deadline: string; expired_at: string | null }>(
    'select * from node_leases where node_id = $1',
    [node_id],
  );
  return rows[0];
}

describe('the schema', () => {
  test('two processes may migrate at once, and a third time changes nothing', async () => {
    const { databaseUrl } = servers();
    const name = `migrate_${randomUUID().replaceAll('-', '')}`;
    await pool.query(`create database ${name}`);
    const url = new URL(databaseUrl);
    url.pathname = `/${name}`;
    const both = await Promise.all([migrate(url.href), migrate(url.href)]);
    expect(both.flat()).toEqual([1, 2, 3, 4, 5]);
    expect(await migrate(url.href)).toEqual([]);
    await pool.query(`drop database ${name}`);
  });
});

describe('the record', () => {
  const write = () => ({ put: postgresUpsertRegistration(pool), set: postgresUpdateRegistration(pool) });

  test('holds who the node is, and says so to a fresh run', async () => {
    const id = randomUUID();
    expect(await run(write().put, upsert(id, 3, { epoch: 7 }))).toEqual({ done: true });
    expect(await readLastAttempt(pool, id)).toMatchObject({
      attempt: 3,
      correlation_id: 'c-1',
      epoch: 7,
      introspected_at: INTROSPECTED,
      state: 'PENDING_REGISTRATION',
      reason: null,
    });
    expect(await readRegistryRow(pool, id)).toMatchObject({
      ...identity(id),
      capabilities: ['a', 'b'],
      reducer_status: 'pending',
      contract_version: CONTRACT,
      ended_at: null,
      lease_deadline: null,
    });
    expect(await readLastAttempt(pool, randomUUID())).toBeNull();
  });

  test('is never overwritten by a lower attempt, which learns who holds it', async () => {
    const id = randomUUID();
    await run(write().put, upsert(id, 5));
    const before = await readRegistryRow(pool, id);
    expect(await run(write().put, upsert(id, 4, { node_version: '0.0.1' }))).toEqual({ done: false, fenced_by: 5 });
    expect(await run(write().set, active(id, 4, seconds(30)))).toEqual({ done: false, fenced_by: 5 });
    expect(await run(write().set, ended(id, 4))).toEqual({ done: false, fenced_by: 5 });
    expect(await readRegistryRow(pool, id)).toEqual(before);
    expect(await leaseOf(id)).toBeUndefined();
  });

  test('goes to the highest of many attempts that write at once, and every other one is told', async () => {
    const id = randomUUID();
    const attempts = [3, 9, 1, 7, 5, 2, 8, 4, 6];
    const answers = await Promise.all(attempts.map((attempt) => run(write().put, upsert(id, attempt))));
    expect((await readLastAttempt(pool, id))?.attempt).toBe(9);
    answers.forEach((answer, i) => {
      if (!answer.done) expect(answer.fenced_by).toBeGreaterThan(attempts[i] ?? 0);
    });
    expect(answers[1]).toEqual({ done: true });
  });

  test('does not go backwards when an active node refreshes what it says about itself', async () => {
    const id = randomUUID();
    await run(write().put, upsert(id, 1));
    await run(write().set, active(id, 1, seconds(30)));
    const before = await readRegistryRow(pool, id);
    expect(
      await run(
        write().put,
        upsert(id, 1, { node_version: '2.0.0', endpoints: {}, capabilities: ['z'], correlation_id: 'other' }),
      ),
    ).toEqual({ done: true });
    const after = await readRegistryRow(pool, id);
    expect(after).toMatchObject({ node_version: '2.0.0', endpoints: {}, capabilities: ['z'] });
    const { state, reducer_status, state_since, active_at, liveness_deadline, correlation_id, lease_deadline } =
      before ?? expect.fail();
    expect(after).toMatchObject({
      state,
      reducer_status,
      state_since,
      active_at,
      liveness_deadline,
      correlation_id,
      lease_deadline,
    });
    expect(state).toBe('ACTIVE');
  });

  test('stays as it ended: late writes of the same attempt change nothing, open no lease, and are not done', async () => {
    const id = randomUUID();
    await run(write().put, upsert(id, 1));
    await run(write().set, active(id, 1, seconds(30)));
    await run(write().set, ended(id, 1, 'LIVENESS_EXPIRED', 'no heartbeat'));
    const before = await readRegistryRow(pool, id);
    expect(before).toMatchObject({ state: 'LIVENESS_EXPIRED', reason: 'no heartbeat', lease_deadline: null });
    expect(before?.ended_at).not.toBeNull();
    for (const late of [
      run(write().put, upsert(id, 1)),
      run(write().set, active(id, 1, seconds(30))),
      run(write().set, ended(id, 1, 'DEREGISTERED')),
    ]) {
      expect(await late).toEqual({ done: false, fenced_by: 1 });
    }
    expect(await readRegistryRow(pool, id)).toEqual(before);
    expect(await leaseOf(id)).toBeUndefined();
  });

  test('starts afresh with a new attempt', async () => {
    const id = randomUUID();
    await run(write().set, active(id, 1, seconds(30)));
    await run(write().set, ended(id, 1, 'LIVENESS_EXPIRED', 'no heartbeat'));
    await run(write().put, upsert(id, 2, { correlation_id: 'c-2' }));
    expect(await readRegistryRow(pool, id)).toMatchObject({
      attempt: 2,
      correlation_id: 'c-2',
      state: 'PENDING_REGISTRATION',
      reason: null,
      active_at: null,
      ended_at: null,
      liveness_deadline: null,
    });
  });

  test('is written whole by an update that finds no row: a node refused by an admission rule', async () => {
    const id = randomUUID();
    expect(await run(write().set, ended(id, 1, 'REJECTED', 'version 0.9.0 is too old'))).toEqual({ done: true });
    expect(await readRegistryRow(pool, id)).toMatchObject({
      ...identity(id),
      state: 'REJECTED',
      reason: 'version 0.9.0 is too old',
      active_at: null,
    });
  });

  test('remembers the newest introspection that was applied, so that an older one stays stale', async () => {
    const id = randomUUID();
    await run(write().put, upsert(id, 1, { introspected_at: '2026-01-01T00:00:00.000Z' }));
    await run(
      write().set,
      update(id, 1, { state: 'DEREGISTERED', ended: true, introspected_at: '2026-01-03T00:00:00.000Z' }),
    );
    expect((await readLastAttempt(pool, id))?.introspected_at).toBe('2026-01-03T00:00:00.000Z');
  });

  test('lists the fleet by state and type', async () => {
    const id = randomUUID();
    const state = `STATE_${id}`;
    await run(write().put, upsert(id, 1, { state, node_type: 'compute' }));
    expect((await listRegistryRows(pool, { state })).map((row) => row.node_id)).toEqual([id]);
    expect(await listRegistryRows(pool, { state, node_type: 'effect' })).toEqual([]);
  });
});

describe('the lease', () => {
  const set = (): Effect => postgresUpdateRegistration(pool);

  test('opens with the record that says ACTIVE, and closes with its end', async () => {
    const id = randomUUID();
    const deadline = seconds(30);
    await run(set(), active(id, 1, deadline));
    expect(await leaseOf(id)).toMatchObject({ attempt: 1, deadline, expired_at: null });
    expect(await readRegistryRow(pool, id)).toMatchObject({ state: 'ACTIVE', lease_deadline: deadline });
    await run(set(), ended(id, 1));
    expect(await leaseOf(id)).toBeUndefined();
  });

  test('never moves backwards: neither by an old heartbeat nor by being opened again', async () => {
    const id = randomUUID();
    const beat = seconds(5);
    await run(set(), active(id, 1, seconds(30)));
    expect(await renewLeases(pool, [{ node_id: id, at: beat }])).toEqual([]);
    const moved = await leaseOf(id);
    expect(moved?.deadline).toBe(new Date(Date.parse(beat) + 90_000).toISOString());
    await renewLeases(pool, [{ node_id: id, at: seconds(-20) }]);
    expect(await leaseOf(id)).toEqual(moved);
    expect(await run(set(), active(id, 1, seconds(30)))).toEqual({ done: true });
    expect(await leaseOf(id)).toEqual(moved);
  });

  test('of a new attempt starts with its own deadline, whatever the old one had', async () => {
    const id = randomUUID();
    await run(set(), active(id, 1, seconds(900)));
    const deadline = seconds(30);
    await run(set(), active(id, 2, deadline));
    expect(await leaseOf(id)).toMatchObject({ attempt: 2, deadline, last_heartbeat_at: null });
  });

  test('held by a higher attempt, with the record lost, tells the writer who holds it', async () => {
    const id = randomUUID();
    await run(set(), active(id, 7, seconds(30)));
    await pool.query('delete from node_registrations where node_id = $1', [id]);
    expect(await run(set(), active(id, 1, seconds(30)))).toEqual({ done: false, fenced_by: 7 });
    await run(set(), ended(id, 1));
    expect((await leaseOf(id))?.attempt).toBe(7);
  });

  test('a batch of heartbeats moves each node by its newest, and names those that have no open lease', async () => {
    const [open, claimed, stranger] = [randomUUID(), randomUUID(), randomUUID()];
    await run(set(), active(open, 1, seconds(30)));
    await run(set(), active(claimed, 1, seconds(30)));
    await pool.query('update node_leases set expired_at = now() where node_id = $1', [claimed]);
    const newest = seconds(10);
    const beats = [
      { node_id: open, at: seconds(1) },
      { node_id: open, at: newest },
      { node_id: claimed, at: newest },
      { node_id: stranger, at: newest },
    ];
    expect((await renewLeases(pool, beats)).sort()).toEqual([claimed, stranger].sort());
    expect((await leaseOf(open))?.deadline).toBe(new Date(Date.parse(newest) + 90_000).toISOString());
  });

  test('is not missed in a node that is being registered, nor when it was opened between the two looks', async () => {
    const [registering, opened, claimed, ended_, stranger] = [
      randomUUID(),
      randomUUID(),
      randomUUID(),
      randomUUID(),
      randomUUID(),
    ];
    await run(postgresUpsertRegistration(pool), upsert(registering, 1));
    await Promise.all([opened, claimed, ended_].map((id) => run(set(), active(id, 1, seconds(30)))));
    await pool.query('update node_leases set expired_at = now() where node_id = $1', [claimed]);
    await run(set(), ended(ended_, 1));
    expect((await readRegistering(pool, [registering, opened, claimed, ended_, stranger])).sort()).toEqual(
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

describe('the watermark', () => {
  test('never moves backwards, and notes from where a stream went on after a standstill', async () => {
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

describe('verifying a lease', () => {
  // What other tests have left would be a fleet, and mostly a dead one.
  beforeEach(() => pool.query('truncate node_leases, lease_expiries'));

  /** A topic of two partitions that is stored up to these times, with no standstill behind it unless given. */
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

  const verify = (heartbeatTopic: string, question: LeaseQuestion) =>
    run(
      verifyLease(pool, {
        heartbeatTopics: [heartbeatTopic],
        contractVersion: () => CONTRACT,
        brake: loadContracts().brake,
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
    return id;
  };

  test('claims it once deadline and grace are behind everything that is stored, and says so again when asked again', async () => {
    const topic = await storedUpTo([seconds(-1), seconds(-2)]);
    const id = await open(seconds(-30));
    const claimed = { outcome: 'expired', last_heartbeat_at: null, contract_version: CONTRACT };
    expect(await verify(topic, ask(id))).toEqual(claimed);
    const { expired_at } = (await leaseOf(id)) ?? expect.fail();
    expect(expired_at).not.toBeNull();
    expect(await verify(topic, ask(id))).toEqual(claimed);
    expect((await leaseOf(id))?.expired_at).toBe(expired_at);
    expect(await renewLeases(pool, [{ node_id: id, at: seconds(0) }])).toEqual([id]);
  });

  test('stays claimed when the stream stands still between the claim and its repeat', async () => {
    const topic = await storedUpTo([seconds(-1)]);
    const id = await open(seconds(-30));
    expect(await verify(topic, ask(id))).toMatchObject({ outcome: 'expired' });
    await pool.query('update stream_watermarks set resumed_at = now() where topic = $1', [topic]);
    expect(await verify(topic, ask(id))).toMatchObject({ outcome: 'expired' });
  });

  test('tells the last heartbeat of a node that is gone', async () => {
    const topic = await storedUpTo([seconds(-1)]);
    const id = await open(seconds(-600));
    const beat = seconds(-300);
    await renewLeases(pool, [{ node_id: id, at: beat }]);
    expect(await verify(topic, ask(id))).toMatchObject({ outcome: 'expired', last_heartbeat_at: beat });
  });

  test('finds it renewed by a heartbeat, and answers its deadline', async () => {
    const topic = await storedUpTo([seconds(-1)]);
    const id = await open(seconds(-30));
    const beat = seconds(-2);
    await renewLeases(pool, [{ node_id: id, at: beat }]);
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
      title: 'the stream has stood still and window and grace have not passed since',
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
    // A fifth of the window more or less.
    expect(answer.again_in_seconds).toBeGreaterThanOrEqual(72);
    expect(answer.again_in_seconds).toBeLessThanOrEqual(108);
    expect((await leaseOf(id))?.expired_at).toBeNull();
  });

  test('expires again once window and grace have passed since a standstill', async () => {
    const topic = await storedUpTo([seconds(-1)], seconds(-120));
    expect(await verify(topic, ask(await open(seconds(-30))))).toMatchObject({ outcome: 'expired' });
  });

  test('expires no newer attempt’s lease', async () => {
    const topic = await storedUpTo([seconds(-1)]);
    const id = randomUUID();
    await run(postgresUpdateRegistration(pool), active(id, 2, seconds(-30)));
    expect(await verify(topic, ask(id))).toMatchObject({
      outcome: 'unknown',
      why: expect.stringContaining('held by attempt 2') as string,
    });
    expect(await leaseOf(id)).toMatchObject({ attempt: 2, expired_at: null });
  });

  const lost: readonly { title: string; lose: (id: string) => Promise<unknown> }[] = [
    { title: 'gone', lose: (id) => pool.query('delete from node_leases where node_id = $1', [id]) },
    {
      title: 'gone with its record',
      lose: (id) =>
        Promise.all(
          ['node_leases', 'node_registrations'].map((table) =>
            pool.query(`delete from ${table} where node_id = $1`, [id]),
          ),
        ),
    },
    {
      title: 'that of an older attempt, claimed then',
      lose: (id) => pool.query('update node_leases set attempt = 1, expired_at = now() where node_id = $1', [id]),
    },
  ];
  test.each(lost)('opens a lease again that is $title, so that the node is judged a window later', async ({ lose }) => {
    const topic = await storedUpTo([seconds(-1)]);
    const id = randomUUID();
    await run(postgresUpdateRegistration(pool), active(id, 2, seconds(-30)));
    await lose(id);
    expect(await verify(topic, ask(id, 2))).toMatchObject({
      outcome: 'unknown',
      why: expect.stringContaining('was lost; it has one again') as string,
    });
    const { deadline, ...lease } = (await leaseOf(id)) ?? expect.fail();
    expect(lease).toMatchObject({ attempt: 2, expired_at: null });
    expect(Date.parse(deadline) - Date.now()).toBeGreaterThan(85_000);
    expect(Date.parse(deadline) - Date.now()).toBeLessThan(91_000);
    // It beats, and lives; or it does not, and is claimed once that is known.
    expect(await verify(topic, ask(id, 2))).toMatchObject({ outcome: 'renewed', deadline });
    await pool.query("update node_leases set deadline = now() - interval '30 s' where node_id = $1", [id]);
    expect(await verify(topic, ask(id, 2))).toMatchObject({ outcome: 'expired' });
  });

  test('opens no lease for an attempt that its record says is over, or that a newer one has replaced', async () => {
    const topic = await storedUpTo([seconds(-1)]);
    const id = randomUUID();
    await run(postgresUpdateRegistration(pool), ended(id, 2));
    for (const attempt of [1, 2])
      expect(await verify(topic, ask(id, attempt))).toMatchObject({
        outcome: 'unknown',
        why: expect.stringContaining('has no lease') as string,
      });
    expect(await leaseOf(id)).toBeUndefined();
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

describe('Consul', () => {
  const effects = () => ({
    register: consulRegister(catalog),
    pass: consulPass(catalog),
    deregister: consulDeregister(catalog),
  });

  function service(
    node_id: string,
    attempt: number,
    changes: { node_type?: string } & Record<string, unknown> = {},
  ): EffectRequest {
    const type = changes.node_type ?? 'effect';
    return request(node_id, attempt, 'consul', {
      ...identity(node_id),
      service_id: `onex-${type}-${node_id}`,
      service_name: `onex-${type}`,
      tags: [`node_type:${type}`, 'a', 'b'],
      ...changes,
    });
  }

  const passing = async (node_id: string) =>
    (await catalog.passingInstances()).filter((each) => each.node_id === node_id);

  test('a node is found by those who look for one only after pass, and not after deregister', async () => {
    const id = randomUUID();
    expect(await run(effects().register, service(id, 1))).toEqual({ done: true });
    expect(await catalog.instance(id)).toMatchObject({
      status: 'critical',
      output: expect.stringContaining('waiting for the node to acknowledge') as string,
    });
    expect(await passing(id)).toEqual([]);
    expect(await run(effects().pass, service(id, 1))).toEqual({ done: true });
    expect(await passing(id)).toEqual([
      {
        node_id: id,
        attempt: 1,
        service_id: `onex-effect-${id}`,
        service_name: 'onex-effect',
        address: '10.0.0.9',
        port: 8080,
        tags: ['node_type:effect', 'a', 'b'],
        meta: { node_id: id, node_version: '1.2.3', node_type: 'effect', attempt: '1', correlation_id: 'c-1' },
        status: 'passing',
        output: expect.stringContaining('Active') as string,
      },
    ]);
    expect(await run(effects().deregister, service(id, 1))).toEqual({ done: true });
    expect(await passing(id)).toEqual([]);
    expect(await catalog.instance(id)).toBeNull();
  });

  test('every effect may be repeated', async () => {
    const id = randomUUID();
    for (const effect of [effects().register, effects().pass, effects().deregister]) {
      expect(await run(effect, service(id, 1))).toEqual({ done: true });
      expect(await run(effect, service(id, 1))).toEqual({ done: true });
    }
  });

  test('a refresh of the same attempt changes the service and leaves it discoverable', async () => {
    const id = randomUUID();
    await run(effects().pass, service(id, 1));
    await run(
      effects().register,
      service(id, 1, { endpoints: { api: 'https://node.example/' }, tags: ['node_type:effect', 'z'] }),
    );
    expect(await passing(id)).toMatchObject([{ address: 'node.example', port: 443, tags: ['node_type:effect', 'z'] }]);
  });

  test('a new attempt is not discoverable before it is active, and fences the old one', async () => {
    const id = randomUUID();
    await run(effects().pass, service(id, 1));
    await run(effects().register, service(id, 2));
    expect(await passing(id)).toEqual([]);
    for (const effect of [effects().register, effects().pass, effects().deregister]) {
      expect(await run(effect, service(id, 1))).toEqual({ done: false, fenced_by: 2 });
    }
    expect(await catalog.instance(id)).toMatchObject({ attempt: 2, status: 'critical' });
  });

  test('a node that comes back as another type leaves no service of the old type behind', async () => {
    const id = randomUUID();
    await run(effects().pass, service(id, 1));
    await run(effects().register, service(id, 2, { node_type: 'compute' }));
    await run(effects().pass, service(id, 2, { node_type: 'compute' }));
    expect((await passing(id)).map((each) => each.service_name)).toEqual(['onex-compute']);
  });

  test('a registration that somebody wiped is set whole when the node passes', async () => {
    const id = randomUUID();
    await run(effects().register, service(id, 1));
    await run(effects().deregister, service(id, 1));
    await run(effects().pass, service(id, 1));
    expect(await passing(id)).toMatchObject([{ node_id: id, attempt: 1, tags: ['node_type:effect', 'a', 'b'] }]);
  });

  test('of attempts that write at once the highest is left; who lost the race is told to try again', async () => {
    const id = randomUUID();
    const attempts = [1, 2, 3, 4, 5, 6];
    const write = async (attempt: number): Promise<unknown> => {
      for (;;) {
        try {
          return await run(effects().register, service(id, attempt));
        } catch (error) {
          expect(error).toMatchObject({
            type: UNAVAILABLE,
            nonRetryable: false,
            message: expect.stringContaining('index is stale') as string,
          });
        }
      }
    };
    await Promise.all(attempts.map(write));
    expect(await catalog.instance(id)).toMatchObject({ attempt: 6 });
  });

  test('a refresh that runs into a pass cannot take it back', async () => {
    const race = async (): Promise<void> => {
      const id = randomUUID();
      await run(effects().register, service(id, 1));
      const [pass, refresh] = await Promise.allSettled([
        run(effects().pass, service(id, 1)),
        run(effects().register, service(id, 1, { tags: ['z'] })),
      ]);
      const held = await catalog.instance(id);
      if (pass.status === 'fulfilled') expect(held).toMatchObject({ status: 'passing' });
      if (refresh.status === 'fulfilled' && pass.status === 'rejected')
        expect(held).toMatchObject({ status: 'critical', tags: ['z'] });
      expect([pass.status, refresh.status]).toContain('fulfilled');
    };
    await Promise.all(Array.from({ length: 30 }, race));
  });

  test('two workers, each of which remembers what it wrote, do what one does that always reads', async () => {
    const workers = [catalog, new Catalog({ address: servers().consulAddress })] as const;
    const operation = fc.record({
      worker: fc.constantFrom(...workers),
      verb: fc.constantFrom('register', 'pass', 'deregister'),
      attempt: fc.integer({ min: 1, max: 3 }),
    });
    const life = fc.asyncProperty(fc.array(operation, { minLength: 4, maxLength: 8 }), async (operations) => {
      const id = randomUUID();
      const now = async (): Promise<{ attempt: number; status: string } | null> => {
        const held = await catalog.instance(id);
        return held && { attempt: held.attempt, status: held.status };
      };
      for (const { worker, verb, attempt } of operations) {
        const effect = { register: consulRegister, pass: consulPass, deregister: consulDeregister }[verb](worker);
        const before = await now();
        const isFenced = before !== null && before.attempt > attempt;
        expect(await run(effect, service(id, attempt))).toEqual(
          isFenced ? { done: false, fenced_by: before.attempt } : { done: true },
        );
        const stays = before?.attempt === attempt && before.status === 'passing';
        const after =
          verb === 'deregister' ? null : { attempt, status: verb === 'pass' || stays ? 'passing' : 'critical' };
        expect(await now()).toEqual(isFenced ? before : after);
      }
    });
    await assertProperty(life, { numRuns: 60 });
  });

  test('a node without endpoints is registered without an address', async () => {
    const id = randomUUID();
    await run(effects().pass, service(id, 1, { endpoints: {} }));
    expect(await passing(id)).toMatchObject([{ address: '', port: 0 }]);
  });
});

describe('a backend that fails', () => {
  const id = 'node-42';
  const service = () =>
    request(id, 1, 'consul.register', { ...identity(id), service_id: 's', service_name: 'onex-effect', tags: [] });

  /** A port on which something happens to whoever connects. */
  async function listening(onConnection: 'hang' | 'closed'): Promise<{ port: number; close: () => void }> {
    const sockets = new Set<{ destroy: () => void }>();
    const server = createServer((socket) => sockets.add(socket.on('error', () => sockets.delete(socket))));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const close = (): void => {
      sockets.forEach((socket) => socket.destroy());
      server.close();
    };
    if (onConnection === 'closed') close();
    return { port, close };
  }

  test('that is down is unavailable: retried, with its address, its own words and the node', async () => {
    const { port } = await listening('closed');
    const consul = await failureOf(run(consulRegister(new Catalog({ address: `127.0.0.1:${port}` })), service()));
    expect(consul).toMatchObject({ type: UNAVAILABLE, nonRetryable: false });
    expect(consul.message).toBe(
      `Consul at http://127.0.0.1:${port} did not register node ${id}, attempt 1: connect ECONNREFUSED ` +
        `127.0.0.1:${port}; retried until it does (this was try 1)`,
    );
    const down = createPool(`postgres://somebody:secret@127.0.0.1:${port}/somewhere`);
    const postgres = await failureOf(run(postgresUpsertRegistration(down), upsert(id, 1)));
    expect(postgres).toMatchObject({ type: UNAVAILABLE, nonRetryable: false });
    expect(postgres.message).toContain(
      `PostgreSQL at 127.0.0.1:${port}/somewhere did not record node ${id}, attempt 1: connect ECONNREFUSED`,
    );
    expect(postgres.message).not.toContain('secret');
    expect(await failureOf(run(verifyAcksRead(down, { ackTopics: ['t'] }), INTROSPECTED))).toMatchObject({
      type: UNAVAILABLE,
    });
    await down.end();
  });

  test('that accepts and never answers is unavailable before the activity’s own time is up', async () => {
    const { port, close } = await listening('hang');
    const began = Date.now();
    const hung = createPool(`postgres://somebody@127.0.0.1:${port}/somewhere`);
    const failures = await Promise.all([
      failureOf(run(consulRegister(new Catalog({ address: `127.0.0.1:${port}` })), service())),
      failureOf(run(postgresUpsertRegistration(hung), upsert(id, 1))),
    ]);
    expect(Date.now() - began).toBeLessThan(8_000);
    failures.forEach((each) =>
      expect(each).toMatchObject({ type: UNAVAILABLE, message: expect.stringMatching(/time(d )?out/i) as string }),
    );
    close();
    await hung.end();
  });

  test('that holds a lock too long is unavailable, and its statement is over', async () => {
    const locked = randomUUID();
    await run(postgresUpsertRegistration(pool), upsert(locked, 1));
    const failure = await inTransaction(pool, async (client) => {
      await client.query('select from node_registrations where node_id = $1 for update', [locked]);
      return failureOf(run(postgresUpsertRegistration(pool), upsert(locked, 2)));
    });
    expect(failure).toMatchObject({
      type: UNAVAILABLE,
      message: expect.stringContaining('statement timeout') as string,
    });
    expect((await readLastAttempt(pool, locked))?.attempt).toBe(1);
  });

  test('that has not been migrated yet is unavailable: no node is rejected for it', async () => {
    const { databaseUrl } = servers();
    const bare = new URL(databaseUrl);
    bare.searchParams.set('options', '-c search_path=pg_catalog');
    const unmigrated = createPool(bare.href);
    expect(await failureOf(run(postgresUpsertRegistration(unmigrated), upsert(id, 1)))).toMatchObject({
      type: UNAVAILABLE,
      message: expect.stringContaining('"node_registrations" does not exist') as string,
    });
    await unmigrated.end();
  });

  test('that is lost in the middle of a transaction fails it with the reason, and the pool goes on', async () => {
    const lost = inTransaction(pool, async (client) => {
      const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
      const ended = new Promise((resolve) => client.once('end', resolve));
      await pool.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
      await ended;
      await client.query('select 1');
    });
    await expect(lost).rejects.toThrow('terminating connection');
    expect(await readLastAttempt(pool, randomUUID())).toBeNull();
  });

  test('that refuses what it is given is final, and says what to do', async () => {
    const long = { ...service().intent.payload, correlation_id: 'c'.repeat(600) };
    const consul = await failureOf(run(consulRegister(catalog), request(id, 1, 'consul.register', long)));
    expect(consul).toMatchObject({ type: REFUSED });
    expect(consul.message).toMatch(
      /^Consul at http.* refused to register node node-42, attempt 1: .*Value is too long.*registrar retry node-42$/,
    );

    const postgres = await failureOf(
      run(postgresUpsertRegistration(pool), upsert(id, 1, { node_version: 'a\u0000b' })),
    );
    expect(postgres).toMatchObject({ type: REFUSED });
    expect(postgres.message).toMatch(
      /^PostgreSQL at .* refused to record node node-42, attempt 1: invalid byte sequence.*registrar retry node-42$/,
    );
  });

  test('is not even asked for what an intent’s template left out', async () => {
    const failure = await failureOf(
      run(postgresUpdateRegistration(pool), update(id, 1, { state: 'ACTIVE', lease: 'open' })),
    );
    expect(failure).toMatchObject({
      type: REFUSED,
      message: expect.stringMatching(/^Cannot update .*liveness_deadline/) as string,
    });
  });

  test('is not written to once the activity is cancelled', async () => {
    const cancelled = randomUUID();
    for (const effect of [
      postgresUpsertRegistration(pool),
      postgresUpdateRegistration(pool),
      consulRegister(catalog),
    ]) {
      const environment = new MockActivityEnvironment({}, { logger: quiet });
      environment.cancel('CANCELLED');
      await expect(environment.run(effect, upsert(cancelled, 1))).rejects.toThrow('CANCELLED');
    }
    expect(await readLastAttempt(pool, cancelled)).toBeNull();
    expect(await catalog.instance(cancelled)).toBeNull();
  });
});
