import { fileURLToPath } from 'node:url';
import pg from 'pg';
import Postgrator from 'postgrator';
import { watchForLoss } from './pool.js';

/** An arbitrary number, the same in every version of the registrar. */
const MIGRATION_LOCK = 7_246_110_032;

const folder = fileURLToPath(new URL('./migrations/', import.meta.url));

/**
 * Brings the schema up to this version of the registrar, in one transaction
 * under an advisory lock: two processes may do it at once, and one that is
 * killed half-way leaves nothing behind. A database that is already newer is
 * left as it is.
 *
 * @returns numbers of the migrations that were applied now
 */
export async function migrate(connectionString: string | undefined): Promise<number[]> {
  const client = new pg.Client({
    ...(connectionString === undefined ? {} : { connectionString }),
    application_name: 'node-registrar migrate',
    connectionTimeoutMillis: 10_000,
    statement_timeout: 120_000,
  });
  const loss = watchForLoss(client);
  await client.connect();
  try {
    await client.query('begin');
    await client.query('select pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    const postgrator = new Postgrator({
      driver: 'pg',
      schemaTable: 'node_registrar_migrations',
      // Brackets and stars in the folder's own name are no pattern.
      migrationPattern: `${folder.replace(/[?*()[\]{}]/g, '[$&]')}*.sql`,
      newline: 'LF',
      execQuery: (text) => client.query(text),
    });
    const newest = await postgrator.getMaxVersion();
    if (!Number.isFinite(newest)) throw new Error(`no migrations found in ${folder}: the installation is incomplete`);
    const current = await postgrator.getDatabaseVersion();
    const applied = current > newest ? [] : await postgrator.migrate(String(newest));
    await client.query('commit');
    return applied.map(({ version }) => version);
  } catch (error) {
    throw loss.reason ?? error;
  } finally {
    // Ends an open transaction too, and with it the lock.
    await client.end();
  }
}
