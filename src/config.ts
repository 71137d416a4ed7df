import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TLSConfig } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { errorText } from './error-text.js';
import { parseUrl } from './parse-url.js';
import { runningState, type OwnAddresses } from './stack/state/state.js';
import type { Environment, ServerName } from './stack/state/servers.js';

/** Where everything is and how this installation is named: plain data, resolved once at the start of a process. */
export interface Config {
  readonly temporal: {
    readonly address: string;
    readonly namespace: string;
    readonly apiKey?: string;
    readonly tls?: TLSConfig | boolean;
  };
  readonly kafka: { readonly brokers: string[] };
  /** httpAddr is a full URL */
  readonly consul: { readonly httpAddr: string; readonly token?: string };
  readonly postgres: { readonly connectionString: string };
  /** the {env} of topic names */
  readonly env: string;
  /** the {namespace} of topic names; empty drops its segment */
  readonly namespace: string;
  readonly taskQueue: string;
  readonly contractsDir: string;
  readonly dataDir: string;
  /** host:port at which a bridge and a worker serve metrics for Prometheus; undefined: they do not. */
  readonly metrics: { readonly bridge?: string; readonly worker?: string };
  /** Which servers were given from outside: nothing is started for these. */
  readonly fromEnvironment: Readonly<Record<ServerName, boolean>>;
}

/** A variable of the environment that cannot be used; the message names it and its value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/**
 * Reads the configuration. Each server's address comes from the environment, else from the embedded stack that runs
 * on the data directory, else it is the usual one on localhost.
 */
export function loadConfig(env: Environment = process.env): Config {
  const dataDir = resolve(given(env, 'REGISTRAR_DATA_DIR') ?? '.registrar');
  const own = runningState(dataDir)?.addresses ?? {};
  const outside = outsideAddresses(env);
  const token = given(env, 'CONSUL_HTTP_TOKEN');
  const bridgeMetrics = metricsAddress(env, 'REGISTRAR_BRIDGE_METRICS');
  const workerMetrics = metricsAddress(env, 'REGISTRAR_WORKER_METRICS');
  return {
    temporal: temporalConfig(env, own),
    kafka: { brokers: outside.kafka ?? own.kafka ?? ['localhost:9092'] },
    consul: {
      httpAddr: outside.consul ?? own.consul ?? 'http://localhost:8500',
      ...(token !== undefined && { token }),
    },
    postgres: {
      connectionString: outside.postgres ?? own.postgres ?? 'postgresql://registrar@localhost:5432/registrar',
    },
    env: topicSegment(env, 'REGISTRAR_ENV') ?? 'dev',
    namespace: topicSegment(env, 'REGISTRAR_NAMESPACE') ?? '',
    taskQueue: given(env, 'REGISTRAR_TASK_QUEUE') ?? 'registration',
    contractsDir: contractsDir(env),
    dataDir,
    metrics: {
      ...(bridgeMetrics !== undefined && { bridge: bridgeMetrics }),
      ...(workerMetrics !== undefined && { worker: workerMetrics }),
    },
    fromEnvironment: {
      temporal: given(env, 'TEMPORAL_ADDRESS') !== undefined || usesTemporalFile(env),
      kafka: outside.kafka !== undefined,
      consul: outside.consul !== undefined,
      postgres: outside.postgres !== undefined,
    },
  };
}

/** An empty variable is an unset one: that is how people unset a variable for one command. */
function given(env: Environment, name: string): string | undefined {
  const value = env[name]?.trim();
  return value === '' ? undefined : value;
}

function outsideAddresses(env: Environment): { kafka?: string[]; consul?: string; postgres?: string } {
  const brokers = kafkaBrokers(env);
  const consul = consulUrl(env);
  const postgres = postgresUrl(env);
  return {
    ...(brokers !== undefined && { kafka: brokers }),
    ...(consul !== undefined && { consul }),
    ...(postgres !== undefined && { postgres }),
  };
}

// ---- Temporal

/**
 * Temporal's configuration file is read only when a variable points to it: somebody whose default profile is a
 * cluster in the cloud does not expect a demo to register its nodes there.
 */
function usesTemporalFile(env: Environment): boolean {
  return given(env, 'TEMPORAL_CONFIG_FILE') !== undefined || given(env, 'TEMPORAL_PROFILE') !== undefined;
}

function temporalConfig(env: Environment, own: OwnAddresses): Config['temporal'] {
  const file = usesTemporalFile(env);
  const outside = file || given(env, 'TEMPORAL_ADDRESS') !== undefined;
  const { connectionOptions, namespace = 'default' } = temporalProfile(env, file);
  if (!outside && own.temporal !== undefined) {
    // Keys and certificates are for the cluster that they were made for, not for ours.
    return { address: own.temporal, namespace };
  }
  const address = checkHostPort('TEMPORAL_ADDRESS', connectionOptions.address ?? 'localhost:7233');
  const { apiKey, tls } = connectionOptions;
  return {
    address,
    namespace,
    ...(typeof apiKey === 'string' && { apiKey }),
    ...(tls !== undefined && tls !== null && { tls }),
  };
}

