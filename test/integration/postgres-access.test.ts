import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkRegistry } from '../../src/cli/doctor/registry-checks.js';
import { openSources } from '../../src/cli/open-sources.js';
import { pageActions } from '../../src/cli/ui/page-actions.js';
import type { Config } from '../../src/config/index.js';
import type { RegisteredNode } from '../../src/node/index.js';
import { migrate } from '../../src/registry/migrate.js';
import { createPool } from '../../src/registry/pool.js';
import { makeCertificates } from '../run/certificates.js';
import { temporaryFolder } from '../run/temporary-folder.js';
import { eventually, Installation } from './installation.js';
import { findPgBouncer, startPgBouncer } from './pgbouncer.js';
import { folderOf, ownFile, postgresPrograms, PostgresServer } from './postgres-cluster.js';

const bin = await postgresPrograms();
const why = bin === undefined ? ' (skipped: psql or pg_basebackup is missing)' : '';

describe.skipIf(bin === undefined)(`a PostgreSQL of others${why}`, () => {
  const folder = temporaryFolder('postgres');
  const strange = ['trusted', 'others'].map((name) => join(folder, name));
  const PASSWORD = `p@ss:w/o?r#d %41,'"\\ü`;
  let primary: PostgresServer;
  /** What ends what a test has started, the last first. */
  const ends: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    const [trusted = '', others = ''] = await Promise.all(
      strange.map((path) => folderOf(folder, path.slice(folder.length + 1))),
    );
    const { server } = makeCertificates(trusted, 'DNS:localhost', 'by_cert');
    makeCertificates(others, 'DNS:localhost', 'by_cert');
    primary = await PostgresServer.create(bin ?? '', folder, [
      'hostssl all by_cert 127.0.0.1/32 cert',
      'hostssl all with_tls 127.0.0.1/32 scram-sha-256',
      'hostnossl all without_tls 127.0.0.1/32 scram-sha-256',
      'host all registrar,registrar_owner,registrar_run 127.0.0.1/32 trust',
      'host replication registrar 127.0.0.1/32 trust',
    ]);
    ends.push(() => primary.kill());
    await primary.start({
      ssl: 'on',
      ssl_cert_file: server.cert,
      ssl_key_file: await ownFile(server.key, join(folder, 'primary/server.key')),
      ssl_ca_file: join(trusted, 'ca.pem'),
    });
    for (const role of ['with_tls', 'without_tls', 'by_cert'])
      await primary.ask(`create role ${role} login password '${PASSWORD.replaceAll("'", "''")}'`);
  });
  afterAll(async () => {
    for (const end of ends.reverse()) await end();
  });

  it('is connected to as psql connects to it, by the same URL', async () => {
    const [trusted, others] = strange.map((path) => `sslrootcert=${path}/ca.pem`);
    const certificate = `sslcert=${strange[0]}/client.pem&sslkey=${strange[0]}/client.key`;
    const rows: readonly (readonly [string, string, string, string | null])[] = [
      ['with_tls', 'localhost', 'sslmode=disable', null],
      ['with_tls', 'localhost', 'sslmode=allow', 't'],
      ['with_tls', 'localhost', '', 't'],
      ['with_tls', 'localhost', 'sslmode=prefer', 't'],
      ['with_tls', 'localhost', 'sslmode=require', 't'],
      ['with_tls', 'localhost', `sslmode=require&${trusted}`, 't'],
      ['with_tls', 'localhost', `sslmode=require&${others}`, null],
      ['with_tls', 'localhost', 'sslmode=verify-ca', null],
      ['with_tls', '127.0.0.1', `sslmode=verify-ca&${trusted}`, 't'],
      ['with_tls', '127.0.0.1', `sslmode=verify-ca&${others}`, null],
      ['with_tls', 'localhost', `sslmode=verify-full&${trusted}`, 't'],
      ['with_tls', '127.0.0.1', `sslmode=verify-full&${trusted}`, null],
      ['without_tls', 'localhost', 'sslmode=disable', 'f'],
      ['without_tls', 'localhost', 'sslmode=allow', 'f'],
      ['without_tls', 'localhost', 'sslmode=prefer', 'f'],
      ['without_tls', 'localhost', `sslmode=prefer&${others}`, 'f'],
      ['without_tls', 'localhost', 'sslmode=require', null],
      ['by_cert', 'localhost', `sslmode=verify-full&${trusted}&${certificate}`, 't'],
      ['by_cert', 'localhost', `sslmode=verify-full&${trusted}`, null],
      ['with_tls', '127.0.0.1:1,localhost', 'sslmode=require', 't'],
      ['with_tls', '127.0.0.1:1,localhost', 'sslmode=require&target_session_attrs=read-write', 't'],
      ['with_tls', 'localhost', 'sslmode=require&target_session_attrs=standby', null],
    ];
    const question = 'select ssl from pg_stat_ssl where pid = pg_backend_pid()';
    const found = await Promise.all(
      rows.map(async ([role, host, parameters]) => {
        const login = `${role}:${encodeURIComponent(PASSWORD)}`;
        const url = `postgresql://${login}@${host}:${primary.port}/postgres?${parameters}`;
        return [role, host, parameters, await ours(url, question), await primary.psql(url, question)];
      }),
    );
    expect(found).toEqual(rows.map(([role, host, parameters, tls]) => [role, host, parameters, tls, tls]));
  });

  it.for(['transaction', 'session'] as const)(
    'registers nodes behind a PgBouncer in %s mode, with the roles of the documentation',
    async (mode, { skip }) => {
      const program = await findPgBouncer(folder);
      if (program === undefined) return skip('PgBouncer is not installed, and Debian’s package cannot be had');
      const pooler = await startPgBouncer(program, folder, { mode, target: primary.port });
      const database = `fleet_${mode}`;
      ends.push(pooler.stop);
      await documentedRoles(database);
      const url = (port: number, role: string) => `postgresql://${role}@127.0.0.1:${port}/${database}`;
      // `registrar setup` is the owner's, who is no superuser.
      const owner = url(pooler.port, 'registrar_owner');
      expect(await primary.psql(owner, 'show is_superuser')).toBe('off');
      await migrate(owner);
      const config = { connectionString: url(pooler.port, 'registrar_run') };
      const pool = createPool(config.connectionString);
      expect(await primary.psql(config.connectionString, 'select current_user')).toBe('registrar_run');
      await expect(pool.query('create table mine ()')).rejects.toThrow('permission denied for schema public');
      const registrar = await Installation.prepare();
      const limited = { ...registrar.config, postgres: config };
      expect(await checkRegistry(limited, null, { running: false })).toMatchObject([
        { ok: true },
        { ok: true },
        { ok: true },
        { ok: true },
      ]);
      await Promise.all([registrar.startWorker(limited), registrar.startBridge(pool)]);
      const nodes = Array.from({ length: 20 }, () => registrar.node());
      await Promise.all(nodes.map((node) => node.start()));
      await eventually('all are active', 60, async () => (await statesOf(pool))['ACTIVE'] === nodes.length);
      await pageShowsAndDrains(limited, registrar, nodes);
      const { rows } = await pool.query<{ holders: number }>('select count(*)::int as holders from sweep_leases');
      expect(rows).toEqual([{ holders: 1 }]);
      const sweeps = registrar.counters()?.sweeps ?? 0;
      await eventually('it goes on sweeping', 20, () => (registrar.counters()?.sweeps ?? 0) >= sweeps + 2);
      // A statement that takes too long is ended by the role's setting: PgBouncer passes no startup parameter on.
      await expect(pool.query('select pg_sleep(4.3)')).rejects.toThrow('statement timeout');
      await registrar.stop();
      await pool.end();
    },
  );

  it('loses no node in a failover: the primary is killed with -9, its standby promoted, and nodes start all the time', async () => {
    const standby = await primary.standby(folder);
    ends.push(() => standby.kill());
    await standby.start();
    // What the primary has committed the standby has, too.
    await primary.ask("alter system set synchronous_standby_names = '*'");
    await primary.ask('select pg_reload_conf()');
    await primary.ask('create database fleet');
    const hosts = [primary, standby].map(({ port }) => `127.0.0.1:${port}`).join(',');
    const connectionString = `postgresql://registrar@${hosts}/fleet?target_session_attrs=read-write`;
    await migrate(connectionString);
    const pool = createPool(connectionString, { onConnectionLost: () => undefined });
    const registrar = await Installation.prepare();
    ends.push(() => registrar.stop());
    await Promise.all([
      registrar.startWorker({ ...registrar.config, postgres: { connectionString } }),
      registrar.startBridge(pool),
    ]);
    const nodes = Array.from({ length: 60 }, () => registrar.node());
    const active = (): Promise<number> =>
      statesOf(pool).then(
        ({ ACTIVE = 0 }) => ACTIVE,
        () => 0,
      );
    const started: Promise<unknown>[] = [];
    const startUpTo = (count: number): void =>
      void started.push(...nodes.slice(started.length, count).map((node) => node.start()));
    startUpTo(20);
    await eventually('some are active', 60, async () => (await active()) >= 10);
    const before = await active();
    startUpTo(30);
    await primary.kill('SIGKILL');
    startUpTo(40);
    expect(await standby.ask('select pg_promote()')).toEqual([{ pg_promote: true }]);
    const promoted = performance.now();
    startUpTo(60);
    await eventually('all are active', 120, async () => (await active()) === nodes.length);
    const seconds = (performance.now() - promoted) / 1_000;
    await Promise.all(started);
    const count = "select count(*) from node_registrations where state = 'ACTIVE'";
    expect(await standby.psql(connectionString, count)).toBe(String(nodes.length));
    console.info(
      `failover: ${before} active before the kill, ${nodes.length} of ${nodes.length} ${seconds.toFixed(1)} s after the promotion`,
    );
    await pool.end();
  });

  /** What `registrar ui` reads and does, on all of its tables. */
  async function pageShowsAndDrains(
    limited: Config,
    { contracts }: Installation,
    nodes: readonly RegisteredNode[],
  ): Promise<void> {
    const page = await openSources(limited, contracts, pino({ level: 'silent' }));
    expect((await page.sources.readFleet(null)).rows).toHaveLength(nodes.length);
    const node_id = nodes[0]?.node_id ?? '';
    expect(await pageActions(limited).drain(node_id, { who: 'somebody', why: 'a new disk' })).toContain('is DRAINING');
    const { acts } = await page.sources.activity();
    expect(acts).toMatchObject([{ who: 'somebody', what: 'drain', node_id, refused: false }]);
    expect(await page.sources.node(node_id, null)).toMatchObject({ id: node_id });
    expect(await page.registry.node(node_id)).toMatchObject({ node: { node_id }, lease: expect.anything() as unknown });
    expect(await page.registry.page({}, '', 1)).toHaveLength(1);
    expect((await page.registry.changesEnd()).origin).not.toBe('');
    const health = await eventually('the page has looked at everything', 20, () => {
      const seen = page.sources.health();
      return seen.self_preservation !== null && seen;
    });
    expect(health.backends.find(({ name }) => name === 'PostgreSQL')).toMatchObject({ verdict: 'ok', failure: null });
    await page.sources.close();
    await page.close();
  }

  /** Runs the SQL of docs/production.md, as a superuser, in a new database of an owner who is none. */
  async function documentedRoles(database: string): Promise<void> {
    const exists = await primary.ask("select from pg_roles where rolname = 'registrar_run'");
    if (exists.length === 0) await primary.ask('create role registrar_owner login');
    await primary.ask(`create database ${database} owner registrar_owner`);
    const page = readFileSync(join(import.meta.dirname, '../../docs/production.md'), 'utf8');
    const sql = /```sql\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
    const statements = exists.length > 0 ? sql.replace(/^create role [\s\S]*?;$/gm, '') : sql;
    expect(await primary.psql(primary.url.replace(/postgres$/, database), statements)).not.toBeNull();
  }

  const statesOf = async (pool: Pool): Promise<Record<string, number>> => {
    const { rows } = await pool.query<{ state: string; count: number }>(
      'select state, count(*)::int as count from node_registrations group by state',
    );
    return Object.fromEntries(rows.map(({ state, count }) => [state, count]));
  };

  async function ours(url: string, question: string): Promise<string | null> {
    try {
      const pool = createPool(url, { max: 1 });
      try {
        return (await pool.query<{ ssl: boolean }>(question)).rows[0]?.ssl === true ? 't' : 'f';
      } finally {
        await pool.end();
      }
    } catch (error) {
      expect(String((error as Error).stack)).not.toContain('p@ss');
      return null;
    }
  }
});
