import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import kafkajs, { type AclEntry, type Admin } from 'kafkajs';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBridge, type Bridge } from '../../src/bridge/bridge.js';
import { checkKafka } from '../../src/cli/doctor/kafka-checks.js';
import { readLetters } from '../../src/cli/dlq/read-letters.js';
import { replay } from '../../src/cli/dlq/replay.js';
import { openSources } from '../../src/cli/open-sources.js';
import { prepareServer } from '../../src/cli/setup/prepare-servers.js';
import { pageActions } from '../../src/cli/ui/page-actions.js';
import { loadConfig, type Config } from '../../src/config/index.js';
import { loadContracts } from '../../src/contracts/load.js';
import { consume, createKafka, createProducer, openCluster } from '../../src/kafka/index.js';
import { kafkaFromEnvironment, RegisteredNode } from '../../src/node/index.js';
import { createSearchAttributes } from '../../src/stack/index.js';
import { openWorker, type RegistrarWorker } from '../../src/worker.js';
import { workflowId } from '../../workflows/messages.js';
import { errorsOnlyRuntime } from '../run/errors-only-runtime.js';
import { temporaryFolder } from '../run/temporary-folder.js';
import { workflowBundle } from '../run/workflow-bundle.js';
import { eventually } from './installation.js';
import { openDatabase, type Database } from './registry/database.js';
import { passwordOf, PLAIN_USER, startSecuredKafka, type SecuredKafka, type User } from './secured-kafka.js';
import { servers } from './servers.js';

/** A Kafka as others run it, with TLS, SASL and the ACLs of docs/production.md only. */

const contracts = loadContracts();
const taskQueue = `secured-${randomUUID().slice(0, 8)}`;
/** All that bridge, worker, nodes and clients have logged and thrown here. */
const logged: string[] = [];
const logger = pino({ level: 'debug' }, { write: (line: string) => void logged.push(line) });
const SECRETS = [
  PLAIN_USER.password.trim(),
  'wrong-secret',
  'client-secret',
  ...(['bridge', 'node'] as const).map(passwordOf),
];

let kafka: SecuredKafka;
let database: Database;
let admin: Admin;
let client: Client;
let worker: { readonly worker: RegistrarWorker; readonly running: Promise<void> } | undefined;
let bridge: Bridge | undefined;
const nodes: RegisteredNode[] = [];

/** Without what the environment of the tests says of Kafka. */
function load(variables: Record<string, string>): Config {
  const others = Object.entries(process.env).filter(([name]) => !name.startsWith('KAFKA_'));
  return loadConfig({
    ...Object.fromEntries(others),
    DATABASE_URL: database.url,
    REGISTRAR_ENV: 'prod',
    REGISTRAR_TASK_QUEUE: taskQueue,
    ...variables,
  });
}

const configOf = async (user: User): Promise<Config> =>
  load({ KAFKA_CLIENT_PROPERTIES: await kafka.propertiesOf(user) });
const handleOf = ({ kafka: connection }: Config) => createKafka({ ...connection, clientId: 'access-test', logger });

beforeAll(async () => {
  errorsOnlyRuntime();
  const { temporalAddress } = servers();
  [kafka, database] = await Promise.all([
    startSecuredKafka(temporaryFolder('kafka-access')),
    openDatabase('kafka_access'),
    createSearchAttributes(temporalAddress, 'default'),
  ]);
  client = new Client({ connection: await Connection.connect({ address: temporalAddress }) });
  admin = new kafkajs.Kafka({
    brokers: [...kafka.brokers],
    ssl: { ca: await readFile(kafka.files.ca, 'utf8') },
    sasl: { mechanism: 'scram-sha-512', username: 'admin', password: passwordOf('admin') },
    logLevel: kafkajs.logLevel.NOTHING,
  }).admin();
  await admin.connect();
  await admin.createAcls({ acl: documentedAcls() });
});

afterAll(async () => {
  await Promise.all(nodes.map((node) => node.stop()));
  await bridge?.stop();
  worker?.worker.shutdown();
  await worker?.running;
  await admin.disconnect();
  await Promise.all([kafka.stop(), database.drop(), client.connection.close()]);
});

