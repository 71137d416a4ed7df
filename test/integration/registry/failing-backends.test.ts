import { randomUUID } from 'node:crypto';
import { createServer, type AddressInfo } from 'node:net';
import type { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { REFUSED, UNAVAILABLE } from '../../../activities/api.js';
import { consulRegister } from '../../../activities/consul-register.js';
import { postgresUpdateRegistration } from '../../../activities/postgres-update-registration.js';
import { postgresUpsertRegistration } from '../../../activities/postgres-upsert-registration.js';
import { verifyAcksRead } from '../../../activities/verify-acks-read.js';
import { Catalog } from '../../../src/registry/consul/catalog.js';
import { createPool, inTransaction } from '../../../src/registry/pool.js';
import { readLastAttempt } from '../../../src/registry/rows/read-last-attempt.js';
import { servers } from '../servers.js';
import { openDatabase } from './database.js';
import { environment, failureOf, identity, INTROSPECTED, request, run, update, upsert } from './requests.js';

let pool: Pool;
let catalog: Catalog;
let drop: () => Promise<void>;
beforeAll(async () => {
  ({ pool, drop } = await openDatabase('failing'));
  catalog = new Catalog({ address: servers().consulAddress });
});
afterAll(async () => {
  catalog.close();
  await drop();
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
      `Consul at http://127.0.0.1:${port} did not register node ${id} (test://${id}), registration attempt 1: connect ECONNREFUSED 127.0.0.1:${port}; retried until it does (this was try 1)`,
    );
    const down = createPool(`postgres://somebody:secret@127.0.0.1:${port}/somewhere`);
    const postgres = await failureOf(run(postgresUpsertRegistration(down), upsert(id, 1)));
    expect(postgres).toMatchObject({ type: UNAVAILABLE, nonRetryable: false });
    expect(postgres.message).toContain(
      `PostgreSQL at 127.0.0.1:${port}/somewhere did not write the registry row of node ${id} (test://${id}), registration attempt 1: connect ECONNREFUSED`,
    );
    expect(postgres.message).not.toContain('secret');
    expect(await failureOf(run(verifyAcksRead(down, { ackTopics: ['t'] }), INTROSPECTED))).toMatchObject({
      type: UNAVAILABLE,
    });
    await down.end();
  });

  // Two at once: each waits until a time limit is over.
  test.concurrent('that accepts and never answers is unavailable, by a time limit of ours', async () => {
    const { port, close } = await listening('hang');
    const hung = createPool(`postgres://somebody@127.0.0.1:${port}/somewhere`);
    const failures = await Promise.all([
      failureOf(run(consulRegister(new Catalog({ address: `127.0.0.1:${port}` })), service())),
      failureOf(run(postgresUpsertRegistration(hung), upsert(id, 1))),
    ]);
    failures.forEach((each) =>
      expect(each).toMatchObject({ type: UNAVAILABLE, message: expect.stringMatching(/time(d )?out/i) as string }),
    );
    close();
    await hung.end();
  });

  test.concurrent('that holds a lock too long is unavailable, and its statement is over', async () => {
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
    bare.search = '?options=-c%20search_path%3Dpg_catalog';
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
      /^Consul at http.* refused to register node node-42 \(test:\/\/node-42\), registration attempt 1: .*Couldn't load metadata pair.*registrar retry node-42$/,
    );

    const postgres = await failureOf(
      run(postgresUpsertRegistration(pool), upsert(id, 1, { node_version: 'a\u0000b' })),
    );
    expect(postgres).toMatchObject({ type: REFUSED });
    expect(postgres.message).toMatch(
      /^PostgreSQL at .* refused to write the registry row of node node-42 \(test:\/\/node-42\), registration attempt 1: invalid byte sequence.*registrar retry node-42$/,
    );
  });

  test('is not called for what an intent’s template left out', async () => {
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
      const cancelledOne = environment();
      cancelledOne.cancel('CANCELLED');
      await expect(cancelledOne.run(effect, upsert(cancelled, 1))).rejects.toThrow('CANCELLED');
    }
    expect(await readLastAttempt(pool, cancelled)).toBeNull();
    expect(await catalog.instance(cancelled)).toBeNull();
  });
});
