import { Client, Connection } from '@temporalio/client';
import type { Pool } from 'pg';
import { temporalConnection, type Config } from '../config/index.js';
import { refusalIn } from '../kafka/access/kafka-refusal.js';
import { environmentName } from '../protocol/topics.js';
import { connectionFault, isRefusal } from '../runs/connection-fault.js';
import { grpcErrorOf } from '../runs/temporal-errors.js';
import { dataConverter } from '../payloads/data-converter.js';
import { Catalog } from '../registry/consul/catalog.js';
import { createPool, databaseAddress } from '../registry/pool.js';
import { acceptsConnections } from '../stack/health.js';
import { runningState } from '../stack/state/state.js';
import { splitHostPort, type ServerName } from '../stack/state/servers.js';
import { refuseAnothersDatabase, refuseAnothersNamespace, ServerOfAnother } from './ownership.js';
import { CliError, EXIT } from './terminal/exit-codes.js';
import { errorText } from '../error-text.js';
import { command } from './terminal/invocation.js';
import { waitingFor } from './terminal/waiting.js';

const ANSWER_WITHIN_MS = 5_000;

const NAMES: Record<ServerName, { readonly title: string; readonly variable: string }> = {
  temporal: { title: 'Temporal', variable: 'TEMPORAL_ADDRESS' },
  kafka: { title: 'Kafka', variable: 'KAFKA_BROKERS' },
  consul: { title: 'Consul', variable: 'CONSUL_HTTP_ADDR' },
  postgres: { title: 'PostgreSQL', variable: 'DATABASE_URL or PG*' },
};

/** A server that does not answer, with what to do about it. */
export function unreachable(config: Config, server: ServerName, where: string, error: unknown): CliError {
  const { title, variable } = NAMES[server];
  const refusal = refusalIn(error);
  if (refusal !== undefined)
    return new CliError(`${title} at ${where} answers, but not to us: ${refusal.what}`, EXIT.unreachable, {
      hint: `${refusal.todo}.`,
      cause: error,
    });
  return new CliError(`${title} at ${where} does not answer: ${errorText(error)}`, EXIT.unreachable, {
    hint: whatToDo(config, server, variable),
    cause: error,
  });
}

function whatToDo(config: Config, server: ServerName, variable: string): string {
  if (config.fromEnvironment[server])
    return `Its address comes from the environment (${variable}): is it right, and is the server up?`;
  if (runningState(config.dataDir) !== undefined)
    return `The servers of ${config.dataDir} run: was this one stopped? Start it with '${command(`start ${server}`)}'.`;
  return (
    `No servers of ours run on ${config.dataDir}: start them with '${command('up')}' or '${command('demo')}', or ` +
    `set ${variable}.`
  );
}

/** Options of a connection to the configured Temporal. */
export function temporalOptions({ temporal }: Config) {
  // grpc's own pause between two tries grows to minutes; a bridge must be back within seconds.
  return {
    ...temporalConnection(temporal),
    connectTimeout: ANSWER_WITHIN_MS,
    channelArgs: { 'grpc.max_reconnect_backoff_ms': 5_000 },
  };
}

/** @throws CliError when nobody answers there, at once when nobody listens */
export async function connectTemporal(config: Config): Promise<Connection> {
  const { address } = config.temporal;
  try {
    // The client itself would go on trying until its time is over.
    const { host, port } = splitHostPort(address);
    await acceptsConnections(host, port);
    return await Connection.connect(temporalOptions(config));
  } catch (error) {
    throw await noTemporal(config, error);
  }
}

/** Temporal cannot be used, with what to set: an address, a certificate, an API key. */
export async function noTemporal(config: Config, error: unknown): Promise<CliError> {
  const { address } = config.temporal;
  const fault = isRefused(error) ? null : await connectionFault(config.temporal, error);
  if (fault === null) return unreachable(config, 'temporal', address, error);
  return new CliError(`Temporal at ${address} ${fault.what}`, EXIT.unreachable, { hint: fault.todo, cause: error });
}

