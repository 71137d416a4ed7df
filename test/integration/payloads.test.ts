import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { Client } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleWorkflows } from '../../src/bundle.js';
import { dataConverter } from '../../src/payloads/data-converter.js';
import { withEncodedFailures } from '../../src/payloads/workflow-failures.js';
import { failureText } from '../../src/runs/failure-text.js';
import { openWorker } from '../../src/worker.js';
import { workflowId } from '../../workflows/messages.js';
import { workflowBundle } from '../run/workflow-bundle.js';
import type { RegistrarProcess } from './cli-process.js';
import { eventually, Installation } from './installation.js';
import { formsOf, leaksIn } from './leaks.js';
import { temporalCli } from './temporal-cli.js';

/** It stands in what the node sends, and so in what Temporal is given. */
const PLANTED = 'planted-in-an-endpoint';

const directory = mkdtempSync(join(tmpdir(), 'payloads-test-'));
let registrar: Installation;

beforeAll(async () => {
  registrar = await Installation.prepare();
});
afterAll(async () => {
  await registrar.stop();
  rmSync(directory, { recursive: true });
});

const keys = { old: randomBytes(32).toString('base64'), new: randomBytes(32).toString('base64') };
function keyFile(current: keyof typeof keys, ...ids: (keyof typeof keys)[]): string {
  const file = join(directory, `${current}-${ids.length}.yaml`);
  writeFileSync(file, JSON.stringify({ current, keys: Object.fromEntries(ids.map((id) => [id, keys[id]])) }));
  return file;
}

/** The keys as the file has them, and as Node shows their bytes. */
const SECRETS = Object.fromEntries(
  Object.entries(keys).flatMap(([id, key]) => {
    const bytes = Buffer.from(key, 'base64');
    const shown = [key, bytes.toString('hex'), bytes.join(), inspect(bytes).slice('<Buffer '.length, -1)];
    return shown.map((secret, at) => [`the ${id} key, form ${at}`, secret] as const);
  }),
);

const processes: { readonly name: string; readonly process: RegistrarProcess }[] = [];

/** `registrar …` of this installation with a file of keys. */
function run(REGISTRAR_PAYLOAD_KEYS: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): RegistrarProcess {
  const process = registrar.processWith({ LOG_LEVEL: 'trace', ...env, REGISTRAR_PAYLOAD_KEYS }, ...args);
  processes.push({ name: `registrar ${args.join(' ')}`, process });
  return process;
}

/** What stands under a name in JSON, out of base64. */
function bytesOf(name: string, json: string): readonly string[] {
  const found = json.matchAll(new RegExp(`"${name}": ?"([^"]*)"`, 'g'));
  return [...found].map(([, base64]) => Buffer.from(base64 ?? '', 'base64').toString('latin1'));
}

/** With both keys, as after a rotation. */
const both = keyFile('new', 'new', 'old');
let bridge: RegistrarProcess;
/** The node that is active after the first test. */
let node_id: string;

it('nothing of a node stands readable in Temporal but its id, type and state; who has the keys reads all of it', async () => {
  const old = keyFile('old', 'old');
  bridge = run(old, ['bridge']);
  // A port at which nobody listens.
  const worker = run(old, ['worker'], { CONSUL_HTTP_ADDR: '127.0.0.1:1' });
  await Promise.all([bridge.says(/"bridge runs"/), worker.says(/"worker runs"/)]);
  const node = registrar.node({ endpoints: { health: `http://${PLANTED}.example:8080/health` } });
  ({ node_id } = node);
  const active = node.start();

  const status = async (file: string): Promise<string> => (await run(file, ['status', node_id]).ends()).stdout;
  await eventually('status reads what the backend said', 30, async () => (await status(old)).includes('ECONNREFUSED'));
  const { raw } = await registrar.handle(node_id).describe();
  const failures = (raw.pendingActivities ?? []).map(({ lastFailure }) => lastFailure?.message);
  expect(failures).toContain('Encoded failure');

  // The keys are rotated: what was stored with the old one is still read.
  const rotated = run(both, ['worker']);
  await rotated.says(/"worker runs"/);
  worker.kill('SIGTERM');
  await active;
  expect(await status(both)).toMatch(/ ACTIVE\n[^]*planted-in-an-endpoint[^]*consul\.passed/);

  const history = JSON.stringify(await registrar.handle(node_id).fetchHistory());
  expect(new Set(bytesOf('encryption-key-id', history))).toEqual(new Set(['old', 'new']));
  for (const text of [history, ...bytesOf('data', history)])
    for (const hidden of [PLANTED, 'ECONNREFUSED', 'registration.storage']) expect(text).not.toContain(hidden);

  const server = run(both, ['codec-server', '--port', '0']);
  const [, endpoint = ''] = await server.says(/The codec server: (\S+)/);
  const show = ['workflow', 'show', '--workflow-id', workflowId(node_id), '--output', 'json'];
  const shown = await temporalCli([...show, '--codec-endpoint', endpoint], registrar.environment);
  expect(bytesOf('data', shown).join()).toContain(PLANTED);
});

