import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { postgresUpdateRegistration } from '../../../activities/postgres-update-registration.js';
import { postgresUpsertRegistration } from '../../../activities/postgres-upsert-registration.js';
import { migrate } from '../../../src/registry/migrate.js';
import { listRegistryRows } from '../../../src/registry/rows/list-registry-rows.js';
import { readLastAttempt } from '../../../src/registry/rows/read-last-attempt.js';
import { readRegistryRow } from '../../../src/registry/rows/read-registry-row.js';
import { servers } from '../servers.js';
import { openDatabase } from './database.js';
import {
  active,
  apply,
  CONTRACT,
  done,
  ended,
  identity,
  INTROSPECTED,
  leaseOf,
  run,
  seconds,
  update,
  upsert,
} from './requests.js';

let pool: Pool;
let drop: () => Promise<void>;
beforeAll(async () => ({ pool, drop } = await openDatabase('rows')));
afterAll(() => drop());

describe('the schema', () => {
  test('two processes may migrate at once, and a third time changes nothing', async () => {
    const { databaseUrl } = servers();
    const name = `migrate_${randomUUID().replaceAll('-', '')}`;
    await pool.query(`create database ${name}`);
    const url = new URL(databaseUrl);
    url.pathname = `/${name}`;
    const both = await Promise.all([migrate(url.href), migrate(url.href)]);
    const files = readdirSync(join(import.meta.dirname, '../../../src/registry/migrations'));
    expect(both.flat()).toEqual(files.map((_, index) => index + 1));
    expect(await migrate(url.href)).toEqual([]);
    await pool.query(`drop database ${name}`);
  });
});

describe('a registry row', () => {
  const write = () => ({ put: postgresUpsertRegistration(pool), set: postgresUpdateRegistration(pool) });

  test('holds who the node is, for a fresh run too', async () => {
    const id = randomUUID();
    await apply(write().put, upsert(id, 3, { epoch: 7 }));
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

  test('is never overwritten by a lower attempt, which is answered who holds it', async () => {
    const id = randomUUID();
    await run(write().put, upsert(id, 5));
    const before = await readRegistryRow(pool, id);
    expect(await run(write().put, upsert(id, 4, { node_version: '0.0.1' }))).toEqual({ done: false, fenced_by: 5 });
    expect(await run(write().set, active(id, 4, seconds(30)))).toEqual({ done: false, fenced_by: 5 });
    expect(await run(write().set, ended(id, 4))).toEqual({ done: false, fenced_by: 5 });
    expect(await readRegistryRow(pool, id)).toEqual(before);
    expect(await leaseOf(pool, id)).toBeUndefined();
  });

  test('goes to the highest of many attempts that write at once, and no lower one is answered that it is done when it is not', async () => {
    const id = randomUUID();
    const attempts = [3, 9, 1, 7, 5, 2, 8, 4, 6];
    const answers = await Promise.all(attempts.map((attempt) => run(write().put, upsert(id, attempt))));
    expect((await readLastAttempt(pool, id))?.attempt).toBe(9);
    answers.forEach((answer, i) => {
      if (!answer.done) expect(answer.fenced_by).toBeGreaterThan(attempts[i] ?? 0);
    });
    expect(answers[1]).toEqual(done(upsert(id, 9)));
  });

  test('does not go backwards when an active node refreshes its data', async () => {
    const id = randomUUID();
    await apply(write().put, upsert(id, 1));
    await apply(write().set, active(id, 1, seconds(30)));
    const before = (await readRegistryRow(pool, id)) ?? expect.fail();
    const data = { node_version: '2.0.0', endpoints: {}, capabilities: ['z'] };
    await apply(write().put, upsert(id, 1, data));
    await run(write().put, upsert(id, 1, { ...data, correlation_id: 'other' }));
    expect(before.state).toBe('ACTIVE');
    expect(await readRegistryRow(pool, id)).toEqual({ ...before, ...data, updated_at: expect.any(String) as string });
  });

  test('stays as it ended: what is ignored is not done, and a repeat of the end is', async () => {
    const id = randomUUID();
    await apply(write().put, upsert(id, 1));
    await apply(write().set, active(id, 1, seconds(30)));
    const end = ended(id, 1, 'LIVENESS_EXPIRED', 'no heartbeat');
    await apply(write().set, end);
    const before = await readRegistryRow(pool, id);
    expect(before).toMatchObject({ state: 'LIVENESS_EXPIRED', reason: 'no heartbeat', lease_deadline: null });
    expect(before?.ended_at).not.toBeNull();
    await apply(write().set, end);
    for (const late of [
      run(write().put, upsert(id, 1)),
      run(write().set, active(id, 1, seconds(30))),
      run(write().set, update(id, 1, { state: 'ACTIVE' })),
      run(write().set, ended(id, 1, 'DEREGISTERED')),
    ]) {
      expect(await late).toEqual({ done: false, fenced_by: 1 });
    }
    expect(await readRegistryRow(pool, id)).toEqual(before);
    expect(await leaseOf(pool, id)).toBeUndefined();
  });

  test('is begun anew by a higher attempt', async () => {
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
    await apply(write().set, ended(id, 1, 'REJECTED', 'version 0.9.0 is too old'));
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