/** Nobody listens there. */
function isRefused(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED';
}

/** All that a command asks of Temporal; a single question may have less. */
const WORK_WITHIN_MS = 20_000;

/**
 * Does something with Temporal.
 *
 * @param withinMs how long all calls together may take, in milliseconds
 * @throws CliError that names the server when it does not answer in time
 * @throws ServerOfAnother before the work, where the namespace belongs to another installation
 */
export async function withTemporal<T>(
  config: Config,
  work: (client: Client) => Promise<T>,
  withinMs = WORK_WITHIN_MS,
): Promise<T> {
  return waitingFor(`Temporal at ${config.temporal.address}`, async () => {
    const connection = await connectTemporal(config);
    try {
      const client = new Client({ connection, namespace: config.temporal.namespace, ...dataConverter(config) });
      return await connection.withDeadline(Date.now() + withinMs, async () => {
        await refuseAnothersNamespace(config, connection);
        return work(client);
      });
    } catch (error) {
      // The work knows better what it means that an answer did not come.
      if (error instanceof CliError) throw error;
      if (isUnanswered(error) || isRefusal(error)) throw await noTemporal(config, error);
      throw error;
    } finally {
      await connection.close();
    }
  });
}

/** gRPC's DEADLINE_EXCEEDED and UNAVAILABLE. */
const UNANSWERED: readonly number[] = [4, 14];

function isUnanswered(error: unknown): boolean {
  const grpc = grpcErrorOf(error);
  return grpc !== undefined && UNANSWERED.includes(grpc.code);
}

/**
 * Does something with Consul's catalog.
 *
 * @throws CliError that names the server when it does not answer
 */
export async function withConsul<T>(config: Config, work: (catalog: Catalog) => Promise<T>): Promise<T> {
  const catalog = new Catalog(config.consul, environmentName(config));
  try {
    return await waitingFor(`Consul at ${catalog.url}`, () => work(catalog));
  } catch (error) {
    throw unreachable(config, 'consul', catalog.url, error);
  } finally {
    catalog.close();
  }
}

/**
 * Does something with the registry.
 *
 * @throws CliError that names the database when it does not answer or has no tables of ours
 * @throws ServerOfAnother before the work, where the database belongs to another installation
 */
export async function withRegistry<T>(config: Config, work: (pool: Pool) => Promise<T>): Promise<T> {
  const pool = createPool(config.postgres.connectionString, { max: 2 });
  try {
    return await waitingFor(`PostgreSQL at ${databaseAddress(pool)}`, async () => {
      await refuseAnothersDatabase(config, pool);
      return work(pool);
    });
  } catch (error) {
    throw registryError(config, pool, error);
  } finally {
    await pool.end();
  }
}

/**
 * Refuses the servers of another installation, for who goes on while servers are away: what does not answer is let
 * pass.
 *
 * @throws ServerOfAnother
 */
export async function refuseAnothersServers(config: Config): Promise<void> {
  const nothing = (): Promise<void> => Promise.resolve();
  const asked = await Promise.allSettled([withRegistry(config, nothing), withTemporal(config, nothing)]);
  for (const one of asked) if (one.status === 'rejected' && one.reason instanceof ServerOfAnother) throw one.reason;
}

/** PostgreSQL's code for a table that is not there. */
const UNDEFINED_TABLE = '42P01';

function registryError(config: Config, pool: Pool, error: unknown): unknown {
  if (error instanceof CliError) return error;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === UNDEFINED_TABLE) {
    return new CliError(
      `The database at ${databaseAddress(pool)} holds no registry yet: ${errorText(error)}`,
      EXIT.unreachable,
      {
        hint: `'${command('up')}' creates the tables.`,
        cause: error,
      },
    );
  }
  return unreachable(config, 'postgres', databaseAddress(pool), error);
}
