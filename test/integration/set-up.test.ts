import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkConsul } from '../../src/cli/doctor/consul-checks.js';
import { checkRegistry } from '../../src/cli/doctor/registry-checks.js';
import { loadConfig } from '../../src/config/index.js';
import { ConsulPayload } from '../../src/protocol/intents.js';
import { Catalog } from '../../src/registry/consul/catalog.js';
import { ConsulClient } from '../../src/registry/consul/client.js';
import { readCatalogEntries } from '../../src/registry/consul/fleet.js';
import { readRegistryRow } from '../../src/registry/rows/read-registry-row.js';
import { temporaryFolder } from '../run/temporary-folder.js';
import { startConsul, type ConsulAgent, type Environment } from './consul-agent.js';
import { eventually, Installation } from './installation.js';
import { identity } from './registry/requests.js';

let registrar: Installation;

beforeAll(async () => {
  registrar = await Installation.prepare();
  await registrar.startBridge();
});
afterAll(() => registrar.stop());

const state = async (node_id: string) => (await readRegistryRow(registrar.pool, node_id))?.state;

/** What the activities of a node's run that do not succeed fail with. */
async function failures(node_id: string): Promise<string> {
  const { raw } = await registrar.handle(node_id).describe();
  const texts = (raw.pendingActivities ?? []).map(({ lastFailure }) => lastFailure?.message ?? '');
  return texts.join('\n');
}

/** Three nodes that start while the registrar's own set-up is wrong, with what their runs wait for. */
async function waiting(why: RegExp): Promise<readonly string[]> {
  const nodes = registrar.nodes(3);
  for (const node of nodes) void node.start();
  for (const { node_id } of nodes)
    await eventually(`${node_id} waits`, 40, async () =>
      why.test(await failures(node_id).catch((error: Error) => error.name)),
    );
  return nodes.map(({ node_id }) => node_id);
}

async function allActive(ids: readonly string[]): Promise<void> {
  for (const id of ids) await eventually(`${id} is active`, 60, async () => (await state(id)) === 'ACTIVE');
  const rejected = registrar.published.filter(({ event }) => event.event_type === 'NodeRegistrationRejected');
  expect(rejected).toEqual([]);
}

