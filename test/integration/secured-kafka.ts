import { closeSync, openSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { spawnGuarded } from '../../src/stack/guardian.js';
import { acceptsConnections, waitUntilHealthy } from '../../src/stack/health.js';
import { choosePorts } from '../../src/stack/ports.js';
import { findJava } from '../../src/stack/prerequisites.js';
import { userCacheRoot } from '../../src/stack/provision/context.js';
import { installKafka, kafkaClassPath } from '../../src/stack/provision/kafka.js';

/**
 * The users of the broker, each with the same password for both kinds of SCRAM; `admin` may do everything, the others
 * nothing.
 */
const USERS = ['admin', 'setup', 'bridge', 'worker', 'node', 'cli'] as const;
export type User = (typeof USERS)[number];

export const passwordOf = (user: User): string => `${user}-Geheim=7`;
/** A user of PLAIN with a password that needs every kind of quoting. */
export const PLAIN_USER = { username: 'plain', password: ' p"ä\\s=s;#:! ' };

export interface SecuredKafka {
  /** SASL over TLS. */
  readonly brokers: readonly string[];
  /** The same with no mechanism but SCRAM-SHA-256. */
  readonly sha256: readonly string[];
  /** As `brokers`, at [::1]; undefined on a machine without IPv6. */
  readonly ipv6: readonly string[] | undefined;
  /** TLS that asks for a client's certificate, and no SASL. */
  readonly mutual: readonly string[];
  /** Of PEM files: the CA, another CA, and a client's certificate and key. */
  readonly files: Readonly<Record<'ca' | 'otherCa' | 'clientCertificate' | 'clientKey', string>>;
  /** The path of a client.properties for a user, as Java's tools read it too. */
  propertiesOf(user: User): Promise<string>;
  /** Runs one of Kafka's own tools, by its class, and answers what it printed. */
  tool(className: string, ...args: readonly string[]): Promise<string>;
  stop(): Promise<void>;
}

const JVM = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));

/** A Kafka of one process with TLS, SASL and ACLs, on data of its own. */
export async function startSecuredKafka(directory: string): Promise<SecuredKafka> {
  const java = findJava(process.env);
  if (java === undefined) throw new Error('Kafka needs Java, and there is none on PATH');
  const provision = { about: 'kafka', cacheRoot: userCacheRoot(process.env), env: process.env } as const;
  const jars = await installKafka({ ...provision, onProgress: () => undefined });
  const run = [...JVM, '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-cp', await kafkaClassPath(jars)];
  const certificates = await makeCertificates(directory);
  const ports = await choosePorts({ internal: 0, controller: 0, secure: 0, sha256: 0, ipv6: 0, mutual: 0 });
  const { secure = 0, sha256 = 0, ipv6 = 0, mutual = 0 } = ports;
  const config = join(directory, 'server.properties');
  await writeFile(config, serverProperties(directory, ports));
  const scram = ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) =>
    USERS.flatMap((user) => ['--add-scram', `${mechanism}=[name=${user},password=${passwordOf(user)}]`]),
  );
  const format = ['kafka.tools.StorageTool', 'format', '-t', 'bm9kZS1yZWdpc3RyYQ', '-c', config, ...scram];
  await execa(java, [...run, ...format]);
  const logFile = join(directory, 'kafka.log');
  const log = openSync(logFile, 'a');
  const server = { command: java, args: [...run, 'kafka.Kafka', config], env: process.env, cwd: directory } as const;
  const guarded = spawnGuarded({ ...server, stopSignal: 'TERM', graceSeconds: 8 }, log);
  await waitUntilHealthy(() => acceptsConnections('127.0.0.1', secure), {
    withinMs: 60_000,
    title: 'the secured Kafka',
    logFile,
    ended: guarded.exited,
  });
  const brokers = [`127.0.0.1:${secure}`];
  return {
    brokers,
    sha256: [`127.0.0.1:${sha256}`],
    ipv6: hasIpv6 ? [`[::1]:${ipv6}`] : undefined,
    mutual: [`127.0.0.1:${mutual}`],
    files: certificates,
    async propertiesOf(user) {
      const file = join(directory, `${user}.properties`);
      await writeFile(file, clientProperties(user, brokers, certificates.ca));
      return file;
    },
    async tool(className, ...args) {
      return (await execa(java, [...run, className, ...args])).stdout;
    },
    async stop() {
      await guarded.stop();
      closeSync(log);
    },
  };
}

function clientProperties(user: User, brokers: readonly string[], ca: string): string {
  return `# as Kafka's documentation has it
bootstrap.servers=${brokers.join(',')}
security.protocol=SASL_SSL
sasl.mechanism=SCRAM-SHA-512
sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \\
  username="${user}" \\
  password="${passwordOf(user)}";
ssl.truststore.type=PEM
ssl.truststore.location=${ca}
`;
}

