import { nodeTopicTemplates } from '../../../src/cli/setup/all-topics.js';
import { simulateFleet, type Fleet } from '../../../src/node/index.js';
import { errorsOnly, type Servers } from './servers.js';

/** Nodes that speak only Kafka and do everything that real ones do. */
export function fleetOf(nodes: number, { config, contracts }: Servers): Fleet {
  const { env, namespace, kafka } = config;
  return simulateFleet({
    nodes,
    brokers: kafka.brokers,
    env,
    namespace,
    topics: nodeTopicTemplates(contracts),
    logger: errorsOnly('node'),
  });
}
