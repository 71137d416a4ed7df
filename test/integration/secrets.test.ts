import { createPrivateKey, generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { choosePorts, portOf } from '../../src/stack/ports.js';
import { makeCertificates } from '../run/certificates.js';
import type { RegistrarProcess } from './cli-process.js';
import { eventually, Installation } from './installation.js';
import { formsOf, leaksIn } from './leaks.js';

/** The line of a PEM that is the key. */
function privateKey(): string {
  const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return pem.split('\n')[1] ?? '';
}

/** What must be read nowhere. The password has the characters that URLs, JSON and shells write in other ways. */
const SECRETS = {
  'the password of PostgreSQL': `planted /:@?#%&'"\\ ${randomUUID()}`,
  'the token of Consul': `planted-token-${randomUUID()}`,
  'the basic authentication of Consul': `planted-auth-${randomUUID()}`,
  // Two bytes short: what is wrong with it must be said without it.
  'a key of payloads': randomBytes(30).toString('base64'),
  'the password of Kafka': `planted-kafka-"'\\;=${randomUUID()}`,
  "the password of the key of Kafka's certificate": `planted-kafka-key-"'\\;=${randomUUID()}`,
  'the client secret of OIDC': `planted-oidc-${randomUUID()}`,
  'the API key of Temporal': `planted-api-${randomUUID()}`,
  'the private key of a node': privateKey(),
} as const;

/** Which of them stand in a text, and where. */
const leaks = (where: string, text: string): readonly string[] => leaksIn(SECRETS, where, text);

const directory = mkdtempSync(join(tmpdir(), 'secrets-test-'));
const processes: { readonly name: string; readonly process: RegistrarProcess }[] = [];
let registrar: Installation;
let environment: NodeJS.ProcessEnv;

beforeAll(async () => {
  registrar = await Installation.prepare();
  const url = new URL(registrar.config.postgres.connectionString);
  url.password = encodeURIComponent(SECRETS['the password of PostgreSQL']);
  environment = {
    LOG_LEVEL: 'trace',
    DATABASE_URL: url.href,
    CONSUL_HTTP_ADDR: registrar.config.consul.address,
    CONSUL_HTTP_TOKEN: SECRETS['the token of Consul'],
    CONSUL_HTTP_AUTH: `ann:${SECRETS['the basic authentication of Consul']}`,
  };
});
afterAll(async () => {
  await registrar.stop();
  rmSync(directory, { recursive: true });
});

function run(args: readonly string[], env: NodeJS.ProcessEnv = {}): RegistrarProcess {
  const process = registrar.processWith({ ...environment, ...env }, ...args);
  processes.push({ name: `registrar ${args.join(' ')}`, process });
  return process;
}

/** All that a command prints. */
async function said(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  const { stdout, stderr } = await run(args, env).ends();
  expect(stdout + stderr).not.toBe('');
  return stdout + stderr;
}

/** A client's certificate whose key has a password, and the same with a key that has another one. */
function kafkaTls() {
  const { client } = makeCertificates(directory, 'DNS:localhost', 'registrar');
  const key = createPrivateKey(readFileSync(client.key));
  const keyWith = (passphrase: string, name: string): string => {
    const file = join(directory, name);
    writeFileSync(file, key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase }));
    return file;
  };
  const password = SECRETS["the password of the key of Kafka's certificate"];
  const tls = {
    KAFKA_SECURITY_PROTOCOL: 'SSL',
    KAFKA_SSL_CERTIFICATE_LOCATION: client.cert,
    KAFKA_SSL_KEY_LOCATION: keyWith(password, 'client.encrypted.key'),
    KAFKA_SSL_KEY_PASSWORD: password,
  };
  return { tls, wrongPassword: { ...tls, KAFKA_SSL_KEY_LOCATION: keyWith(`${password}?`, 'client.other.key') } };
}

it.each(Object.entries(SECRETS))('%s would be found in any form', (name, secret) => {
  for (const form of formsOf(secret)) expect(leaks('a log', `before ${form} after`)).toEqual([`${name}: a log`]);
});