function temporalProfile(env: Environment, file: boolean): ReturnType<typeof loadClientConnectConfig> {
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined && value !== '') variables[name] = value;
  try {
    return loadClientConnectConfig({ overrideEnvVars: variables, disableFile: !file });
  } catch (error) {
    throw new ConfigError(`the TEMPORAL_* variables cannot be used: ${errorText(error)}`);
  }
}

// ---- Kafka

function kafkaBrokers(env: Environment): string[] | undefined {
  const value = given(env, 'KAFKA_BROKERS');
  if (value === undefined) return undefined;
  return value.split(',').map((broker) => checkHostPort('KAFKA_BROKERS', broker.trim()));
}

function checkHostPort(variable: string, value: string): string {
  const match = /^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):(\d{1,5})$/.exec(value);
  if (match === null || Number(match[2]) < 1 || Number(match[2]) > 65_535) {
    throw new ConfigError(`${variable}: '${value}' is not host:port`);
  }
  return value;
}

// ---- Consul

function consulUrl(env: Environment): string | undefined {
  const value = given(env, 'CONSUL_HTTP_ADDR');
  if (value === undefined) return undefined;
  const scheme = isTrue(env, 'CONSUL_HTTP_SSL') ? 'https' : 'http';
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `${scheme}://${value}`;
  const bad = new ConfigError(`CONSUL_HTTP_ADDR: '${value}' is not host:port or an http(s) URL`);
  const url = parseUrl(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:') || url.hostname === '') throw bad;
  return url.href.replace(/\/+$/, '');
}

/** As Consul's own tools read it: Go's ParseBool. */
function isTrue(env: Environment, variable: string): boolean {
  const value = given(env, variable);
  if (value === undefined || /^(0|f|F|false|FALSE|False)$/.test(value)) return false;
  if (/^(1|t|T|true|TRUE|True)$/.test(value)) return true;
  throw new ConfigError(`${variable}: '${value}' is neither true nor false`);
}

// ---- PostgreSQL

function postgresUrl(env: Environment): string | undefined {
  const url = given(env, 'DATABASE_URL');
  if (url !== undefined) return checkPostgresUrl(url);
  const host = given(env, 'PGHOST');
  const port = given(env, 'PGPORT');
  const database = given(env, 'PGDATABASE');
  // PGUSER and PGPASSWORD alone name no server.
  if (host === undefined && port === undefined && database === undefined) return undefined;
  if (port !== undefined && !/^\d{1,5}$/.test(port)) throw new ConfigError(`PGPORT: '${port}' is not a port`);
  const user = given(env, 'PGUSER') ?? given(env, 'USER') ?? 'postgres';
  const password = given(env, 'PGPASSWORD');
  const sslmode = given(env, 'PGSSLMODE');
  const credentials = encodeURIComponent(user) + (password === undefined ? '' : `:${encodeURIComponent(password)}`);
  const path = encodeURIComponent(database ?? user);
  // A directory is how a local socket is given.
  const isSocket = host?.startsWith('/') === true;
  const query = new URLSearchParams({
    ...(isSocket && { host }),
    ...(sslmode !== undefined && { sslmode }),
  }).toString();
  const authority = `${isSocket ? 'localhost' : (host ?? 'localhost')}:${port ?? '5432'}`;
  return `postgresql://${credentials}@${authority}/${path}${query === '' ? '' : `?${query}`}`;
}

function checkPostgresUrl(value: string): string {
  if (/^postgres(ql)?:\/\//.test(value) && parseUrl(value) !== null) return value;
  throw new ConfigError(`DATABASE_URL: '${withoutPassword(value)}' is not a postgresql:// URL`);
}

function withoutPassword(value: string): string {
  return value.replace(/:[^:@/]+@/, ':***@');
}

// ---- ours

/** A port alone is one of this machine's own, which nobody else can ask. */
function metricsAddress(env: Environment, variable: string): string | undefined {
  const value = given(env, variable);
  return value === undefined ? undefined : checkHostPort(variable, /^\d+$/.test(value) ? `127.0.0.1:${value}` : value);
}

function topicSegment(env: Environment, variable: string): string | undefined {
  const value = given(env, variable);
  if (value !== undefined && !/^[A-Za-z0-9_-]+$/.test(value)) {
    throw new ConfigError(`${variable}: '${value}' becomes part of topic names; use letters, digits, _ and -`);
  }
  return value;
}

function contractsDir(env: Environment): string {
  const value = given(env, 'REGISTRAR_CONTRACTS');
  if (value === undefined) return shippedContracts();
  const directory = resolve(value);
  if (!existsSync(directory)) throw new ConfigError(`REGISTRAR_CONTRACTS: '${value}' is not there`);
  return directory;
}

/** The package's own contracts, whether this file runs from src/ or compiled from dist/src/. */
function shippedContracts(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, 'package.json'))) directory = dirname(directory);
  return join(directory, 'contracts');
}
