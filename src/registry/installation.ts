import type { Sql } from './pool.js';

/** PostgreSQL's code for a table that is not there. */
const UNDEFINED_TABLE = '42P01';

/**
 * Whose database this is. A database belongs to the environment that has used it first.
 *
 * @param environment who asks, and takes a database that is nobody's
 * @returns the environment to which it belongs; null: its tables are older, and do not say
 */
export async function claimDatabase(sql: Sql, environment: string): Promise<string | null> {
  const owner = await databaseOwner(sql);
  if (owner !== undefined) return owner;
  // Of two that come at once one is first, and both read who it was.
  await sql.query('insert into installation (environment) values ($1) on conflict do nothing', [environment]);
  return (await databaseOwner(sql)) ?? null;
}

/** The environment to which a database belongs; null: its tables are older, and do not say; undefined: to none. */
export async function databaseOwner(sql: Sql): Promise<string | null | undefined> {
  try {
    const { rows } = await sql.query<{ environment: string }>('select environment from installation');
    return rows[0]?.environment;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === UNDEFINED_TABLE) return null;
    throw error;
  }
}
