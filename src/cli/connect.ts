import { Client, Connection, isGrpcServiceError } from '@temporalio/client';
import type { Pool } from 'pg';
import type { Config } from '../config.js';
import { createPool, placeOf } from '../registry/pool.js';
import { acceptsConnections } from '../stack/health.js';
import { runningState } from '../stack/state/state.js';
import { splitHostPort, type ServerName } from '../stack/state/servers.js';
import { CliError, EXIT } from './terminal/exit-codes.js';
import { errorText } from '../error-text.js';
import { command } from './terminal/invocation.js';

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
export function temporalOptions({ temporal: { address, apiKey, tls } }: Config) {
  // grpc's own pause between two tries grows to minutes; a bridge must be back within seconds.
  return {
    address,
    connectTimeout: ANSWER_WITHIN_MS,
    channelArgs: { 'grpc.max_reconnect_backoff_ms': 5_000 },
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(tls === undefined ? {} : { tls }),
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
    throw unreachable(config, 'temporal', address, error);
  }
}

/** Does something with Temporal. @throws CliError that names the server when it does not answer in time */
export async function withTemporal<T>(config: Config, work: (client: Client) => Promise<T>): Promise<T> {
  const connection = await connectTemporal(config);
  try {
    return await work(new Client({ connection, namespace: config.temporal.namespace }));
  } catch (error) {
    if (isUnavailable(error)) throw unreachable(config, 'temporal', config.temporal.address, error);
    throw error;
  } finally {
    await connection.close();
  }
}

/** gRPC's UNAVAILABLE. */
const UNAVAILABLE = 14;

function isUnavailable(error: unknown): boolean {
  for (let one = error; one instanceof Error; one = one.cause)
    if (isGrpcServiceError(one) && Number(one.code) === UNAVAILABLE) return true;
  return false;
}

/**
 * Does something with the registry. @throws CliError that names the database when it does not answer or has no tables
 * of ours
 */
export async function withRegistry<T>(config: Config, work: (pool: Pool) => Promise<T>): Promise<T> {
  const pool = createPool(config.postgres.connectionString, { max: 2 });
  try {
    return await work(pool);
  } catch (error) {
    throw registryError(config, pool, error);
  } finally {
    await pool.end();
  }
}

/** PostgreSQL's code for a table that is not there. */
const UNDEFINED_TABLE = '42P01';

function registryError(config: Config, pool: Pool, error: unknown): unknown {
  if (error instanceof CliError) return error;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === UNDEFINED_TABLE) {
    return new CliError(
      `The database at ${placeOf(pool)} holds no registry yet: ${errorText(error)}`,
      EXIT.unreachable,
      {
        hint: `'${command('up')}' creates the tables.`,
        cause: error,
      },
    );
  }
  return unreachable(config, 'postgres', placeOf(pool), error);
}
