import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa, type ResultPromise } from 'execa';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSources, type OpenSources } from '../../src/cli/open-sources.js';
import { contractView } from '../../src/server/contract/view.js';
import { serveFleet, type FleetServer } from '../../src/server/http/server.js';
import { Node, NodePage, NodeWithLease } from '../../src/server/v1/schemas.js';
import { pythonEnvironment } from '../run/python.js';
import { commandsFor } from '../run/documented.js';
import { temporaryFolder } from '../run/temporary-folder.js';
import { contractDirectory } from '../unit/contracts/contract-files.js';
import { eventually, Installation } from './installation.js';

/** Other programs: a node that only speaks Kafka, and readers of the API, on real servers. */

const ROOT = join(import.meta.dirname, '../..');
const silent = pino({ level: 'silent' });
let installation: Installation;
let opened: OpenSources;
let server: FleetServer;

beforeAll(async () => {
  // As shipped, but a node beats every second.
  installation = await Installation.start(
    contractDirectory({ orchestrator: 'liveness: { heartbeat_interval_seconds: 1 }\n' }),
  );
  const { config, contracts } = installation;
  opened = await openSources(config, contracts, silent);
  server = await serveFleet({
    ...opened,
    contract: contractView(contracts, config),
    env: config.env,
    namespace: config.namespace,
    logger: silent,
    host: '127.0.0.1',
    port: 0,
    actions: null,
    tryCommand: '',
    readApi: {
      registry: opened.registry,
      states: contracts.compiled.orchestrator.states,
      kept_seconds: contracts.retention.ended_seconds,
      everyMs: 100,
    },
    fleet: { registryTodo: '' },
    assets: new Map(),
  });
});

afterAll(async () => {
  await server.close();
  await opened.close();
  await installation.stop();
});

/** The states of a node as a program reads them that follows the changes. */
async function followStates(id: string, until: string): Promise<string[]> {
  const { body } = await fetch(`${server.url}v1/changes`);
  const states: string[] = [];
  let text = '';
  for await (const chunk of body ?? []) {
    text += Buffer.from(chunk as Uint8Array).toString();
    const messages = text.split('\n\n');
    text = messages.pop() ?? '';
    for (const message of messages) {
      const [, data] = /^event: node\ndata: (.*)$/m.exec(message) ?? [];
      const node = data === undefined ? undefined : Node.parse(JSON.parse(data));
      if (node?.node_id === id && states.at(-1) !== node.state) states.push(node.state);
    }
    if (states.at(-1) === until) break;
  }
  return states;
}

async function discovered(query: string): Promise<string[]> {
  const answer = await fetch(`${server.url}v1/discover?${query}`);
  return NodePage.parse(await answer.json()).nodes.map(({ node_id }) => node_id);
}

test('a node in 50 lines of plain Python registers, acknowledges, beats, drains and leaves, and readers see it come and go', async () => {
  const file = join(ROOT, 'docs/examples/node.py');
  expect(readFileSync(file, 'utf8').trimEnd().split('\n').length).toBeLessThanOrEqual(50);
  const { config } = installation;
  const followed = followStates('python-1', 'DEREGISTERED');
  const node: ResultPromise = execa('python3', [file, 'python-1'], {
    env: { ...(await pythonEnvironment()), KAFKA_BROKERS: config.kafka.brokers.join(','), REGISTRAR_ENV: config.env },
  });
  let printed = '';
  node.stdout?.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  const happened = (event: string) => eventually(event, 60, () => printed.includes(event));
  await happened('evt.node-became-active');
  expect(await discovered('type=effect&capability=mail.send&tag=node_type:effect')).toEqual(['python-1']);
  expect(await discovered('capability=mail.read')).toEqual([]);
  await eventually('a heartbeat that renews its lease', 30, async () => {
    const answer = await fetch(`${server.url}v1/nodes/python-1`);
    return NodeWithLease.parse(await answer.json()).lease?.last_heartbeat_at;
  });
  node.kill('SIGUSR1');
  await happened('evt.node-draining');
  expect(await discovered('capability=mail.send')).toEqual([]);
  node.kill('SIGTERM');
  await node;
  const events = ['node-registration-accepted', 'node-became-active', 'node-draining', 'node-deregistered'];
  expect(printed.trimEnd().split('\n')).toEqual(events.map((event) => `evt.${event}`));
  // Who follows reads where a node stands, and not each state that it was in for a moment.
  const states = (await followed).filter((state) => state !== 'PENDING_REGISTRATION');
  expect(states).toEqual(['ACTIVE', 'DRAINING', 'DEREGISTERED']);
  process.stdout.write(`The plain Python node read:\n${printed}`);
});

test('the requests of the page are answered', async () => {
  const node = installation.node({ node_id: 'mailer-1', capabilities: ['mail.send'] });
  await node.start();
  const documented = commandsFor('read API');
  expect(documented.length).toBeGreaterThan(2);
  for (const { text } of documented) {
    const [, path = ''] = /http:\/\/[^/]+\/([^' ]+)/.exec(text) ?? [];
    const { status, body } = await fetch(`${server.url}${path}`);
    expect([path, status]).toEqual([path, 200]);
    let answer = '';
    // A stream does not end by itself: it is read until it names the node.
    for await (const part of body ?? []) {
      answer += Buffer.from(part as Uint8Array).toString();
      if (answer.includes('mailer-1')) break;
    }
    expect(answer, path).toContain('mailer-1');
  }
  await node.stop();
});

test('schemathesis finds no fault in the read API', async () => {
  const nodes = [1, 2, 3].map((number) => installation.node({ node_id: `reader-${number}` }));
  await Promise.all(nodes.map((node) => node.start()));
  const report = await execa(
    'python3',
    [
      ...['-m', 'schemathesis.cli', '--config-file', join(ROOT, 'test/python/schemathesis.toml')],
      ...['run', `${server.url}v1/openapi.json`, '--url', server.url.replace(/\/$/, '')],
    ],
    {
      // It leaves files where it runs.
      cwd: temporaryFolder('node-registrar-schemathesis'),
      env: { ...(await pythonEnvironment()), NO_COLOR: '1' },
      reject: false,
    },
  );
  process.stdout.write(`${report.stdout.split('\n').slice(-30).join('\n')}\n`);
  expect(report.exitCode, report.stdout + report.stderr).toBe(0);
});
