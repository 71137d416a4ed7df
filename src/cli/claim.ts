import { Connection } from '@temporalio/client';
import pRetry from 'p-retry';
import { environmentName } from '../protocol/topics.js';
import type { Config } from '../config/index.js';
import { errorText } from '../error-text.js';
import { claimDatabase } from '../registry/installation.js';
import { createPool } from '../registry/pool.js';
import { claimNamespace } from '../runs/namespace-owner.js';
import { logger } from '../telemetry.js';
import { temporalOptions } from './connect.js';
import { refuseDatabaseOf, refuseNamespaceOf } from './ownership.js';
import { CliError } from './terminal/exit-codes.js';

/**
 * Makes sure that the database and Temporal's namespace are this installation's, and takes what is nobody's. Servers
 * that are not there yet are waited for.
 *
 * @param role who waits, for the log
 * @throws ServerOfAnother where one of the two belongs to another environment; it says what to set
 */
export async function claimServers(config: Config, role: 'worker' | 'bridge', signal: AbortSignal): Promise<void> {
  const patiently = (server: string, claim: () => Promise<void>): Promise<void> => {
    let said = false;
    return pRetry(claim, {
      ...{ retries: Infinity, minTimeout: 200, factor: 1.5, maxTimeout: 5_000, signal },
      shouldRetry: ({ error }) => !(error instanceof CliError),
      onFailedAttempt({ error }) {
        if (!said) logger(role).info({ reason: errorText(error) }, `waiting for ${server}`);
        said = true;
      },
    });
  };
  await Promise.all([
    patiently('PostgreSQL', () => claimOwnDatabase(config)),
    patiently('Temporal', () => claimOwnNamespace(config)),
  ]);
}

/** @throws ServerOfAnother where the database belongs to another environment */
export async function claimOwnDatabase(config: Config): Promise<void> {
  const pool = createPool(config.postgres.connectionString, { max: 1 });
  try {
    refuseDatabaseOf(await claimDatabase(pool, environmentName(config)), config, pool);
  } finally {
    await pool.end();
  }
}

/** @throws ServerOfAnother where Temporal's namespace belongs to another environment */
export async function claimOwnNamespace(config: Config): Promise<void> {
  const connection = await Connection.connect(temporalOptions(config));
  try {
    const { namespace } = config.temporal;
    refuseNamespaceOf(await claimNamespace(connection, namespace, environmentName(config)), config);
  } finally {
    await connection.close();
  }
}
