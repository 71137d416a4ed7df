import type { Environment } from '../stack/state/servers.js';
import { checkHostPort, given } from './variables.js';

export interface KafkaConfig {
  /** host:port of one or more brokers */
  readonly brokers: readonly string[];
}

/** @param own brokers of ours, used where the environment names none */
export function kafkaConfig(env: Environment, own: readonly string[] | undefined): KafkaConfig {
  return { brokers: kafkaBrokers(env) ?? own ?? ['localhost:9092'] };
}

/** The brokers that the environment names. */
export function kafkaBrokers(env: Environment): string[] | undefined {
  const value = given(env, 'KAFKA_BROKERS');
  if (value === undefined) return undefined;
  return value.split(',').map((broker) => checkHostPort('KAFKA_BROKERS', broker.trim()));
}
