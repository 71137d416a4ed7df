import { namedKafka } from '../config/kafka.js';
import { ConfigError } from '../config/variables.js';
import type { KafkaConnection } from '../kafka/index.js';

/**
 * The Kafka that the environment names, by the names that Kafka users know, as the registrar itself reads them:
 * `KAFKA_BROKERS`, `KAFKA_SECURITY_PROTOCOL`, `KAFKA_SASL_MECHANISM` and so on, and what they do not say from the
 * `client.properties` that `KAFKA_CLIENT_PROPERTIES` names, in the words of Java's clients or of librdkafka.
 *
 * ```ts
 * const node = new RegisteredNode({ ...kafkaFromEnvironment(), node_type: 'effect', version: '1.0.0' });
 * ```
 *
 * Files that are named are read now, once.
 *
 * @param env the variables; an empty one counts as unset
 * @returns what a node or a hub takes
 * @throws {@link ConfigError} that names the variable, or the key and its file, that is missing or cannot be used
 */
export function kafkaFromEnvironment(env: Readonly<Record<string, string | undefined>> = process.env): KafkaConnection {
  const kafka = namedKafka(env);
  if (kafka === undefined)
    throw new ConfigError(
      'no Kafka is named: set KAFKA_BROKERS, or bootstrap.servers in the file that KAFKA_CLIENT_PROPERTIES names',
    );
  return kafka;
}
