import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { migrate } from '../../../src/registry/migrate.js';
import { createPool } from '../../../src/registry/pool.js';
import { servers } from '../servers.js';

export interface Database {
  readonly pool: Pool;
  readonly url: string;
  /** Runs a statement that may take minutes, such as one that stores a large fleet; the pool's take 4 s at most. */
  readonly fill: (statement: string) => Promise<void>;
  /** Ends the pools and removes the database. */
  readonly drop: () => Promise<void>;
}

/**
 * A migrated database of its own on the shared server: what a test counts there is all there is.
 *
 * @param subject part of its name, for people who find one
 */
export async function openDatabase(subject: string): Promise<Database> {
  const name = `${subject}_${randomUUID().replaceAll('-', '')}`;
  const admin = createPool(servers().databaseUrl, { max: 1 });
  await admin.query(`create database ${name}`);
  const url = new URL(servers().databaseUrl);
  url.pathname = `/${name}`;
  await migrate(url.href);
  const pool = createPool(url.href);
  const filling = createPool(url.href, { max: 1, statementTimeoutMs: 120_000 });
  const fill = async (statement: string): Promise<void> => {
    await filling.query(statement);
  };
  const drop = async (): Promise<void> => {
    await pool.end();
    await filling.end();
    await admin.query(`drop database ${name}`);
    await admin.end();
  };
  return { pool, url: url.href, fill, drop };
}
