import type { Config } from '../config/index.js';
import type { Addresses, Environment } from './state/servers.js';

/** What is said of another Consul than ours: unset for one of ours. */
const OF_ANOTHER_CONSUL = {
  ...{ CONSUL_HTTP_SSL: '', CONSUL_HTTP_TOKEN: '', CONSUL_HTTP_TOKEN_FILE: '', CONSUL_HTTP_AUTH: '' },
  ...{ CONSUL_NAMESPACE: '', CONSUL_PARTITION: '' },
};

/** Likewise of another PostgreSQL. */
const OF_ANOTHER_POSTGRES = { PGSSLMODE: '', PGSSLROOTCERT: '', PGSSLCERT: '', PGSSLKEY: '', PGTARGETSESSIONATTRS: '' };

/** The variables that make a child process use these servers. */
export function environmentOf(addresses: Addresses, config: Config): Record<string, string> {
  return {
    ...(config.fromEnvironment.consul ? {} : OF_ANOTHER_CONSUL),
    ...(config.fromEnvironment.postgres ? {} : OF_ANOTHER_POSTGRES),
    TEMPORAL_ADDRESS: addresses.temporal,
    TEMPORAL_NAMESPACE: config.temporal.namespace,
    KAFKA_BROKERS: addresses.kafka.join(','),
    // Ours has neither TLS nor SASL, whatever somebody else's has.
    ...(!config.fromEnvironment.kafka && { KAFKA_SECURITY_PROTOCOL: 'PLAINTEXT', KAFKA_CLIENT_PROPERTIES: '' }),
    CONSUL_HTTP_ADDR: addresses.consul,
    DATABASE_URL: addresses.postgres,
    REGISTRAR_DATA_DIR: config.dataDir,
  };
}

/** Variables by which the servers' own programs would be configured behind our back. */
const FOREIGN = /^(TEMPORAL_|CONSUL_|KAFKA_|PG)/;

/** The environment in which a server runs: ours without what is meant for its clients. */
export function serverEnvironment(env: Environment): Environment {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !FOREIGN.test(name)));
}
