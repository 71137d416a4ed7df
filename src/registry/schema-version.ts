import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Sql } from './pool.js';

export interface SchemaVersion {
  /** null: never migrated. */
  readonly current: number | null;
  /** What this version of the registrar brings. */
  readonly newest: number;
}

/** Which migrations the database has, and which there are. */
export async function schemaVersion(sql: Sql): Promise<SchemaVersion> {
  const files = readdirSync(fileURLToPath(new URL('./migrations/', import.meta.url)));
  const newest = Math.max(0, ...files.flatMap((file) => (/^\d+\.do\./.test(file) ? [Number.parseInt(file, 10)] : [])));
  const table = await sql.query<{ known: boolean }>(
    "select to_regclass('node_registrar_migrations') is not null as known",
  );
  if (table.rows[0]?.known !== true) return { current: null, newest };
  const { rows } = await sql.query<{ version: number | null }>(
    'select max(version)::integer as version from node_registrar_migrations',
  );
  return { current: rows[0]?.version ?? null, newest };
}
