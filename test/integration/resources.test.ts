import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postgresUpdateRegistration } from '../../activities/postgres-update-registration.js';
import { postgresUpsertRegistration } from '../../activities/postgres-upsert-registration.js';
import { verifyLease } from '../../activities/verify-lease.js';
import { checkClocks } from '../../src/cli/doctor/clock-checks.js';
import { readProcessClocks, storeProcessClock } from '../../src/registry/clocks.js';
import { checkRegistry } from '../../src/cli/doctor/registry-checks.js';
import { createPool } from '../../src/registry/pool.js';
import { readRegistryRow } from '../../src/registry/rows/read-registry-row.js';
import { eventually, Installation } from './installation.js';
import { active, environment, run, seconds, upsert } from './registry/requests.js';

let registrar: Installation;
beforeAll(async () => {
  registrar = await Installation.start();
});
afterAll(() => registrar.stop());

/** How many statements wait for a lock of another session now. */
async function waiting(): Promise<number> {
  const { rows } = await registrar.pool.query<{ count: number }>(
    "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and application_name = 'node-registrar'",
  );
  return rows[0]?.count ?? 0;
}

/** Locks a node's row of a table until it is released. */
async function lock(table: string, node_id: string): Promise<() => Promise<void>> {
  const locker = await registrar.pool.connect();
  await locker.query('begin');
  await locker.query(`select from ${table} where node_id = $1 for update`, [node_id]);
  return async () => {
    await locker.query('rollback');
    locker.release();
  };
}

describe('a statement of PostgreSQL', () => {
  it('ends with its activity: when that is cancelled the server stops it, and it changes nothing later', async () => {
    const node_id = randomUUID();
    await run(postgresUpdateRegistration(registrar.pool), active(node_id, 1, seconds(30)));
    await registrar.pool.query("update node_leases set deadline = now() - interval '1 hour' where node_id = $1", [
      node_id,
    ]);
    const verify = verifyLease(registrar.pool, {
      heartbeatTopics: ['any'],
      contractVersion: () => '1',
      selfPreservation: registrar.contracts.selfPreservation,
      isSwept: true,
    });
    const question = { node_id, attempt: 1, window_seconds: 90, grace_seconds: 15 };
    await registrar.pool.query(
      "insert into stream_watermarks (topic, partition, next_offset, watermark) values ('any', 0, 1, now())",
    );
    const release = await lock('node_leases', node_id);
    const asked = environment();
    const answer = asked.run(verify, question);
    await eventually('the statement waits', 30, async () => (await waiting()) === 1);
    const cancelled = Date.now();
    asked.cancel('TIMED_OUT');
    await expect(answer).rejects.toThrow('TIMED_OUT');
    await eventually('the statement is over', 3, async () => (await waiting()) === 0);
    // Long before its own limit of four seconds.
    expect(Date.now() - cancelled).toBeLessThan(2_500);
    await release();
    const { rows } = await registrar.pool.query('select expired_at from node_leases where node_id = $1', [node_id]);
    expect(rows).toEqual([{ expired_at: null }]);
  });

  it('does not begin for an activity that ended while it waited for a connection', async () => {
    const node_id = randomUUID();
    const pool = createPool(registrar.config.postgres.connectionString, { max: 1 });
    const taken = await pool.connect();
    const asked = environment();
    const answer = asked.run(postgresUpsertRegistration(pool), upsert(node_id, 1));
    asked.cancel('CANCELLED');
    taken.release();
    await expect(answer).rejects.toThrow('CANCELLED');
    await pool.end();
    expect(await readRegistryRow(registrar.pool, node_id)).toBeNull();
  });

  it('of a node’s run is alone, however often its activity gives up and is tried again', async () => {
    const node = registrar.node();
    await node.start();
    const release = await lock('node_registrations', node.node_id);
    const most = { waiting: 0 };
    const leaving = node.stop();
    const end = Date.now() + 8_000;
    while (Date.now() < end) {
      most.waiting = Math.max(most.waiting, await waiting());
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await release();
    await leaving;
    expect(most.waiting).toBe(1);
    await eventually('it has left', 20, async () => {
      const row = await readRegistryRow(registrar.pool, node.node_id);
      return row?.state === 'DEREGISTERED';
    });
  });
});

describe('the doctor', () => {
  it('compares the clocks of Kafka, PostgreSQL and Temporal with this machine’s, and the worker’s with PostgreSQL’s', async () => {
    const found = async () =>
      (await checkClocks(registrar.config, registrar.contracts)).map((one): unknown[] => Object.values(one));
    const what = ['Kafka', 'PostgreSQL', 'Temporal'].map((name) => `the clock of ${name} and this machine’s`);
    const mine = expect.stringMatching(/^the clock of worker \d+@.+ and PostgreSQL’s$/) as string;
    const near = expect.stringMatching(/^(the same|0\.\d\d s (ahead|behind)), give or take \d\.\d\d s$/) as string;
    await eventually('the worker has compared its clock', 20, async () => (await readProcessClocks(registrar.pool))[0]);
    expect(await found()).toEqual([...what, mine].map((one) => ['clocks', one, true, near, null]));
    const { now } = Date;
    Date.now = () => now() + 90_000;
    const behind = expect.stringMatching(/^(89|90)\.\d\d s behind, give or take/) as string;
    const todo = expect.stringContaining('NTP') as string;
    try {
      expect((await found()).slice(0, 3)).toEqual(what.map((one) => ['clocks', one, false, behind, todo]));
    } finally {
      Date.now = now;
    }
    const off = { role: 'bridge', process: '7@elsewhere', seconds: -90, within: 0.01 } as const;
    await storeProcessClock(registrar.pool, off);
    expect((await found())[3]).toEqual([
      'clocks',
      'the clock of bridge 7@elsewhere and PostgreSQL’s',
      false,
      '90.00 s behind, give or take 0.01 s',
      todo,
    ]);
    // Of those that do not run any more, nothing is said.
    await registrar.pool.query("update process_clocks set compared_at = now() - interval '4 minutes'");
    expect((await found())[3]).toEqual([
      'clocks',
      'the clocks of worker and bridge, and PostgreSQL’s',
      true,
      'not compared: none runs, or each began just now',
      null,
    ]);
  });

  it('names a topic that is not read up to now', async () => {
    const looked = async () =>
      (await checkRegistry(registrar.config, registrar.contracts, { running: true })).find(({ what }) =>
        what.startsWith('heartbeats and acks'),
      );
    await eventually('all is read', 20, async () => (await looked())?.ok);
    await registrar.stopBridge();
    await registrar.pool.query("update stream_watermarks set watermark = watermark - interval '5 minutes'");
    expect(await looked()).toMatchObject({
      ok: false,
      found: expect.stringMatching(/node-heartbeat.* is read up to 3\d\d s ago/) as string,
    });
  });
});