describe('planted secrets', () => {
  it('stand in no log, history, dead letter, metric or page of an installation that works', async () => {
    const ports = await choosePorts({ bridge: 9464, worker: 9465 });
    const metrics = { bridge: portOf(ports, 'bridge'), worker: portOf(ports, 'worker') };
    const bridge = run(['bridge'], { REGISTRAR_BRIDGE_METRICS: String(metrics.bridge) });
    // Its activities fail until the second worker is there, and Temporal keeps with which words.
    const away = run(['worker'], { CONSUL_HTTP_ADDR: 'http://127.0.0.1:1' });
    const ui = run(['ui', '--port', '0']);
    await Promise.all([bridge.says(/"bridge runs"/), away.says(/"worker runs"/)]);
    const [, page = ''] = await ui.says(/The fleet page: (\S+)/);
    const pem = `-----BEGIN PRIVATE KEY-----\n${SECRETS['the private key of a node']}\n-----END PRIVATE KEY-----\n`;
    const node = registrar.node({ signingKey: pem });
    const active = node.start();
    const signing = join(directory, 'node.pem');
    writeFileSync(signing, pem);
    run(['node', '--key', signing]);
    await eventually('its words are kept', 30, async () => /ECONNREFUSED/.test(await said(['status', node.node_id])));
    const pending = JSON.stringify(await registrar.handle(node.node_id).describe());
    away.kill('SIGTERM');
    const worker = run(['worker'], { REGISTRAR_WORKER_METRICS: String(metrics.worker) });
    await worker.says(/"worker runs"/);
    await active;
    await registrar.send('NodeIntrospectionEvent', JSON.stringify({ node_id: 'odd-one', node_type: 'toaster' }));

    const letters = await eventually('its dead letter', 30, async () => {
      const text = await said(['dlq', 'list', '--json']);
      return text.includes('odd-one') && text;
    });
    const history = JSON.stringify(await registrar.handle(node.node_id).fetchHistory());
    const stored = [...history.matchAll(/"data":"([^"]*)"/g)].map(([, data]) =>
      String(Buffer.from(data ?? '', 'base64')),
    );
    expect(stored.join()).toContain('10.0.0.1:8080');
    const read = async (url: string): Promise<string> => (await fetch(url)).text();
    const shown = {
      'the history': history + stored.join('\n'),
      'what Temporal says of the run': pending,
      'the dead letters': letters,
      'the doctor': await said(['doctor', '--json']),
      'the list': await said(['list', '--json']),
      'the page of a node': await read(`${page}api/nodes/${node.node_id}`),
      "the page of the registrar's health": await read(`${page}api/health`),
      'the read API': await read(`${page}v1/nodes`),
      'the metrics of the bridge': await read(`http://127.0.0.1:${metrics.bridge}/metrics`),
      'the metrics of the worker': await read(`http://127.0.0.1:${metrics.worker}/metrics`),
    };
    expect(Object.entries(shown).flatMap(([where, text]) => leaks(where, text))).toEqual([]);
  });

  it('stand in no error of servers that are away, or of an environment that cannot be used', async () => {
    const password = encodeURIComponent(SECRETS['the password of PostgreSQL']);
    const away = {
      DATABASE_URL: `postgresql://ann:${password}@127.0.0.1:1/registrar`,
      CONSUL_HTTP_ADDR: 'http://127.0.0.1:1',
    };
    const keys = join(directory, 'keys.yaml');
    writeFileSync(keys, `current: a\nkeys:\n  a: ${SECRETS['a key of payloads']}\n`);
    const kafka = { KAFKA_SASL_USERNAME: 'ann', KAFKA_SASL_PASSWORD: SECRETS['the password of Kafka'] };
    const sasl = { ...kafka, KAFKA_SECURITY_PROTOCOL: 'SASL_PLAINTEXT', KAFKA_SASL_MECHANISM: 'SCRAM-SHA-256' };
    const properties = join(directory, 'client.properties');
    const escaped = SECRETS['the password of Kafka'].replaceAll('\\', '\\\\').replaceAll('"', '\\"');
    const jaas = `org.apache.kafka.common.security.scram.ScramLoginModule required username="ann" password="${escaped}"`;
    writeFileSync(
      properties,
      `security.protocol=SASL_PLAINTEXT\nsasl.mechanism=SCRAM-SHA-256\nsasl.jaas.config=${jaas}\n`,
    );
    const oidc = {
      KAFKA_SECURITY_PROTOCOL: 'SASL_PLAINTEXT',
      KAFKA_SASL_MECHANISM: 'OAUTHBEARER',
      KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL: 'http://127.0.0.1:1/token',
      KAFKA_SASL_OAUTHBEARER_CLIENT_ID: 'registrar',
      KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET: SECRETS['the client secret of OIDC'],
    };
    const { tls, wrongPassword } = kafkaTls();
    const texts = await Promise.all([
      // A listener without SASL, a file that lacks its end, an endpoint that is away, a Temporal without TLS.
      said(['doctor'], sasl),
      said(['doctor'], { KAFKA_CLIENT_PROPERTIES: properties }),
      said(['doctor'], { ...kafka, KAFKA_SECURITY_PROTOCOL: 'SASL_PLAINTEXT', KAFKA_SASL_MECHANISM: 'GSSAPI' }),
      said(['doctor'], oidc),
      // A listener without TLS, and a key that has another password.
      said(['doctor'], tls),
      said(['doctor'], wrongPassword),
      said(['doctor'], { TEMPORAL_API_KEY: SECRETS['the API key of Temporal'] }),
      said(['doctor'], away),
      said(['status', 'somebody'], away),
      said(['list'], away),
      said(['setup'], away),
      said(['doctor'], { DATABASE_URL: `postgre://ann:${password}@h/db` }),
      said(['doctor'], { DATABASE_URL: `postgresql://ann:${SECRETS['the password of PostgreSQL']}@h:port/db` }),
      said(['doctor'], { CONSUL_HTTP_ADDR: `http://ann:${SECRETS['the basic authentication of Consul']}@h:8500` }),
      said(['worker'], { REGISTRAR_PAYLOAD_KEYS: keys }),
      said(['codec-server'], { REGISTRAR_PAYLOAD_KEYS: keys }),
    ]);
    expect(texts.join()).toMatch(/before secure TLS connection[^]*KAFKA_SSL_KEY_PASSWORD cannot be used for TLS/);
    expect(texts.flatMap((text, at) => leaks(`command ${at}: ${text}`, text))).toEqual([]);
  });

  it('stand in nothing that a process has said until its end', async () => {
    for (const { process } of processes) process.kill('SIGTERM');
    const ends = await Promise.all(processes.map(async ({ name, process }) => ({ name, ...(await process.ends()) })));
    expect(ends.flatMap(({ name, stdout, stderr }) => leaks(name, stdout + stderr))).toEqual([]);
    expect(ends.map(({ stderr }) => stderr).join()).toContain('"worker runs"');
  });
});
