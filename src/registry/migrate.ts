import { fileURLToPath } from 'node:url';
import type { ClientBase } from 'pg';
import Postgrator from 'postgrator';
import { createPool, inTransaction } from './pool.js';

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
export async function migrate(connectionString: string): Promise<number[]> {
  const pool = createPool(connectionString, { max: 1, connectTimeoutMs: 10_000, statementTimeoutMs: 120_000 });
  try {
    return await inTransaction(pool, migrateWith);
  } finally {
    await pool.end();
  }
}

async function migrateWith(client: ClientBase): Promise<number[]> {
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
  return applied.map(({ version }) => version);
}