/** The table of docs/production.md. */
function documentedAcls(): AclEntry[] {
  const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;
  const page = readFileSync(join(import.meta.dirname, '../../docs/production.md'), 'utf8');
  const rows = [...page.matchAll(/^\| `(\w+)` +\| ([A-Z_, ]+?) +\| (topics|groups) (.*?) +\|$/gm)];
  expect(rows.length).toBeGreaterThan(10);
  return rows.flatMap(([, user = '', operations = '', kind, names = '']) =>
    operations.split(', ').flatMap((operation) =>
      [...names.matchAll(/`([^`*]+)(\*?)`/g)].map(([, resourceName = '', star]) => ({
        principal: `User:${user}`,
        host: '*',
        operation: AclOperationTypes[operation as keyof typeof AclOperationTypes],
        permissionType: AclPermissionTypes.ALLOW,
        resourceType: kind === 'topics' ? AclResourceTypes.TOPIC : AclResourceTypes.GROUP,
        resourceName,
        resourcePatternType: star === '*' ? ResourcePatternTypes.PREFIXED : ResourcePatternTypes.LITERAL,
      })),
    ),
  );
}

/** Takes rights away, and answers what gives them back. */
async function revoke(user: User, isMeant: (acl: AclEntry) => boolean): Promise<() => Promise<void>> {
  const acl = documentedAcls().filter((one) => one.principal === `User:${user}` && isMeant(one));
  expect(acl).not.toEqual([]);
  await admin.deleteAcls({ filters: acl });
  return async () => void (await admin.createAcls({ acl }));
}

async function node(): Promise<RegisteredNode> {
  const connection = kafkaFromEnvironment({ KAFKA_CLIENT_PROPERTIES: await kafka.propertiesOf('node') });
  const made = new RegisteredNode({ ...connection, env: 'prod', logger, node_type: 'effect', version: '1.0.0' });
  nodes.push(made);
  return made;
}

describe('with the ACLs of docs/production.md and no others', () => {
  it('setup makes the topics, with the partitions it is asked for', async () => {
    const config = await configOf('setup');
    await prepareServer('postgres', config, contracts, () => undefined);
    await prepareServer('kafka', config, contracts, () => undefined, { partitions: 2, replicationFactor: 1 });
    await prepareServer('kafka', config, contracts, () => undefined);
    const { topics } = await admin.fetchTopicMetadata();
    const made = topics.filter(({ name }) => name.startsWith('prod.'));
    expect(made).toHaveLength(15);
    expect(new Set(made.map(({ partitions }) => partitions.length))).toEqual(new Set([2]));
  });

  it('worker and bridge run, and a node of the SDK registers, beats and leaves', async () => {
    const config = await configOf('bridge');
    const running = await openWorker(await configOf('worker'), { bundle: await workflowBundle() });
    worker = { worker: running, running: running.run() };
    const handle = handleOf(config);
    bridge = await startBridge({
      config,
      contracts,
      temporalClient: client,
      pool: database.pool,
      kafka: handle,
      logger,
    });
    const registered = await node();
    await registered.start();
    await eventually('a heartbeat', 20, () => (bridge?.counters().heartbeats ?? 0) > 0);
    await registered.stop();
    await eventually('its leave', 20, async () => (await stateOf(registered)) === 'DEREGISTERED');
    expect(bridge?.counters().dead_letters).toBe(0);
  });

  it('the doctor finds everything well, and dead letters can be read', async () => {
    const config = await configOf('cli');
    const checks = await checkKafka(config, contracts, { running: true });
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(checks.map(({ found }) => found)).toContain('all there');
    expect((await readLetters(config, contracts, { since: new Date(0) })).letters).toEqual([]);
  });

  it('dead letters are listed and sent again by command and fleet page, and the page sees all of Kafka', async () => {
    const config = await configOf('cli');
    const sender = createProducer(handleOf(await configOf('node')));
    const topic = 'prod.onex.evt.node-introspection.v1';
    const unreadable = (text: string) => ({ topic, key: null, value: Buffer.from(text), headers: {} });
    await sender.send([unreadable('one'), unreadable('two')]);
    await sender.close();
    const list = () => readLetters(config, contracts, { since: new Date(0) }).then(({ letters }) => letters);
    const [one, two] = await eventually('its dead letters', 30, async () => {
      const letters = await list();
      return letters.length === 2 && letters;
    });
    if (one === undefined || two === undefined) throw new Error('two letters are no two');

    const wish = { who: 'somebody', why: 'mended' };
    const sent = await replay([one], config, contracts, { named: true, asked_by: wish });
    expect(sent).toEqual({ replayed: [one.id], left: [] });
    expect(await pageActions(config).replay(two.id, wish)).toContain(`Sent again, in this order: ${two.id}.`);
    expect((await list()).filter(({ replayed }) => replayed).map(({ id }) => id)).toEqual([one.id, two.id]);

    const { sources, close } = await openSources(config, contracts, logger);
    const health = await eventually('the page has read all letters, and every lag', 30, () => {
      const seen = sources.health();
      const isWhole = seen.dead_letters_count === 4 && seen.streams.every(({ lag }) => lag !== null);
      return isWhole && seen.streams.length > 0 && seen;
    });
    expect(health.dead_letters_failure).toBeNull();
    expect(health.backends.find(({ name }) => name === 'Kafka')).toMatchObject({ verdict: 'ok', failure: null });
    await sources.close();
    await close();
  });

  it("Kafka's own tool connects with the same client.properties", async () => {
    const topic = 'prod.onex.evt.node-heartbeat.v1';
    const properties = [
      '--bootstrap-server',
      kafka.brokers.join(','),
      '--command-config',
      await kafka.propertiesOf('cli'),
    ];
    const printed = await kafka.tool(
      'kafka.admin.ConfigCommand',
      ...properties,
      ...['--describe', '--entity-type', 'topics', '--entity-name', topic],
    );
    expect(printed).toContain('message.timestamp.type=LogAppendTime');
  });
});

async function stateOf({ node_id }: RegisteredNode): Promise<string | undefined> {
  const sql = 'SELECT state FROM node_registrations WHERE node_id = $1';
  const { rows } = await database.pool.query<{ state: string }>(sql, [node_id]);
  return rows[0]?.state;
}

describe('a right that is missing', () => {
  it('of the worker is waited for, named in its run, and no fault of the node', async () => {
    const topic = 'prod.onex.evt.node-became-active.v1';
    const giveBack = await revoke('worker', ({ resourceName }) => resourceName === topic);
    const registered = await node();
    const active = registered.start();
    const failure = await eventually('a failure in its run', 30, async () => {
      // Its run is there when its introspection has been read.
      const described = await client.workflow
        .getHandle(workflowId(registered.node_id))
        .describe()
        .catch(() => undefined);
      return described?.raw.pendingActivities?.[0]?.lastFailure?.message;
    });
    expect(failure).toContain(`Kafka does not let User:worker WRITE the topic ${topic}. Add an ACL (kafka-acls --add`);
    await giveBack();
    await active;
  });

  it('of the bridge is waited for, named in its log, and nothing is lost', async () => {
    const group = 'prod-node-registrar-introspections';
    const giveBack = await revoke('bridge', ({ resourceName }) => resourceName === 'prod-node-registrar-');
    const words = `Kafka does not let User:bridge READ the group ${group}`;
    await eventually('its words', 30, () => logged.some((line) => line.includes(words)));
    const registered = await node();
    const active = registered.start();
    await giveBack();
    await active;
  });

  it('of a node is named, among many topics the very one', async () => {
    const [allowed, refused] = ['prod.onex.evt.node-draining.v1', 'prod.onex.evt.node-registration-initiated.v1'];
    const config = await configOf('node');
    const wordsOf = (topics: readonly string[], groupId: string): Promise<string> =>
      new Promise((resolve) => {
        const giveUp = new AbortController();
        const onTrouble = ({ message }: Error): void => (resolve(message), giveUp.abort());
        const options = { groupId, topics, from: 'beginning', onTrouble, signal: giveUp.signal } as const;
        // It ends with our signal.
        consume(handleOf(config), { ...options, onBatch: () => Promise.resolve() }).catch(() => undefined);
      });
    expect(await wordsOf([allowed, refused], 'prod-nodes-x')).toContain(`User:node READ the topic ${refused}.`);
    expect(await wordsOf([allowed], 'another')).toContain('User:node READ the group another.');
  });

  it('of setup is named', async () => {
    const giveBack = await revoke('setup', ({ operation }) => operation === kafkajs.AclOperationTypes.DESCRIBE_CONFIGS);
    const prepared = prepareServer('kafka', await configOf('setup'), contracts, () => undefined);
    await expect(prepared).rejects.toThrow(
      'answers, but not to us: Kafka does not let User:setup DESCRIBE_CONFIGS the',
    );
    await giveBack();
  });
});

/** How many brokers answer to these variables. */
async function brokersFor(variables: Record<string, string>): Promise<number> {
  const cluster = await openCluster(handleOf(load(variables)), 3_000);
  try {
    return await cluster.brokers();
  } finally {
    await cluster.close();
  }
}

const secure = (mechanism: string, more: Record<string, string>): Record<string, string> => ({
  KAFKA_BROKERS: kafka.brokers.join(','),
  KAFKA_SECURITY_PROTOCOL: 'SASL_SSL',
  KAFKA_SSL_CA_LOCATION: kafka.files.ca,
  KAFKA_SASL_MECHANISM: mechanism,
  ...more,
});
const bridges = (): Record<string, string> =>
  secure('SCRAM-SHA-512', { KAFKA_SASL_USERNAME: 'bridge', KAFKA_SASL_PASSWORD: passwordOf('bridge') });
const mutual = (): Record<string, string> => ({
  KAFKA_BROKERS: kafka.mutual.join(','),
  KAFKA_SECURITY_PROTOCOL: 'SSL',
  KAFKA_SSL_CA_LOCATION: kafka.files.ca,
});
const certificate = (): Record<string, string> => ({
  KAFKA_SSL_CERTIFICATE_LOCATION: kafka.files.clientCertificate,
  KAFKA_SSL_KEY_LOCATION: kafka.files.clientKey,
});

/** A token that nobody has signed, which Kafka takes where it is set up so. */
function token(): string {
  const now = Math.floor(Date.now() / 1_000);
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none' })}.${part({ sub: 'service', iat: now, exp: now + 300 })}.`;
}

/** OIDC's token endpoint, with what it was asked by. */
async function tokenEndpoint() {
  const asked: unknown[] = [];
  const endpoint = createServer((request, response) => {
    asked.push(request.headers.authorization);
    response.end(JSON.stringify({ access_token: token(), expires_in: 300 }));
  }).listen(0, '127.0.0.1');
  await once(endpoint, 'listening');
  const url = `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}/token`;
  return { url, asked, close: () => void endpoint.close() };
}

describe('a client connects', () => {
  it('by SCRAM, given in variables', async () => {
    expect(await brokersFor(bridges())).toBe(1);
  });

  it('by SCRAM-SHA-256, where the broker has no other mechanism', async () => {
    const sha256 = { KAFKA_BROKERS: kafka.sha256.join(','), KAFKA_SASL_MECHANISM: 'SCRAM-SHA-256' };
    expect(await brokersFor({ ...bridges(), ...sha256 })).toBe(1);
  });

  it('by PLAIN, whatever characters the password has', async () => {
    const { username, password } = PLAIN_USER;
    expect(await brokersFor(secure('PLAIN', { KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password }))).toBe(1);
  });

  it('by OAUTHBEARER, with a command that prints a token', async () => {
    const file = join(temporaryFolder('token'), 'token');
    await writeFile(file, token());
    const command = `cat ${file}`;
    expect(await brokersFor(secure('OAUTHBEARER', { KAFKA_SASL_OAUTHBEARER_TOKEN_COMMAND: command }))).toBe(1);
  });

  it("by OAUTHBEARER, with OIDC's client credentials", async () => {
    const { url, asked, close } = await tokenEndpoint();
    const credentials = {
      KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL: url,
      KAFKA_SASL_OAUTHBEARER_CLIENT_ID: 'client',
      KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET: 'client-secret',
    };
    expect(await brokersFor(secure('OAUTHBEARER', credentials))).toBe(1);
    expect(asked[0]).toBe(`Basic ${Buffer.from('client:client-secret').toString('base64')}`);
    close();
  });

  it("by librdkafka's names: OIDC, extensions that the broker takes, and the CA in the file itself", async () => {
    const { url, asked, close } = await tokenEndpoint();
    const file = join(temporaryFolder('librdkafka'), 'client.properties');
    const lines = [
      `metadata.broker.list=${kafka.brokers.join(',')}`,
      'security.protocol=sasl_ssl',
      `ssl.ca.pem=${(await readFile(kafka.files.ca, 'utf8')).replaceAll('\n', '\\n')}`,
      'sasl.mechanisms=OAUTHBEARER',
      'sasl.oauthbearer.method=oidc',
      `sasl.oauthbearer.token.endpoint.url=${url}`,
      'sasl.oauthbearer.client.id=client',
      'sasl.oauthbearer.client.secret=client-secret',
      'sasl.oauthbearer.extensions=logicalCluster=lkc-1,organizationId=sales-emea',
    ];
    await writeFile(file, lines.join('\n'));
    expect(await brokersFor({ KAFKA_CLIENT_PROPERTIES: file })).toBe(1);
    expect(asked.length).toBeGreaterThan(0);
    close();
  });

  it('by its certificate', async () => {
    expect(await brokersFor({ ...mutual(), ...certificate() })).toBe(1);
  });

  it('to an IPv6 address', async ({ skip }) => {
    if (kafka.ipv6 === undefined) return skip('this machine has no IPv6');
    expect(await brokersFor({ ...bridges(), KAFKA_BROKERS: kafka.ipv6.join(',') })).toBe(1);
  });
});

describe('a client that is refused is answered what to set', () => {
  it.each<[what: string, variables: () => Record<string, string>, words: RegExp]>([
    [
      'a wrong CA',
      () => ({ ...bridges(), KAFKA_SSL_CA_LOCATION: kafka.files.otherCa }),
      /certificate is not trusted \(.*\) Set KAFKA_SSL_CA_LOCATION/,
    ],
    [
      'a wrong password',
      () => ({ ...bridges(), KAFKA_SASL_PASSWORD: 'wrong-secret' }),
      /does not accept User:bridge by SCRAM-SHA-512 \(.*\) Check KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD/,
    ],
    [
      'a mechanism that the listener does not have',
      () => ({ ...bridges(), KAFKA_SASL_MECHANISM: 'SCRAM-SHA-256' }),
      /does not offer SCRAM-SHA-256 Set KAFKA_SASL_MECHANISM/,
    ],
    [
      'a token that is not accepted',
      () => secure('OAUTHBEARER', { KAFKA_SASL_OAUTHBEARER_TOKEN_COMMAND: 'echo a.b.c' }),
      /does not accept the token by OAUTHBEARER \(.*invalid_token.*\) Check the token command/,
    ],
    [
      'a token command that fails',
      () => secure('OAUTHBEARER', { KAFKA_SASL_OAUTHBEARER_TOKEN_COMMAND: 'echo "no token today" >&2; exit 3' }),
      /the command for a token failed: exit code 3, no token today/,
    ],
    ['no TLS', () => ({ KAFKA_BROKERS: kafka.brokers.join(',') }), /closes the connection .*KAFKA_SECURITY_PROTOCOL/],
    ['TLS without SASL', () => ({ ...bridges(), KAFKA_SECURITY_PROTOCOL: 'SSL' }), /not speak SSL: set KAFKA_SECURITY/],
    [
      'SASL where there is none',
      () => ({ ...bridges(), ...mutual(), ...certificate(), KAFKA_SECURITY_PROTOCOL: 'SASL_SSL' }),
      /takes no SASL Set KAFKA_SECURITY_PROTOCOL/,
    ],
    ['no certificate', mutual, /accept this client’s certificate \(.*\) Set KAFKA_SSL_CERTIFICATE_LOCATION/],
  ])('%s', async (_what, variables, words) => {
    const [check] = await checkKafka(load(variables()), contracts, { running: false });
    const answer = `${check?.found} ${check?.todo}`;
    logged.push(answer);
    expect(answer).toMatch(words);
  });
});

it('no secret stands in what was logged and printed', () => {
  expect(logged.length).toBeGreaterThan(20);
  for (const secret of SECRETS) expect(logged.filter((line) => line.includes(secret))).toEqual([]);
});
