import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPool } from '../../src/registry/pool.js';
import { makeCertificates } from '../run/certificates.js';
import { temporaryFolder } from '../run/temporary-folder.js';
import { folderOf, ownFile, postgresPrograms, PostgresServer } from './postgres-cluster.js';

const bin = await postgresPrograms();
const why = bin === undefined ? ' (skipped: psql or pg_basebackup is missing)' : '';

describe.skipIf(bin === undefined)(`a PostgreSQL of others${why}`, () => {
  const folder = temporaryFolder('postgres');
  const strange = ['trusted', 'others'].map((name) => join(folder, name));
  const PASSWORD = `p@ss:w/o?r#d %41,'"\\ü`;
  let primary: PostgresServer;

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
      'host all registrar 127.0.0.1/32 trust',
      'host replication registrar 127.0.0.1/32 trust',
    ]);
    await primary.start({
      ssl: 'on',
      ssl_cert_file: server.cert,
      ssl_key_file: await ownFile(server.key, join(folder, 'primary/server.key')),
      ssl_ca_file: join(trusted, 'ca.pem'),
    });
    for (const role of ['with_tls', 'without_tls', 'by_cert'])
      await primary.ask(`create role ${role} login password '${PASSWORD.replaceAll("'", "''")}'`);
  });
  afterAll(() => primary.kill());

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
