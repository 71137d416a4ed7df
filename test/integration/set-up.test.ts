import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkConsul } from '../../src/cli/doctor/consul-checks.js';
import { checkRegistry } from '../../src/cli/doctor/registry-checks.js';
import { readRegistryRow } from '../../src/registry/rows/read-registry-row.js';
import { userCacheRoot } from '../../src/stack/provision/context.js';
import { installDir } from '../../src/stack/provision/install.js';
import { CONSUL } from '../../src/stack/provision/consul.js';
import { which } from '../../src/stack/locate.js';
import { eventually, Installation } from './installation.js';

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
  const nodes = Array.from({ length: 3 }, () => registrar.node());
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

describe('a Consul whose access rules refuse the registrar', () => {
  const [manager, token] = [randomUUID(), randomUUID()];
  let agent: ChildProcess;
  let address: string;

  async function port(): Promise<number> {
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const free = (probe.address() as AddressInfo).port;
    probe.close();
    await once(probe, 'close');
    return free;
  }

  async function asManager(method: string, path: string, body?: object): Promise<Response> {
    return fetch(`${address}/v1/${path}`, {
      method,
      headers: { 'x-consul-token': manager },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  beforeAll(async () => {
    const cached = `${installDir(userCacheRoot(process.env), CONSUL)}/consul`;
    const [http, server, serf] = [await port(), await port(), await port()];
    address = `http://127.0.0.1:${http}`;
    const rules = `acl { enabled = true default_policy = "deny" tokens { initial_management = "${manager}" } }`;
    const ports = [`-http-port=${http}`, `-server-port=${server}`, `-serf-lan-port=${serf}`, '-serf-wan-port=-1'];
    agent = spawn(
      which(['consul'], process.env) ?? cached,
      [
        'agent',
        '-dev',
        '-log-level=err',
        `-hcl=${rules}`,
        ...ports,
        '-dns-port=-1',
        '-grpc-port=-1',
        '-grpc-tls-port=-1',
      ],
      { stdio: 'ignore' },
    );
    await eventually('Consul knows its manager', 40, async () =>
      asManager('GET', 'acl/token/self').then(
        ({ ok }) => ok,
        () => false,
      ),
    );
    await registrar.startWorker({ ...registrar.config, consul: { address: address, token } });
  });
  afterAll(async () => {
    await registrar.stopWorker();
    agent.kill('SIGKILL');
    await once(agent, 'exit');
  });

  it('rejects no node: with a token that it does not know they wait, the doctor names it, and with it they become active', async () => {
    const ids = await waiting(/does not let the registrar register .*ACL not found.*Next: check CONSUL_HTTP_TOKEN/s);
    const checks = await checkConsul({ ...registrar.config, consul: { address: address, token } });
    expect(checks.filter(({ ok }) => !ok)).toMatchObject([
      {
        found: expect.stringMatching(/ACL not found/) as string,
        todo: expect.stringContaining('CONSUL_HTTP_TOKEN') as string,
      },
    ]);
    const made = await asManager('PUT', 'acl/token', { SecretID: token, Policies: [{ Name: 'global-management' }] });
    expect(made.status).toBe(200);
    await allActive(ids);
    expect(
      (await checkConsul({ ...registrar.config, consul: { address: address, token } })).every(({ ok }) => ok),
    ).toBe(true);
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
