import type { KafkaConnection } from '../kafka/connection.js';
import type { Environment } from '../stack/state/servers.js';
import { kafkaSecurity } from './kafka/security.js';
import { KafkaSettings } from './kafka/settings.js';
import { checkHostPort } from './variables.js';

export type KafkaConfig = KafkaConnection;

/** The Kafka that the environment names; undefined: it names none. */
export function namedKafka(env: Environment): KafkaConfig | undefined {
  const settings = new KafkaSettings(env);
  const name = 'bootstrap.servers';
  const brokers = settings
    .get(name)
    ?.split(',')
    .map((broker) => checkHostPort(settings.where(name), broker.trim()));
  // Keys and passwords are for the cluster that they were made for, not for ours.
  if (brokers === undefined) return undefined;
  const security = kafkaSecurity(settings);
  return { brokers, ...(security !== undefined && { security }) };
}
