import { Connection } from '@temporalio/client';
import pRetry from 'p-retry';
import { environmentName } from '../bridge/bridge-topics.js';
import type { Config } from '../config/index.js';
import { errorText } from '../error-text.js';
import { claimDatabase } from '../registry/installation.js';
import { createPool, placeOf } from '../registry/pool.js';
import { claimNamespace } from '../runs/namespace-owner.js';
import { logger } from '../telemetry.js';
import { temporalOptions } from './connect.js';
import { CliError, EXIT } from './terminal/exit-codes.js';

/**
 * Makes sure that the database and Temporal's namespace are this installation's, and takes what is nobody's. Servers
 * that are not there yet are waited for.
 *
 * @param role who waits, for the log
 * @throws CliError where one of the two belongs to another environment; it says what to set
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

/** @throws CliError where the database belongs to another environment */
export async function claimOwnDatabase(config: Config): Promise<void> {
  const mine = environmentName(config);
  const pool = createPool(config.postgres.connectionString, { max: 1 });
  try {
    const owner = await claimDatabase(pool, mine);
    if (owner !== null && owner !== mine)
      throw ofAnother(`The database at ${placeOf(pool)}`, owner, mine, 'DATABASE_URL to a database of its own');
  } finally {
    await pool.end();
  }
}

/** @throws CliError where Temporal's namespace belongs to another environment */
export async function claimOwnNamespace(config: Config): Promise<void> {
  const mine = environmentName(config);
  const { address, namespace } = config.temporal;
  const connection = await Connection.connect(temporalOptions(config));
  try {
    const owner = await claimNamespace(connection, namespace, mine);
    if (owner !== mine)
      throw ofAnother(
        `Namespace ${namespace} of Temporal at ${address}`,
        owner,
        mine,
        'TEMPORAL_NAMESPACE to a namespace of its own',
      );
  } finally {
    await connection.close();
  }
}

function ofAnother(what: string, owner: string, mine: string, own: string): CliError {
  return new CliError(`${what} belongs to the installation '${owner}', and this one is '${mine}'`, EXIT.unreachable, {
    hint:
      `If '${owner}' is meant, set REGISTRAR_ENV and REGISTRAR_NAMESPACE to it. If not, set ${own} (with servers of ` +
      'ours, another REGISTRAR_DATA_DIR): two installations on one would take each other’s nodes for theirs.',
  });
}
