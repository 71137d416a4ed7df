import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ConfigError, kafkaFromEnvironment, NodeHub, RegisteredNode } from '../../../src/node/index.js';
import { temporaryFolder } from '../../run/temporary-folder.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

const scram = {
  KAFKA_SECURITY_PROTOCOL: 'SASL_SSL',
  KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512',
  KAFKA_SASL_USERNAME: 'node',
  KAFKA_SASL_PASSWORD: 'p',
};
const security = { tls: {}, sasl: { mechanism: 'SCRAM-SHA-512', username: 'node', password: 'p' } };

describe("a node's connection, from the environment", () => {
  it('is of variables, as the registrar reads them, and what a node and a hub take', async () => {
    const kafka = kafkaFromEnvironment({ KAFKA_BROKERS: 'one:9093, [::1]:9093', ...scram });
    expect(kafka).toEqual({ brokers: ['one:9093', '[::1]:9093'], security });
    const node = new RegisteredNode({ ...kafka, node_type: 'effect', version: '1.0.0' });
    const hub = new NodeHub({ ...kafka, env: 'prod' });
    await Promise.all([node.stop(), hub.close()]);
  });

  it('is of a client.properties, and by default of the environment of the process', () => {
    const file = join(temporaryFolder('node-kafka'), 'client.properties');
    const jaas = "a.ScramLoginModule required username='node' password='p';";
    const lines = ['bootstrap.servers=one:9093', 'security.protocol=SASL_SSL', 'sasl.mechanism=SCRAM-SHA-512'];
    writeFileSync(file, [...lines, `sasl.jaas.config=${jaas}`].join('\n'));
    vi.stubEnv('KAFKA_BROKERS', '');
    vi.stubEnv('KAFKA_CLIENT_PROPERTIES', file);
    expect(kafkaFromEnvironment()).toEqual({ brokers: ['one:9093'], security });
  });

  it.each([
    [{}, 'no Kafka is named: set KAFKA_BROKERS, or bootstrap.servers in the file that KAFKA_CLIENT_PROPERTIES names'],
    [scram, 'no Kafka is named: set KAFKA_BROKERS'],
    [{ KAFKA_BROKERS: 'one' }, "KAFKA_BROKERS: 'one' is not host:port"],
    [{ KAFKA_BROKERS: 'one:9093', KAFKA_SASL_USERNAME: 'u' }, 'KAFKA_SECURITY_PROTOCOL is not: set it to one of'],
  ])('of %o is refused: %s', (env, words) => {
    const read = () => kafkaFromEnvironment(env);
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(words);
  });
});