const LOGIN = 'org.apache.kafka.common.security';

function serverProperties(directory: string, ports: Readonly<Record<string, number>>): string {
  const listeners = [
    `INTERNAL://127.0.0.1:${ports['internal']}`,
    `SECURE://127.0.0.1:${ports['secure']}`,
    `SHA256://127.0.0.1:${ports['sha256']}`,
    ...(hasIpv6 ? [`IPV6://[::1]:${ports['ipv6']}`] : []),
    `MUTUAL://127.0.0.1:${ports['mutual']}`,
  ].join(',');
  const jaas = (listener: string) => ({
    [`listener.name.${listener}.sasl.enabled.mechanisms`]: 'SCRAM-SHA-512,PLAIN,OAUTHBEARER',
    [`listener.name.${listener}.scram-sha-512.sasl.jaas.config`]: `${LOGIN}.scram.ScramLoginModule required;`,
    [`listener.name.${listener}.plain.sasl.jaas.config`]: `${LOGIN}.plain.PlainLoginModule required user_plain="${quoted(PLAIN_USER.password)}";`,
    [`listener.name.${listener}.oauthbearer.sasl.jaas.config`]: `${LOGIN}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`,
  });
  const properties = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${ports['controller']}`,
    listeners: `${listeners},CONTROLLER://127.0.0.1:${ports['controller']}`,
    'advertised.listeners': listeners,
    'inter.broker.listener.name': 'INTERNAL',
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map':
      'INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL,SHA256:SASL_SSL,IPV6:SASL_SSL,MUTUAL:SSL',
    ...jaas('secure'),
    ...jaas('ipv6'),
    'listener.name.sha256.sasl.enabled.mechanisms': 'SCRAM-SHA-256',
    'listener.name.sha256.scram-sha-256.sasl.jaas.config': `${LOGIN}.scram.ScramLoginModule required;`,
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': join(directory, 'broker.pem'),
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': join(directory, 'ca.crt'),
    'listener.name.mutual.ssl.client.auth': 'required',
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    // The broker itself speaks to its controller as nobody, on listeners that no client uses.
    'super.users': 'User:ANONYMOUS;User:admin',
    'log.dirs': join(directory, 'data'),
    'auto.create.topics.enable': false,
    'offsets.topic.num.partitions': 1,
    'offsets.topic.replication.factor': 1,
    'group.initial.rebalance.delay.ms': 0,
    'log.cleaner.dedupe.buffer.size': 8_388_608,
  };
  return Object.entries(properties)
    .map(
      ([name, value]) =>
        `${name}=${String(value)
          .replaceAll('\\', '\\\\')
          .replace(/[^\x20-\x7e]/g, escaped)}\n`,
    )
    .join('');
}

/** As JAAS quotes it. */
function quoted(text: string): string {
  return text.replace(/[\\"]/g, '\\$&');
}

/** As a file of properties, which is Latin-1 for Java, has other letters. */
function escaped(letter: string): string {
  return `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Two CAs, and of the first a certificate for the broker and one for a client. */
async function makeCertificates(directory: string): Promise<SecuredKafka['files']> {
  const openssl = async (...args: readonly string[]): Promise<void> => {
    await execa('openssl', args, { cwd: directory }).catch((error: unknown) => {
      const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
      throw isMissing ? new Error('this test makes certificates with openssl: install it', { cause: error }) : error;
    });
  };
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  for (const ca of ['ca', 'other-ca'])
    await openssl(
      'req',
      '-x509',
      ...key,
      '-days',
      '2',
      '-subj',
      `/CN=${ca}`,
      '-keyout',
      `${ca}.key`,
      '-out',
      `${ca}.crt`,
    );
  for (const name of ['broker', 'client']) {
    const names = name === 'broker' ? ['-addext', 'subjectAltName=IP:127.0.0.1,IP:::1'] : [];
    const signed = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-days', '2', '-subj', `/CN=${name}`];
    await openssl('req', '-x509', ...key, ...signed, ...names, '-keyout', `${name}.key`, '-out', `${name}.crt`);
  }
  const at = (file: string): string => join(directory, file);
  await writeFile(
    at('broker.pem'),
    (await readFile(at('broker.key'), 'utf8')) + (await readFile(at('broker.crt'), 'utf8')),
  );
  return {
    ca: at('ca.crt'),
    otherCa: at('other-ca.crt'),
    clientCertificate: at('client.crt'),
    clientKey: at('client.key'),
  };
}
