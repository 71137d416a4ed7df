import { Client, Connection } from '@temporalio/client';
import { pino, type Logger } from 'pino';
import { bridgeTopics } from '../bridge/bridge-topics.js';
import type { Config } from '../config/index.js';
import type { Contracts } from '../contracts/load.js';
import { createAdmin, createKafka } from '../kafka/index.js';
import { ConsulClient } from '../registry/consul/client.js';
import { dataConverter } from '../payloads/data-converter.js';
import { createPool, databaseAddress } from '../registry/pool.js';
import type { Sources } from '../server/source.js';
import { RecentDeadLetters } from '../server/sources/dead-letters.js';
import { HealthWatch } from '../server/sources/health-watch.js';
import { LiveSources } from '../server/sources/live.js';
import { registryReader } from '../server/sources/registry-reader.js';
import type { RegistryReader } from '../server/v1/registry-reader.js';
import { refuseAnothersServers, temporalOptions } from './connect.js';
import { linksOf, runsLink, serviceLink, withServices, workflowLink } from './terminal/links.js';

/** What the fleet page and `registrar watch` look at. */
export interface OpenSources {
  readonly sources: Sources;
  /** What the read API reads. */
  readonly registry: RegistryReader;
  /** Where the registry is, for people. */
  readonly registryPlace: string;
  /** Closes the connections; the sources are closed before, by whoever uses them. */
  readonly close: () => Promise<void>;
}

/**
 * Opens the sources of a configuration. Servers that are not there yet are waited for: `health` says which.
 *
 * @throws ServerOfAnother where a server that is there belongs to another installation
 */
export async function openSources(config: Config, contracts: Contracts, log: Logger): Promise<OpenSources> {
  await refuseAnothersServers(config);
  const links = await withServices(linksOf(config), config);
  // A lost connection is shown by its probe.
  const pool = createPool(config.postgres.connectionString, {
    max: 6,
    onConnectionLost: ({ message }) => log.debug({ reason: message }, 'lost a connection to PostgreSQL'),
  });
  const connection = Connection.lazy(temporalOptions(config));
  const consul = new ConsulClient(config.consul);
  const kafka = createKafka({
    ...config.kafka,
    clientId: 'node-registrar-ui',
    logger: pino({ level: 'silent' }),
  });
  const admin = createAdmin(kafka);
  const deadLetters = new RecentDeadLetters(kafka, bridgeTopics(contracts, config).deadLetters);
  const health = new HealthWatch({
    pool,
    temporal: connection,
    consul,
    kafka: admin,
    deadLetters,
    contracts,
    names: config,
    namespace: config.temporal.namespace,
    taskQueue: config.taskQueue,
    addresses: {
      consul: config.consul.address.replace(/^https?:\/\//, ''),
      postgres: databaseAddress(pool),
      temporal: config.temporal.address,
      kafka: config.kafka.brokers.join(', '),
    },
    logger: log,
  });
  const sources = new LiveSources({
    pool,
    temporal: new Client({ connection, namespace: config.temporal.namespace, ...dataConverter(config) }),
    contracts,
    deadLetters,
    health,
    links: {
      run: (id) => workflowLink(links, id),
      runs: (id) => runsLink(links, id),
      service: (type) => serviceLink(links, type),
    },
  });
  health.start();
  return {
    sources,
    registry: registryReader(pool, contracts.compiled),
    registryPlace: databaseAddress(pool),
    close: async () => {
      consul.close();
      await Promise.allSettled([admin.close(), connection.close(), pool.end()]);
    },
  };
}