describe('a Consul with access rules that deny by default, a private CA and client certificates', () => {
  const folder = temporaryFolder('consul');
  const tokenFile = join(folder, 'token');
  let consul: ConsulAgent;

  const configWith = (env: Environment) => loadConfig({ ...registrar.environment, CONSUL_HTTP_ADDR: '', ...env });
  const problems = async (env: Environment) => (await checkConsul(configWith(env))).filter(({ ok }) => !ok);
  /** What its catalog has of a node, whoever may see it. */
  const catalogNode = async (node_id: string) => (await consul.manage('GET', `catalog/node/onex-${node_id}`)).body;
  /** The token that a client has from now on: one with the documented policy, or any other. */
  async function useToken(policy: 'registrar' | null): Promise<string> {
    const SecretID = randomUUID();
    const made = policy && (await consul.manage('PUT', 'acl/token', { SecretID, Policies: [{ Name: policy }] }));
    expect(made?.status ?? 200).toBe(200);
    writeFileSync(tokenFile, `${SecretID}\n`);
    return SecretID;
  }

  beforeAll(async () => {
    consul = await startConsul(folder);
    const page = readFileSync(join(import.meta.dirname, '../../docs/production.md'), 'utf8');
    const Rules = /```hcl\n([\s\S]*?)```/.exec(page)?.[1];
    expect((await consul.manage('PUT', 'acl/policy', { Name: 'registrar', Rules })).status).toBe(200);
    await useToken(null);
    await registrar.startWorker(configWith({ ...consul.https, CONSUL_HTTP_TOKEN_FILE: tokenFile }));
  });
  afterAll(async () => {
    await registrar.stopWorker();
    await consul.stop();
  });

  it('rejects no node: with a token that it does not know they wait, the doctor names it, and with the documented policy in the token file they become active', async () => {
    const env = { ...consul.https, CONSUL_HTTP_TOKEN_FILE: tokenFile };
    const ids = await waiting(/does not let the registrar register .*ACL not found.*Next: check CONSUL_HTTP_TOKEN/s);
    expect(await problems(env)).toMatchObject([
      {
        found: expect.stringMatching(/ACL not found/) as string,
        todo: expect.stringContaining('CONSUL_HTTP_TOKEN') as string,
      },
    ]);
    const first = await useToken('registrar');
    await allActive(ids);
    expect(await problems(env)).toEqual([]);

    // Another token replaces it, and the first is revoked.
    await useToken('registrar');
    const tokens = JSON.parse((await consul.manage('GET', 'acl/tokens')).body) as Record<string, string>[];
    const revoked = tokens.find(({ SecretID }) => SecretID === first)?.['AccessorID'] ?? '';
    expect((await consul.manage('DELETE', `acl/token/${revoked}`)).status).toBe(200);
    const later = registrar.node();
    await Promise.all([later.start(), allActive([later.node_id])]);
    const client = new ConsulClient(configWith(env).consul);
    const fleet = await readCatalogEntries(client);
    expect(fleet.map(({ node_id, passing }) => ({ node_id, passing }))).toEqual(
      expect.arrayContaining([...ids, later.node_id].map((node_id) => ({ node_id, passing: true }))),
    );
    client.close();

    // Leaving Consul needs its rights, too.
    expect(await catalogNode(later.node_id)).not.toBe('null');
    await later.stop();
    await eventually('the catalog has it no more', 60, async () => (await catalogNode(later.node_id)) === 'null');
    await eventually('its row says so', 60, async () => (await state(later.node_id)) === 'DEREGISTERED');
  });

  it('the documented policy writes no node or service of others', async () => {
    const client = new ConsulClient(
      configWith({ ...consul.https, CONSUL_HTTP_TOKEN: await useToken('registrar') }).consul,
    );
    const node = { Node: 'web', Address: '10.0.0.1' };
    await expect(client.transact([{ Node: { Verb: 'set', Node: node } }])).rejects.toThrow(/Permission denied/);
    const service = { ID: 'web', Service: 'web' };
    await expect(
      client.transact([
        { Node: { Verb: 'set', Node: { ...node, Node: 'onex-web' } } },
        { Service: { Verb: 'set', Node: 'onex-web', Service: service } },
      ]),
    ).rejects.toThrow(/Permission denied/);
    client.close();
  });

  it("understands Consul's environment as Consul's own command line does", async () => {
    const token = { CONSUL_HTTP_TOKEN: await useToken('registrar') };
    const { CONSUL_HTTP_ADDR: _, ...files } = consul.https;
    const { CONSUL_CACERT: _ca, ...withoutCa } = files;
    const { CONSUL_CLIENT_CERT: _cert, CONSUL_CLIENT_KEY: _key, ...withoutCertificate } = files;
    const at = (CONSUL_HTTP_ADDR: string, more: Environment) => ({ CONSUL_HTTP_ADDR, ...token, ...more });
    const { port } = consul;
    const name = { CONSUL_TLS_SERVER_NAME: 'server.dc1.consul' };
    const rows: readonly (readonly [string, boolean, Environment])[] = [
      ['CA file and client certificate', true, at(`https://localhost:${port}`, files)],
      ['a folder of CAs', true, at(`https://localhost:${port}`, { ...withoutCa, CONSUL_CAPATH: consul.capath })],
      ['an address without a scheme', true, at(`localhost:${port}`, { ...files, CONSUL_HTTP_SSL: '1' })],
      ['an address that says http', true, at(`http://localhost:${port}`, { ...files, CONSUL_HTTP_SSL: 'true' })],
      ['IPv6', true, at(`https://[::1]:${port}`, files)],
      ["another name than the certificate's", false, at(`https://127.0.0.1:${port}`, files)],
      ['the name that it has', true, at(`https://127.0.0.1:${port}`, { ...files, ...name })],
      ['an unknown CA', false, at(`https://localhost:${port}`, withoutCa)],
      ['nothing verified', true, at(`https://127.0.0.1:${port}`, { ...withoutCa, CONSUL_HTTP_SSL_VERIFY: 'false' })],
      ['no client certificate', false, at(`https://localhost:${port}`, withoutCertificate)],
      ['http where https is', false, at(`http://localhost:${port}`, files)],
      ['a socket', true, at(`unix://${consul.socket}`, {})],
      ['a proxy with a path and a password', true, { ...consul.proxy, ...token }],
      ['a proxy without its password', false, { ...consul.proxy, ...token, CONSUL_HTTP_AUTH: 'proxy:other' }],
      ['a token file', true, { ...consul.https, CONSUL_HTTP_TOKEN: randomUUID(), CONSUL_HTTP_TOKEN_FILE: tokenFile }],
      ['an unknown token', false, { ...consul.https, CONSUL_HTTP_TOKEN: randomUUID() }],
      ['a namespace, which only Enterprise has', false, { ...consul.https, ...token, CONSUL_NAMESPACE: 'team' }],
      ['a partition, which only Enterprise has', false, { ...consul.https, ...token, CONSUL_PARTITION: 'team' }],
    ];
    const ours = await Promise.all(rows.map(([, , env]) => problems(env)));
    // After ours, which gives an answer a few seconds only: all these processes at once leave it no processor.
    const theirs = await Promise.all(rows.map(([, , env]) => consul.cli(env, 'catalog', 'services')));
    const found = rows.map(([what], row) => ({ what, ours: ours[row]?.length === 0, consul: theirs[row]?.ok }));
    expect(found).toEqual(rows.map(([what, works]) => ({ what, ours: works, consul: works })));
  });

  it('writes nothing where a namespace is asked for and there is none', async () => {
    const env = { ...consul.https, CONSUL_HTTP_TOKEN: await useToken('registrar'), CONSUL_NAMESPACE: 'team' };
    const catalog = new Catalog(configWith(env).consul);
    const node_id = `apart-${randomUUID()}`;
    const payload = {
      ...identity(node_id),
      service_id: `onex-effect-${node_id}`,
      service_name: 'onex-effect',
      tags: [],
    };
    const registration = catalog.register(1, ConsulPayload.parse(payload));
    await expect(registration).rejects.toMatchObject({
      kind: 'misconfigured',
      message: expect.stringContaining('Enterprise feature') as string,
    });
    expect(await catalogNode(node_id)).toBe('null');
    catalog.close();
  });
});

describe('a PostgreSQL that lets the registrar only read', () => {
  const role = `restricted_${randomUUID().replaceAll('-', '')}`;

  it('rejects no node: they wait, the doctor names the table and the right, and with it they become active', async () => {
    await registrar.pool.query(
      `create role ${role} login; grant select, update, delete on all tables in schema public to ${role}`,
    );
    const url = new URL(registrar.config.postgres.connectionString);
    url.username = role;
    const config = { ...registrar.config, postgres: { connectionString: url.href } };
    await registrar.startWorker(config);
    const ids = await waiting(/does not let the registrar write .*permission denied for table node_registrations/s);
    const checks = await checkRegistry(config, registrar.contracts, { running: false });
    expect(checks.filter(({ ok }) => !ok)).toMatchObject([
      { found: expect.stringContaining('node_registrations (insert)') as string },
    ]);
    await registrar.pool.query(`grant insert on all tables in schema public to ${role}`);
    await allActive(ids);
    await registrar.stopWorker();
    await registrar.pool.query(`drop owned by ${role}; drop role ${role}`);
  });
});
