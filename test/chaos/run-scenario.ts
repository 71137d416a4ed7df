import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { temporalOptions } from '../../src/cli/connect.js';
import { prepare } from '../../src/cli/setup/prepare-servers.js';
import { loadConfig } from '../../src/config/index.js';
import { loadContracts } from '../../src/contracts/load.js';
import { check, type Violation } from './checker/check.js';
import { readCatalog } from './checker/read/consul.js';
import { readLog } from './checker/read/kafka.js';
import { noteWrites, readRegistry } from './checker/read/postgres.js';
import { readRuns } from './checker/read/temporal.js';
import type { Snapshot } from './checker/snapshot.js';
import { Load } from './load/load.js';
import { Random } from './random.js';
import type { Scenario } from './scenario.js';
import { clockOff } from './world/clocks.js';
import { SETTINGS, writeContracts } from './world/contract.js';
import type { KafkaCluster } from './world/kafka-cluster.js';
import { Network } from './world/network.js';
import { Targets, type Role } from './world/targets.js';
import { World } from './world/world.js';

export interface RunOptions {
  readonly seed: number;
  readonly nodes: number;
  /** How long the load does new things; the scenario may take longer. */
  readonly seconds: number;
  /** Whether nodes die and freeze, too. */
  readonly deadly: boolean;
  /** The environment that names running servers, and REGISTRAR_DATA_DIR, whose owner starts and stops them. */
  readonly env: NodeJS.ProcessEnv;
  /** For a scenario that has three brokers. */
  readonly cluster?: KafkaCluster | null;
  /** An empty directory. */
  readonly directory: string;
  readonly log: (text: string) => void;
}

export interface Outcome {
  readonly violations: readonly Violation[];
  readonly snapshot: Snapshot;
  /** How long it took until the checker had nothing more to say; or gave up. */
  readonly settled_seconds: number;
}

const SETTLES_WITHIN_MS = 150_000;
const LOOK_EVERY_MS = 4_000;

/** Runs a scenario under a load, on servers that run already, and lets the checker compare what is left. */
export async function runScenario(scenario: Scenario, options: RunOptions): Promise<Outcome> {
  const { seed, nodes, seconds, deadly, log, directory, cluster = null } = options;
  const name = `c${randomUUID().slice(0, 8)}`;
  const env = {
    ...options.env,
    REGISTRAR_ENV: name,
    REGISTRAR_TASK_QUEUE: name,
    REGISTRAR_CONTRACTS: writeContracts(directory),
    LOG_LEVEL: 'info',
  };
  const config = loadConfig(env);
  await prepare(config, loadContracts(config.contractsDir), () => undefined);
  const endNotes = await noteWrites(config.postgres.connectionString);
  const connection = await Connection.connect(temporalOptions(config));
  const client = new Client({ connection, namespace: config.temporal.namespace });
  const network = scenario.proxied === undefined ? null : await Network.between(config);
  const envOf = (role: Role): NodeJS.ProcessEnv => ({
    ...env,
    ...network?.environmentOf(role),
    ...clockOff(scenario.clocks?.[role]),
  });
  const targets = new Targets(config.dataDir, { worker: envOf('worker'), bridge: envOf('bridge') });
  try {
    await Promise.all([targets.start('worker'), targets.start('bridge')]);
    const random = new Random(seed);
    const { load, end } = await Load.begin({
      brokers: config.kafka.brokers,
      env: name,
      namespace: config.namespace,
      random: random.fork(),
      nodes,
      seconds,
      deadly,
      clockOffMs: (scenario.clocks?.nodes ?? 0) * 1_000,
    });
    const world = new World({ config, client, targets, load, network, cluster, random: random.fork(), log, seconds });
    try {
      world.sampleMemory();
      await Promise.all([scenario.disturb(world), delay(seconds * 1_000)]);
      return await settle(world);
    } finally {
      world.end();
      await end();
    }
  } finally {
    await targets.end();
    await network?.end();
    await endNotes();
    await connection.close();
  }
}

/** Until the checker has nothing to say and no dead node is still to be found, or for as long as anything may take. */
async function settle(world: World): Promise<Outcome> {
  const began = Date.now();
  const isOver = (): boolean => Date.now() - began > SETTLES_WITHIN_MS;
  for (;;) {
    try {
      const snapshot = await take(world);
      const violations = check(snapshot);
      const settled_seconds = Math.round((Date.now() - began) / 1_000);
      if (isOver() || (violations.length === 0 && !someDeadAreUnfound(snapshot)))
        return { violations, snapshot, settled_seconds };
    } catch (error) {
      // A server that has just been restarted may refuse to be read for a while.
      if (isOver()) throw error;
    }
    await delay(LOOK_EVERY_MS);
  }
}

function someDeadAreUnfound({ load, rows }: Snapshot): boolean {
  return rows.some(
    ({ node_id, ended_at }) => ended_at === null && load.findLast((deed) => deed.node_id === node_id)?.did === 'dies',
  );
}

async function take({ parts: { config, client, load }, disturbances, memory }: World): Promise<Snapshot> {
  const { env } = config;
  const prefix = `${env}-`;
  const [{ topics, records }, runs, catalog, registry] = await Promise.all([
    readLog(config.kafka.brokers, `${env}.`),
    readRuns(client, config.taskQueue),
    readCatalog(config.consul.address, (node_id) => node_id.startsWith(prefix)),
    readRegistry(config.postgres.connectionString, prefix),
  ]);
  return {
    settings: SETTINGS,
    taken_at: Date.now(),
    topics,
    records,
    runs,
    catalog,
    ...registry,
    load: load.deeds,
    standing: load.standing,
    disturbances,
    memory,
  };
}
