import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { stringify } from 'yaml';
import { spawnGuarded, type Guarded, type GuardedCommand } from '../../src/stack/guardian.js';
import { waitUntilHealthy } from '../../src/stack/health.js';
import { choosePorts, portOf, type Ports } from '../../src/stack/ports.js';
import { userCacheRoot } from '../../src/stack/provision/context.js';
import { postgres } from '../../src/stack/servers/postgres.js';
import { serverEnvironment } from '../../src/stack/environment.js';
import { temporalCli } from '../integration/temporal-cli.js';
import type { Credentials } from './credentials.js';
import { installTemporalServer } from './provision.js';

export interface TemporalServer {
  /** host:port of its frontend. */
  readonly address: string;
  stop(): Promise<void>;
}

const STARTS_WITHIN_MS = 120_000;
const NAMES = { temporal: 'temporal', visibility: 'temporal_visibility' } as const;

/**
 * Temporal Server as it runs in production, on this machine alone: its data in a PostgreSQL of its own, TLS with
 * certificates on both sides, and API keys with rights.
 */
export async function startTemporalServer(directory: string, credentials: Credentials): Promise<TemporalServer> {
  const context = {
    about: 'temporal-server',
    cacheRoot: userCacheRoot(process.env),
    env: process.env,
    onProgress: (event: object) => void process.stderr.write('text' in event ? `${String(event.text)}\n` : ''),
  };
  const programs = await installTemporalServer(context);
  const ports = await choosePorts({
    ...{ sql: 15_432, frontend: 17_233, history: 17_234, matching: 17_235, internal: 17_236, worker: 17_239 },
    ...{ frontendRing: 16_933, historyRing: 16_934, matchingRing: 16_935, internalRing: 16_936, workerRing: 16_939 },
  });
  const running: Guarded[] = [];
  const start = (name: string, command: GuardedCommand): Guarded => {
    const log = openSync(join(directory, `${name}.log`), 'a');
    const guarded = spawnGuarded(command, log);
    closeSync(log);
    running.unshift(guarded);
    return guarded;
  };
  const stop = async (): Promise<void> => {
    for (const one of running) await one.stop();
  };
  try {
    await startPostgres(directory, ports, context, start);
    await makeTables(programs.sqlTool, portOf(ports, 'sql'));
    const file = join(directory, 'temporal.yaml');
    writeFileSync(file, stringify(configuration(ports, credentials, directory)));
    const server = start('temporal', {
      command: programs.server,
      args: ['--config-file', file, 'start', ...SERVICES.flatMap((service) => ['--service', service])],
      env: serverEnvironment(process.env),
      cwd: directory,
      stopSignal: 'TERM',
      graceSeconds: 10,
    });
    const address = `127.0.0.1:${portOf(ports, 'frontend')}`;
    const admin = clientEnvironment(address, credentials, { apiKey: credentials.apiKey('temporal-system:admin') });
    await waitUntilHealthy(async () => void (await temporalCli(['operator', 'cluster', 'health'], admin)), {
      withinMs: STARTS_WITHIN_MS,
      title: 'Temporal Server',
      logFile: join(directory, 'temporal.log'),
      ended: server.exited,
    });
    return { address, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Temporal's own variables for a client; what is not given is as the server wants it. */
export function clientEnvironment(
  address: string,
  { ca, client }: Credentials,
  with_: { readonly apiKey: string; readonly ca?: string; readonly client?: { cert: string; key: string } | null },
): NodeJS.ProcessEnv {
  const certificate = with_.client === undefined ? client : with_.client;
  return {
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    TEMPORAL_ADDRESS: address,
    TEMPORAL_TLS: 'true',
    TEMPORAL_TLS_SERVER_CA_CERT_PATH: with_.ca ?? ca,
    ...(certificate !== null && {
      TEMPORAL_TLS_CLIENT_CERT_PATH: certificate.cert,
      TEMPORAL_TLS_CLIENT_KEY_PATH: certificate.key,
    }),
    TEMPORAL_API_KEY: with_.apiKey,
  };
}

async function startPostgres(
  directory: string,
  ports: Ports,
  context: Parameters<typeof installTemporalServer>[0],
  start: (name: string, command: GuardedCommand) => Guarded,
): Promise<void> {
  const find = { env: process.env, cacheRoot: context.cacheRoot, directory: join(directory, 'postgres') };
  mkdirSync(find.directory, { recursive: true });
  const installed = postgres.find(find) ?? (await postgres.provision(context, find));
  const command = await installed.launch({
    ...find,
    env: serverEnvironment(process.env),
    ports,
    temporalNamespace: 'default',
    step: () => undefined,
    provisioning: context,
  });
  const { exited } = start('postgres', command);
  const url = `postgresql://registrar@127.0.0.1:${portOf(ports, 'sql')}/registrar`;
  await waitUntilHealthy(() => postgres.probe({ postgres: url } as never, {} as never), {
    withinMs: STARTS_WITHIN_MS,
    title: 'PostgreSQL',
    logFile: join(directory, 'postgres.log'),
    ended: exited,
  });
}

/** As the server's own documentation says: an empty schema, then every version of it. */
async function makeTables(sqlTool: string, port: number): Promise<void> {
  for (const [schema, database] of Object.entries(NAMES)) {
    const access = ['--plugin', 'postgres12', '--ep', '127.0.0.1', '-p', String(port), '-u', 'registrar'];
    const sql = (...args: readonly string[]) => execa(sqlTool, [...access, '--db', database, ...args]);
    await sql('create-database');
    await sql('setup-schema', '-v', '0.0');
    await sql('update-schema', '--schema-name', `postgresql/v12/${schema}`);
  }
}

const SERVICES = ['frontend', 'internal-frontend', 'history', 'matching', 'worker'] as const;

function configuration(ports: Ports, { ca, server, keySet }: Credentials, directory: string): object {
  const store = (databaseName: string) => ({
    sql: {
      ...{ pluginName: 'postgres12', databaseName, connectProtocol: 'tcp', user: 'registrar' },
      ...{ connectAddr: `127.0.0.1:${portOf(ports, 'sql')}`, maxConns: 20, maxIdleConns: 20, maxConnLifetime: '1h' },
    },
  });
  const service = (grpc: string) => ({
    rpc: { grpcPort: portOf(ports, grpc), membershipPort: portOf(ports, `${grpc}Ring`), bindOnIP: '127.0.0.1' },
  });
  return {
    log: { stdout: true, level: 'warn' },
    persistence: {
      ...{ defaultStore: 'default', visibilityStore: 'visibility', numHistoryShards: 4 },
      datastores: { default: store(NAMES.temporal), visibility: store(NAMES.visibility) },
    },
    global: {
      membership: { maxJoinDuration: '30s', broadcastAddress: '127.0.0.1' },
      // Clients show a certificate; the services among each other are on loopback.
      tls: {
        frontend: {
          server: { certFile: server.cert, keyFile: server.key, requireClientAuth: true, clientCaFiles: [ca] },
          client: { serverName: 'localhost', rootCaFiles: [ca] },
        },
      },
      authorization: {
        ...{ authorizer: 'default', claimMapper: 'default' },
        jwtKeyProvider: { keySourceURIs: [`file://${keySet}`] },
      },
    },
    services: {
      frontend: service('frontend'),
      'internal-frontend': service('internal'),
      matching: service('matching'),
      history: service('history'),
      worker: service('worker'),
    },
    clusterMetadata: {
      ...{ enableGlobalNamespace: false, failoverVersionIncrement: 10 },
      ...{ masterClusterName: 'active', currentClusterName: 'active' },
      clusterInformation: {
        active: {
          ...{ enabled: true, initialFailoverVersion: 1, rpcName: 'frontend' },
          rpcAddress: `127.0.0.1:${portOf(ports, 'frontend')}`,
        },
      },
    },
    dcRedirectionPolicy: { policy: 'noop' },
    dynamicConfigClient: { filepath: dynamicConfig(directory), pollInterval: '10s' },
  };
}

function dynamicConfig(directory: string): string {
  const file = join(directory, 'dynamic.yaml');
  writeFileSync(file, '{}\n');
  return file;
}
