import { Client, type Connection } from '@temporalio/client';
import type { Pool } from 'pg';
import { environmentName } from '../protocol/topics.js';
import type { Config } from '../config/index.js';
import { databaseOwner } from '../registry/installation.js';
import { databaseAddress } from '../registry/pool.js';
import { namespaceOwner } from '../runs/namespace-owner.js';
import { CliError, EXIT } from './terminal/exit-codes.js';

/** A database or a namespace that another installation has used first. */
export class ServerOfAnother extends CliError {}

/** @throws ServerOfAnother where the database belongs to another environment; one that is nobody's is let pass */
export async function refuseAnothersDatabase(config: Config, pool: Pool): Promise<void> {
  refuseDatabaseOf(await databaseOwner(pool), config, pool);
}

/** @throws ServerOfAnother where the namespace belongs to another environment; one that is nobody's is let pass */
export async function refuseAnothersNamespace(config: Config, connection: Connection): Promise<void> {
  // A client without payload keys: whose the namespace is stands there in plain text.
  refuseNamespaceOf(await namespaceOwner(new Client({ connection, namespace: config.temporal.namespace })), config);
}

/** The same where its owner is known already. */
export function refuseDatabaseOf(owner: string | null | undefined, config: Config, pool: Pool): void {
  refuse(owner, config, `The database at ${databaseAddress(pool)}`, 'DATABASE_URL to a database of its own');
}

/** The same where its owner is known already. */
export function refuseNamespaceOf(owner: string | null, config: Config): void {
  const { address, namespace } = config.temporal;
  const what = `Namespace ${namespace} of Temporal at ${address}`;
  refuse(owner, config, what, 'TEMPORAL_NAMESPACE to a namespace of its own');
}

function refuse(owner: string | null | undefined, config: Config, what: string, own: string): void {
  const mine = environmentName(config);
  if (owner === null || owner === undefined || owner === mine) return;
  throw new ServerOfAnother(
    `${what} belongs to the installation '${owner}', and this one is '${mine}'`,
    EXIT.unreachable,
    {
      hint:
        `If '${owner}' is meant, set REGISTRAR_ENV and REGISTRAR_NAMESPACE to it. If not, set ${own} (with servers ` +
        'of ours, another REGISTRAR_DATA_DIR): two installations on one would take each other’s nodes for theirs.',
    },
  );
}
