import type { Sql } from './pool.js';

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
  // A table that is not there yet would be an error in the log of the server.
  const { rows: tables } = await sql.query<{ is_there: boolean }>(
    "select to_regclass('installation') is not null as is_there",
  );
  if (tables[0]?.is_there !== true) return null;
  const { rows } = await sql.query<{ environment: string }>('select environment from installation');
  return rows[0]?.environment;
}
