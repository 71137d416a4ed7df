import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runningState } from '../stack/state/state.js';
import type { Environment, ServerName } from '../stack/state/servers.js';
import { consulConfig, consulUrl, type ConsulConfig } from './consul.js';
import { namedKafka, type KafkaConfig } from './kafka.js';
import { postgresConfig, postgresUrl, type PostgresConfig } from './postgres.js';
import { namesTemporal, temporalConfig, type TemporalConfig } from './temporal.js';
import { checkHostPort, ConfigError, given } from './variables.js';

export { temporalConnection, type TemporalConfig, type TemporalConnection } from './temporal.js';
export { ConfigError } from './variables.js';

/** Where everything is and how this installation is named: plain data, resolved once at the start of a process. */
export interface Config {
  readonly temporal: TemporalConfig;
  readonly kafka: KafkaConfig;
  readonly consul: ConsulConfig;
  readonly postgres: PostgresConfig;
  /** the {env} of topic names */
  readonly env: string;
  /** the {namespace} of topic names; empty drops its segment */
  readonly namespace: string;
  readonly taskQueue: string;
  readonly contractsDir: string;
  /** A file of the keys with which what Temporal stores is encrypted; undefined: it is not. */
  readonly payloadKeys?: string;
  readonly dataDir: string;
  /** host:port at which a bridge and a worker serve metrics for Prometheus; undefined: they do not. */
  readonly metrics: { readonly bridge?: string; readonly worker?: string };
  /** Which servers were given from outside: nothing is started for these. */
  readonly fromEnvironment: Readonly<Record<ServerName, boolean>>;
}

/**
 * Reads the configuration. Each server's address comes from the environment, else from the embedded stack that runs
 * on the data directory, else it is the usual one on localhost.
 *
 * @throws ConfigError that names the variable that cannot be used
 */
export function loadConfig(env: Environment = process.env): Config {
  const dataDir = resolve(given(env, 'REGISTRAR_DATA_DIR') ?? '.registrar');
  const own = runningState(dataDir)?.addresses ?? {};
  const kafka = namedKafka(env);
  const payloadKeys = given(env, 'REGISTRAR_PAYLOAD_KEYS');
  const bridgeMetrics = metricsAddress(env, 'REGISTRAR_BRIDGE_METRICS');
  const workerMetrics = metricsAddress(env, 'REGISTRAR_WORKER_METRICS');
  return {
    temporal: temporalConfig(env, own.temporal),
    kafka: kafka ?? { brokers: own.kafka ?? ['localhost:9092'] },
    consul: consulConfig(env, own.consul),
    postgres: postgresConfig(env, own.postgres),
    env: topicSegment(env, 'REGISTRAR_ENV') ?? 'dev',
    namespace: topicSegment(env, 'REGISTRAR_NAMESPACE') ?? '',
    taskQueue: given(env, 'REGISTRAR_TASK_QUEUE') ?? 'registration',
    contractsDir: contractsDir(env),
    ...(payloadKeys !== undefined && { payloadKeys: resolve(payloadKeys) }),
    dataDir,
    metrics: {
      ...(bridgeMetrics !== undefined && { bridge: bridgeMetrics }),
      ...(workerMetrics !== undefined && { worker: workerMetrics }),
    },
    fromEnvironment: {
      temporal: namesTemporal(env),
      kafka: kafka !== undefined,
      consul: consulUrl(env) !== undefined,
      postgres: postgresUrl(env) !== undefined,
    },
  };
}

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
