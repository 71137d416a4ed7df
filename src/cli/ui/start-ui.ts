import { Client, Connection } from '@temporalio/client';
import { pino, type Logger } from 'pino';
import type { Config } from '../../config.js';
import { bridgeTopics } from '../../bridge/bridge-topics.js';
import { loadContracts } from '../../contracts/load.js';
import { createAdmin, createKafka } from '../../kafka/index.js';
import { ConsulClient } from '../../registry/consul/client.js';
import { createPool, placeOf } from '../../registry/pool.js';
import { contractView } from '../../server/contract/view.js';
import { serveFleet, type FleetServer } from '../../server/http/server.js';
import { DeadLetters } from '../../server/sources/dead-letters.js';
import { HealthWatch } from '../../server/sources/health-watch.js';
import { LiveSources } from '../../server/sources/live.js';
import { pageActions } from './page-actions.js';
import { temporalOptions } from '../connect.js';
import { command } from '../terminal/invocation.js';
import { linksOf, serviceLink, workflowLink } from '../terminal/links.js';

export interface UiOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Further names under which the server answers. */
  readonly hostNames: readonly string[];
  /** People may act from the page. */
  readonly actions: boolean;
  /** Header in which a proxy names the person. */
  readonly userHeader?: string;
}

/**
 * Serves the fleet page of a configuration. Servers that are not there yet are
 * waited for: the page says which.
 *
 * @throws PageNotBuilt
 * @throws Error when the address cannot be taken
 */
export async function startUi(config: Config, options: UiOptions, log: Logger): Promise<FleetServer> {
  const contracts = loadContracts(config.contractsDir);
  const links = linksOf(config);
  // A lost connection is shown on the page by its probe.
  const pool = createPool(config.postgres.connectionString, {
    max: 6,
    onConnectionLost: ({ message }) => log.debug({ reason: message }, 'lost a connection to PostgreSQL'),
  });
  const connection = Connection.lazy(temporalOptions(config));
  const consul = new ConsulClient({
    address: config.consul.httpAddr,
    ...(config.consul.token === undefined ? {} : { token: config.consul.token }),
  });
  const kafka = createKafka({
    brokers: config.kafka.brokers,
    clientId: 'node-registrar-ui',
    logger: pino({ level: 'silent' }),
  });
  const admin = createAdmin(kafka);
  const deadLetters = new DeadLetters(kafka, bridgeTopics(contracts, config).deadLetters);
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
      consul: config.consul.httpAddr.replace(/^https?:\/\//, ''),
      postgres: placeOf(pool),
      temporal: config.temporal.address,
      kafka: config.kafka.brokers.join(', '),
    },
    logger: log,
  });
  const sources = new LiveSources({
    pool,
    temporal: new Client({ connection, namespace: config.temporal.namespace }),
    contracts,
    deadLetters,
    health,
    links: { run: (id) => workflowLink(links, id), service: (type) => serviceLink(links, type) },
  });
  health.start();
  const close = async (): Promise<void> => {
    consul.close();
    await Promise.allSettled([admin.close(), connection.close(), pool.end()]);
  };
  try {
    const server = await serveFleet({
      sources,
      contract: contractView(contracts, config),
      env: config.env,
      namespace: config.namespace,
      logger: log,
      ...options,
      actions: options.actions ? pageActions(config) : null,
      tryCommand: command('node --id mailer-1'),
      fleet: { registryTodo: `Look at the database server at ${placeOf(pool)}.` },
    });
    return {
      url: server.url,
      async close() {
        await server.close();
        await close();
      },
    };
  } catch (error) {
    await sources.close();
    await close();
    throw error;
  }
}
