import { randomUUID } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { temporalOptions } from '../../../src/cli/connect.js';
import { prepare } from '../../../src/cli/setup/prepare-servers.js';
import { loadConfig, type Config } from '../../../src/config/index.js';
import { loadContracts, type Contracts } from '../../../src/contracts/load.js';
import { createKafka, type KafkaHandle } from '../../../src/kafka/index.js';
import { createPool } from '../../../src/registry/pool.js';
import { startStack, type StackEvent } from '../../../src/stack/index.js';
import { logger } from '../../../src/telemetry.js';

/** Real servers with nothing in them, or those of the environment under names that nothing else uses. */
export interface Servers {
  readonly config: Config;
  readonly contracts: Contracts;
  readonly client: Client;
  readonly pool: Pool;
  readonly kafka: KafkaHandle;
}

const GIVEN = { ...process.env };

/** What the servers of this run were, by name. */
export const versions = new Map<string, string>();

/**
 * Starts servers for one scenario, so that none measures what another one has
 * left behind, and stops them afterwards. Child processes find them by the environment.
 */
export async function withServers<T>(work: (servers: Servers) => Promise<T>): Promise<T> {
  const dataDir = await mkdtemp(join(tmpdir(), 'node-registrar-bench-'));
  // Where we are root, PostgreSQL runs as somebody else, who must get at its data.
  await chmod(dataDir, 0o755);
  const stack = await startStack({ dataDir, env: GIVEN, onProgress: noteVersion, logger: logger('bench') });
  const name = `bench-${randomUUID().slice(0, 8)}`;
  Object.assign(process.env, stack.environment(), {
    REGISTRAR_DATA_DIR: dataDir,
    REGISTRAR_ENV: name,
    REGISTRAR_TASK_QUEUE: name,
    LOG_LEVEL: GIVEN.LOG_LEVEL ?? 'warn',
  });
  try {
    return await withClients(loadConfig(), work);
  } finally {
    await stack.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function withClients<T>(config: Config, work: (servers: Servers) => Promise<T>): Promise<T> {
  const contracts = loadContracts(config.contractsDir);
  await prepare(config, contracts, () => undefined);
  const connection = await Connection.connect(temporalOptions(config));
  const pool = createPool(config.postgres.connectionString);
  try {
    return await work({
      config,
      contracts,
      pool,
      client: new Client({ connection, namespace: config.temporal.namespace }),
      kafka: createKafka({ ...config.kafka, clientId: 'bench', logger: errorsOnly('kafka') }),
    });
  } finally {
    await Promise.all([pool.end(), connection.close()]);
  }
}

/** Servers that have just started are waited for, which nobody need read about. */
export function errorsOnly(name: string): Logger {
  return logger(name).child({}, { level: 'error' });
}

function noteVersion(event: StackEvent): void {
  if (event.kind === 'ready') versions.set(event.about, event.text.replace(/ runs at .*/, ''));
}
