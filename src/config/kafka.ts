import type { KafkaConnection } from '../kafka/connection.js';
import type { Environment } from '../stack/state/servers.js';
import { kafkaSecurity } from './kafka/security.js';
import { KafkaSettings } from './kafka/settings.js';
import { checkHostPort } from './variables.js';

export type KafkaConfig = KafkaConnection;

/** @param own brokers of ours, used where the environment names none */
export function kafkaConfig(env: Environment, own: readonly string[] | undefined): KafkaConfig {
  const settings = new KafkaSettings(env);
  const brokers = brokersOf(settings);
  // Keys and passwords are for the cluster that they were made for, not for ours.
  if (brokers === undefined) return { brokers: own ?? ['localhost:9092'] };
  const security = kafkaSecurity(settings);
  return { brokers, ...(security !== undefined && { security }) };
}

/** Whether the environment names a Kafka. */
export function namesKafka(env: Environment): boolean {
  return brokersOf(new KafkaSettings(env)) !== undefined;
}

function brokersOf(settings: KafkaSettings): string[] | undefined {
  const name = 'bootstrap.servers';
  const value = settings.get(name);
  return value?.split(',').map((broker) => checkHostPort(settings.where(name), broker.trim()));
}
