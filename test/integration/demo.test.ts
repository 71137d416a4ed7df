import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FleetList } from '../../src/cli/list/fleet-list.js';
import type { Summary } from '../../src/cli/demo/fleet-state.js';
import { runningState } from '../../src/stack/state/state.js';
import { SEARCH_ATTRIBUTES } from '../../workflows/messages.js';
import { summaries } from '../time-skipping/recorded.js';
import { FROM_SOURCE, leftOver, processesOf, registrar, RegistrarProcess, withoutServers } from './cli-process.js';

/** The demo with servers of its own: two starts, for each costs seconds. */

const README = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');

let dataDir: string;
let env: NodeJS.ProcessEnv;

beforeAll(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'node-registrar-demo-'));
  // Where we are root, PostgreSQL runs as somebody else, who must get at its data.
  chmodSync(dataDir, 0o755);
  env = { ...withoutServers(), REGISTRAR_DATA_DIR: join(dataDir, 'data') };
});

afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

const summaryOf = (stdout: string): Summary => JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Summary;

describe('demo --exit --json', () => {
  test('from a clone: ten nodes become ACTIVE and leave again in order; the last line is the summary', async () => {
    const demo = new RegistrarProcess(['demo', '--nodes', '10', '--exit', '--json'], env, FROM_SOURCE);
    const { code, stdout, stderr } = await demo.ends();
    expect(code, stderr).toBe(0);
    const summary = summaryOf(stdout);
    expect(summary).toMatchObject({ nodes: 10, active: 10, failed: 0 });
    expect(summary.seconds).toBeGreaterThan(0);
    expect(stdout.trimEnd().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(/All 10 nodes ACTIVE/);
    // The first of the links.
    expect(stderr).toMatch(/Fleet page http:\/\/127\.0\.0\.1:\d+\/\nTemporal/);
    expect(stderr).toMatch(/Steps of [\w-]+\n +\+0 ms {2}node: introduces itself/);
    expect(stderr).toMatch(/consul\.registered/);
    expect(stderr.match(/DEREGISTERED: the node left/g)).toHaveLength(10);
    // Log lines go to files, and a first start asks for no table before it is there.
    expect(`${stdout}${stderr}`).not.toMatch(/"level":|\bWARN\b|\bERROR\b/);
    const logs = readdirSync(join(dataDir, 'data/logs'));
    expect(logs).toEqual(expect.arrayContaining(['worker.log', 'bridge.log', 'fleet.log', 'page.log', 'postgres.log']));
    for (const name of logs)
      expect(readFileSync(join(dataDir, 'data/logs', name), 'utf8'), name).not.toMatch(
        /(relation|column) .* does not exist/,
      );
    expect(await leftOver(dataDir, 0)).toEqual([]);
  });
});

describe('a demo that goes on', () => {
  let demo: RegistrarProcess;
  let ids: string[];

  beforeAll(async () => {
    demo = new RegistrarProcess(['demo', '--nodes', '3', '--json'], env);
    await demo.says(/"failed":0/, 180_000);
  });

  test('has the registry of the run before', async () => {
    const { code, stdout } = await registrar(env, 'list', '--json');
    expect(code).toBe(0);
    const { nodes, active, ended } = JSON.parse(stdout) as FleetList;
    expect({ active, ended }).toEqual({ active: 3, ended: 10 });
    ids = nodes.filter(({ state }) => state === 'ACTIVE').map(({ node_id }) => node_id);
    expect(new Set(nodes.slice(0, 3).map(({ node_type }) => node_type))).toEqual(
      new Set(['effect', 'reducer', 'orchestrator']),
    );
  });

  test('serves the fleet page, to look at, and has printed its link before any node', async () => {
    const [, before = '', url = ''] = await demo.says(/^([\s\S]*?)The fleet page: (\S+)\n/);
    expect(before).not.toMatch(/ACTIVE, \d+ ms after/);
    const page = await fetch(url);
    expect(page.status).toBe(200);
    expect(await page.text()).toContain('<div id="root">');
    const retry = await fetch(`${url}api/nodes/${ids[0]}/retry`, { method: 'POST', headers: { origin: url } });
    expect(retry.status).toBe(403);
  });

  test('is explained from another terminal: a running node, one that has left, one that never was', async () => {
    const [running, gone, never] = await Promise.all([
      registrar(env, 'status', ids[0] ?? ''),
      registrar(env, 'list', '--state', 'DEREGISTERED', '--limit', '2', '--json'),
      registrar(env, 'status', 'nobody'),
    ]);
    expect(running).toMatchObject({ code: 0 });
    expect(running.stdout).toMatch(/ACTIVE\n\nIt is registered and alive: .*, its lease lasts \d+ (s|min) more\./);
    expect(running.stdout).toMatch(/http:\/\/127\.0\.0\.1:\d+\/namespaces\/default\/workflows\/registration%2F/);
    expect(running.stdout).toMatch(/PENDING_REGISTRATION -> ACCEPTED/);

    const { nodes, truncated } = JSON.parse(gone.stdout) as FleetList;
    expect({ rows: nodes.length, truncated }).toEqual({ rows: 2, truncated: true });
    const row = await registrar(env, 'status', nodes[0]?.node_id ?? '', '--json');
    expect(JSON.parse(row.stdout)).toMatchObject({
      source: 'registry',
      row: { state: 'DEREGISTERED', reason: 'the node left' },
    });

    expect(never).toMatchObject({ code: 3 });
    expect(never.stderr).toContain('Node nobody was never seen on topic dev.onex.evt.node-introspection.v1');
  });

  describe('in Temporal, as its web UI reads it', () => {
    let client: Client;
    beforeAll(async () => {
      const address = runningState(join(dataDir, 'data'))?.addresses.temporal ?? '';
      client = new Client({ connection: await Connection.connect({ address }) });
    });
    afterAll(() => client.connection.close());

    const idsFor = async (query: string): Promise<string[]> => {
      const found: string[] = [];
      for await (const run of client.workflow.list({ query })) found.push(run.workflowId);
      return found;
    };
    /** A query of the README's table of saved views. */
    const saved = (view: string): string =>
      new RegExp(`^\\| ${view} +\\| \`(.+?)\` +\\|$`, 'm').exec(README)?.[1] ?? expect.fail(`no view "${view}"`);

    test('has nodes in its list, those of the run before too, and nothing else', async () => {
      const all = await idsFor('');
      expect(all).toHaveLength(13);
      expect(all.filter((id) => !id.startsWith('registration/'))).toEqual([]);
      expect(all).toEqual(expect.arrayContaining(ids.map((id) => `registration/${id}`)));
    });

    test('has the saved views of the README', async () => {
      const [id = ''] = ids;
      const { typedSearchAttributes } = await client.workflow.getHandle(`registration/${id}`).describe();
      const type = typedSearchAttributes.get(SEARCH_ATTRIBUTES.node_type) ?? '';
      expect(
        Object.fromEntries(typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value])),
      ).toMatchObject({
        NodeId: id,
        NodeType: type,
        RegistrationState: 'ACTIVE',
      });
      const views = [...README.matchAll(/^\| [\w ,]+ +\| `(.+?)` +\|$/gm)].filter(([row]) =>
        /RegistrationState|ExecutionStatus|NodeId/.test(row),
      );
      expect(views).toHaveLength(7);
      // What Temporal would refuse is refused here.
      for (const [, query = ''] of views) await idsFor(query);
      expect(await idsFor(saved('active, of one type').replace('effect', type))).toEqual([`registration/${id}`]);
      expect(await idsFor(saved('one node, with its earlier runs').replace('mailer-1', id))).toEqual([
        `registration/${id}`,
      ]);
      for (const nobody of ['on their way', 'asked again to acknowledge', 'ended, and not by leaving'])
        expect(await idsFor(saved(nobody)), nobody).toEqual([]);
    });

    test('says of a node who it is, what has happened, and what each activity and timer is for', async () => {
      const [id = ''] = ids;
      const handle = client.workflow.getHandle(`registration/${id}`);
      const { staticSummary, typedSearchAttributes } = await handle.describe();
      const type = typedSearchAttributes.get(SEARCH_ATTRIBUTES.node_type) ?? '';
      expect(await staticSummary()).toBe(`${type} node ${id}, version 1.0.0`);

      const { currentDetails } = await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata');
      const [state, who, attempt, contract, ...steps] = currentDetails.split(/\n+/);
      expect([state, who]).toEqual(['**ACTIVE**', `${type} node ${id}, version 1.0.0`]);
      expect(attempt).toMatch(/^registration attempt 1, in this state since \d{4}-/);
      expect(contract).toMatch(/^contract 1\.0\.0\+/);
      expect(steps.at(-1)).toMatch(/^- \d{4}-\S+ ACK_RECEIVED -> ACTIVE$/);

      const { activities, timers } = await summaries(handle);
      const service = `consul://service/onex-${type}-${id}, registration attempt 1`;
      expect(activities).toEqual(
        expect.arrayContaining([
          'registry row of this node, and the contract',
          'publish NodeRegistrationInitiated',
          `register_node: consul.register -> ${service}`,
          `register_node: postgres.upsert_registration -> postgres://node_registrations/${id}, registration attempt 1`,
          'publish NodeRegistrationAccepted',
          `activate_node: consul.pass -> ${service}`,
          'publish NodeRegistrationAckReceived, NodeBecameActive',
        ]),
      );
      expect(timers).toContain('lease expired, registration attempt 1');
    });
  });

  test('takes no ack for a node that is ACTIVE, and says why', async () => {
    const { code, stderr } = await registrar(env, 'ack', ids[0] ?? '');
    expect(code).toBe(1);
    expect(stderr).toContain('ignored an ack in state ACTIVE');
  });

  test('has a server stopped and started; doctor shows the difference', async () => {
    const well = await registrar(env, 'doctor');
    expect(well.code, well.stdout).toBe(0);
    expect(well.stdout).toContain('All is well.');

    expect((await registrar(env, 'stop', 'consul')).stdout).toMatch(/consul is stopped/);
    const ill = await registrar(env, 'doctor');
    expect(ill.code).toBe(4);
    expect(ill.stdout).toMatch(/Consul at .* does not answer/);
    expect(ill.stdout).toMatch(/Start it with '.*start consul'/);

    // Half registered: one backend confirms, the other one is tried again.
    const node = new RegistrarProcess(['node', '--id', 'half-1'], env);
    await node.says(/introduced itself/);
    let status = '';
    await expect
      .poll(async () => (status = (await registrar(env, 'status', 'half-1')).stdout), {
        timeout: 30_000,
        interval: 500,
      })
      .toMatch(/consul\.register \(Consul\) has failed/);
    expect(status).toMatch(/It waits for Consul to confirm its registration; PostgreSQL has confirmed\./);
    expect(status).toMatch(/ECONNREFUSED/);

    expect((await registrar(env, 'start', 'consul')).stdout).toMatch(/consul is running/);
    await node.says(/ACTIVE/);
    node.kill('SIGINT');
    expect((await node.ends()).stdout).toMatch(/left, after \d+ heartbeat/);
  });

  test('refuses a second one on the same data, and a wipe', async () => {
    const [second, wiped] = await Promise.all([registrar(env, 'up'), registrar(env, 'wipe', '--yes')]);
    for (const { code, stderr } of [second, wiped]) {
      expect(code).toBe(1);
      expect(stderr).toMatch(new RegExp(`is in use: process ${demo.child.pid}`));
    }
    expect(readFileSync(join(dataDir, 'data/logs/worker.log'), 'utf8')).toContain('worker runs');
  });

  test('leaves no process behind when it is killed with -9', async () => {
    // Servers, worker and bridge.
    expect(processesOf(dataDir).length).toBeGreaterThan(6);
    demo.kill('SIGKILL');
    await demo.ends();
    expect(await leftOver(dataDir, 30_000)).toEqual([]);
    expect(await registrar(env, 'wipe', '--yes')).toMatchObject({ code: 0 });
  });
});