it('why a command is refused stands readable nowhere in Temporal, and the command says it', async () => {
  // Nobody but the command is to start the run again.
  bridge.kill('SIGTERM');
  await bridge.ends();
  const refusal = async (command: string): Promise<string> => (await run(both, [command, node_id]).ends()).stderr;
  expect(await refusal('ack')).toContain('ignored an ack in state ACTIVE');
  // A run that is open refuses before anything of the command is in its history.
  expect(await refusal('undrain')).toContain('ignored an undrain in state ACTIVE');
  const open = await registrar.handle(node_id).fetchHistory();
  await registrar.handle(node_id).terminate('the command starts it again');
  expect(await refusal('undrain')).toContain('ignored an undrain in state ACTIVE');
  const again = await registrar.handle(node_id).fetchHistory();

  const failures = (again.events ?? []).flatMap(
    ({ workflowExecutionUpdateCompletedEventAttributes: completed }) => completed?.outcome?.failure ?? [],
  );
  expect(failures.map(({ message }) => message)).toEqual(['Encoded failure']);
  for (const history of [open, again].map((one) => JSON.stringify(one)))
    for (const text of [history, ...bytesOf('data', history)]) expect(text).not.toContain('ignored');

  // Workers that write failures in the other way replay it.
  const bundle = await workflowBundle();
  for (const workflows of [bundle, withEncodedFailures(bundle)])
    await Worker.runReplayHistory({ workflowBundle: workflows, ...dataConverter({ payloadKeys: both }) }, again);
});

it('neither stands what workflow code fails with, where it does not know how to go on', async () => {
  const config = { ...registrar.config, payloadKeys: both, taskQueue: 'faulty' };
  const bundle = await bundleWorkflows(join(import.meta.dirname, 'another-workflow.ts'));
  const worker = await openWorker(config, { bundle });
  const running = worker.run();
  const { connection, options } = registrar.client;
  const client = new Client({ connection, namespace: options.namespace, ...dataConverter(config) });
  const start = { taskQueue: config.taskQueue, workflowId: 'faulty', args: [PLANTED] };
  const handle = await client.workflow.start('faulty', start);
  const failure = await eventually('its task fails', 30, async () => {
    const events = (await handle.fetchHistory()).events ?? [];
    return events.map(({ workflowTaskFailedEventAttributes: failed }) => failed?.failure).find(Boolean);
  });
  await handle.terminate();
  worker.shutdown();
  await running;

  expect(JSON.stringify(failure)).not.toMatch(/fault of the code|another-workflow/);
  expect(await failureText(client, failure)).toBe(`a fault of the code that was given ${PLANTED}`);
});

describe('the keys', () => {
  it.each(Object.entries(SECRETS))('%s would be found', (name, secret) => {
    for (const form of formsOf(secret)) expect(leaksIn(SECRETS, 'a log', form)).toEqual([`${name}: a log`]);
  });

  it('stand in nothing that a process has said until its end', async () => {
    for (const { process } of processes) process.kill('SIGTERM');
    const ends = await Promise.all(processes.map(async ({ name, process }) => ({ name, ...(await process.ends()) })));
    expect(ends.flatMap(({ name, stdout, stderr }) => leaksIn(SECRETS, name, stdout + stderr))).toEqual([]);
    for (const said of ['"bridge runs"', '"worker runs"', 'The codec server', 'ACTIVE'])
      expect(ends.map(({ stdout, stderr }) => stdout + stderr).join()).toContain(said);
  });
});
