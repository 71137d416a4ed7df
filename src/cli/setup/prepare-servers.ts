import type { Config } from '../../config/index.js';
import type { Contracts } from '../../contracts/load.js';
import { migrate } from '../../registry/migrate.js';
import { createPool, databaseAddress } from '../../registry/pool.js';
import { createSearchAttributes, createTopics, type ServerName } from '../../stack/index.js';
import { SERVER_NAMES } from '../../stack/state/servers.js';
import { claimOwnDatabase, claimOwnNamespace } from '../claim.js';
import { unreachable } from '../connect.js';
import { CliError } from '../terminal/exit-codes.js';
import { bridgeTopics } from '../../bridge/bridge-topics.js';
import { allTopics } from './all-topics.js';

/** How topics that are not there yet are made. */
export interface NewTopicsOptions {
  /**
   * Several bridges can share the work, and a node's messages stay in order within a partition. The number is fixed
   * from then on, for a node must keep its partition. Default 6.
   */
  readonly partitions?: number;
  /** How many brokers hold each partition. Default: the broker's own default. */
  readonly replicationFactor?: number;
}

const PARTITIONS = 6;

/**
 * Makes what the servers must hold before the first node comes: tables, topics, search attributes. Harmless when
 * repeated.
 *
 * @param print gets a sentence for each thing that was made
 * @throws CliError when a server does not answer
 */
export async function prepare(
  config: Config,
  contracts: Contracts,
  print: (text: string) => void,
  newTopics?: NewTopicsOptions,
): Promise<void> {
  await Promise.all(SERVER_NAMES.map((server) => prepareServer(server, config, contracts, print, newTopics)));
}

/** The same for one server, as soon as it answers. */
export async function prepareServer(
  server: ServerName,
  config: Config,
  contracts: Contracts,
  print: (text: string) => void,
  newTopics: NewTopicsOptions = {},
): Promise<void> {
  try {
    await WORK[server](config, contracts, print, newTopics);
  } catch (error) {
    // A sentence written for people stays as it is.
    if (error instanceof CliError || (error instanceof Error && error.name === 'StackError')) throw error;
    throw unreachable(config, server, placeOfServer(server, config), error);
  }
}

/** Of heartbeats and markers only the newest count: a day of them is kept, in files of an hour that can be deleted. */
const SHORT_LIVED = { 'retention.ms': '86400000', 'segment.ms': '3600000' };

type Work = (
  config: Config,
  contracts: Contracts,
  print: (text: string) => void,
  newTopics: NewTopicsOptions,
) => Promise<void>;

const WORK: Readonly<Record<ServerName, Work>> = {
  async postgres(config, _contracts, print) {
    const applied = await migrate(config.postgres.connectionString);
    if (applied.length > 0) print(`database migrated to version ${applied.at(-1)}`);
    await claimOwnDatabase(config);
  },
  async kafka(config, contracts, print, { partitions = PARTITIONS, replicationFactor }) {
    const options = {
      partitions,
      ...(replicationFactor !== undefined && { replicas: replicationFactor }),
      warn: print,
    };
    const { heartbeats } = bridgeTopics(contracts, config);
    const others = allTopics(contracts, config).filter((topic) => !heartbeats.includes(topic));
    const made = [
      await createTopics(config.kafka, others, options),
      await createTopics(config.kafka, heartbeats, { ...options, settings: SHORT_LIVED }),
    ];
    const created = made.reduce((sum, one) => sum + one.created.length, 0);
    if (created > 0) print(`${created} topics created`);
  },
  async temporal(config) {
    const { address, namespace, ...access } = config.temporal;
    await createSearchAttributes(address, namespace, access);
    await claimOwnNamespace(config);
  },
  // Nodes and services are made when they are registered.
  consul: () => Promise.resolve(),
};

function placeOfServer(server: ServerName, config: Config): string {
  switch (server) {
    case 'postgres':
      return postgresPlace(config);
    case 'kafka':
      return config.kafka.brokers.join(', ');
    case 'temporal':
      return config.temporal.address;
    case 'consul':
      return config.consul.address;
  }
}

/** Host, port and database, without the password. */
export function postgresPlace({ postgres }: Config): string {
  const pool = createPool(postgres.connectionString, { max: 1 });
  try {
    return databaseAddress(pool);
  } finally {
    // It never connected, so nothing can fail.
    void pool.end();
  }
}
