import type { Config } from '../../config.js';
import type { Contracts } from '../../contracts/load.js';
import { migrate } from '../../registry/migrate.js';
import { createPool, placeOf } from '../../registry/pool.js';
import { createSearchAttributes, createTopics } from '../../stack/index.js';
import { unreachable } from '../connect.js';
import { CliError } from '../terminal/exit-codes.js';
import { allTopics } from './all-topics.js';

/**
 * Several bridges can share the work, and a node's messages stay in order within a partition; fixed, for a node must
 * keep its own.
 */
const PARTITIONS = 6;

/**
 * What the servers must hold before the first node comes: tables, topics, search attributes. Harmless when repeated.
 */
export async function prepare(config: Config, contracts: Contracts, log: (text: string) => void): Promise<void> {
  const { temporal, kafka, postgres } = config;
  const access = {
    ...(temporal.apiKey === undefined ? {} : { apiKey: temporal.apiKey }),
    ...(temporal.tls === undefined ? {} : { tls: temporal.tls }),
  };
  const [applied, { created }] = await Promise.all([
    migrate(postgres.connectionString).catch((error: unknown) => gone('postgres', postgresPlace(config), error)),
    createTopics(kafka.brokers, allTopics(contracts, config), { partitions: PARTITIONS, warn: log }).catch(
      (error: unknown) => gone('kafka', kafka.brokers.join(', '), error),
    ),
    createSearchAttributes(temporal.address, temporal.namespace, access).catch((error: unknown) =>
      gone('temporal', temporal.address, error),
    ),
  ]);
  if (applied.length > 0) log(`database migrated to version ${applied.at(-1)}`);
  if (created.length > 0) log(`${created.length} topics created`);

  function gone(server: 'postgres' | 'kafka' | 'temporal', where: string, error: unknown): never {
    // A sentence written for people stays as it is.
    if (error instanceof CliError || (error instanceof Error && error.name === 'StackError')) throw error;
    throw unreachable(config, server, where, error);
  }
}

/** Host, port and database, without the password. */
export function postgresPlace({ postgres }: Config): string {
  const pool = createPool(postgres.connectionString, { max: 1 });
  try {
    return placeOf(pool);
  } finally {
    // It never connected, so nothing can fail.
    void pool.end();
  }
}
