import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { workflowId } from '../../workflows/messages.js';
import type { RegistrarProcess } from './cli-process.js';
import { eventually, Installation } from './installation.js';
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

/** `registrar …` of this installation with a file of keys. */
function run(REGISTRAR_PAYLOAD_KEYS: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): RegistrarProcess {
  return registrar.processWith({ ...env, REGISTRAR_PAYLOAD_KEYS }, ...args);
}

/** What stands under a name in JSON, out of base64. */
function bytesOf(name: string, json: string): readonly string[] {
  const found = json.matchAll(new RegExp(`"${name}": ?"([^"]*)"`, 'g'));
  return [...found].map(([, base64]) => Buffer.from(base64 ?? '', 'base64').toString('latin1'));
}

it('nothing of a node stands readable in Temporal but its id, type and state; who has the keys reads all of it', async () => {
  const old = keyFile('old', 'old');
  const bridge = run(old, ['bridge']);
  // A port at which nobody listens.
  const worker = run(old, ['worker'], { CONSUL_HTTP_ADDR: '127.0.0.1:1' });
  await Promise.all([bridge.says(/"bridge runs"/), worker.says(/"worker runs"/)]);
  const node = registrar.node({ endpoints: { health: `http://${PLANTED}.example:8080/health` } });
  const active = node.start();

  const status = async (file: string): Promise<string> => (await run(file, ['status', node.node_id]).ends()).stdout;
  await eventually('status reads what the backend said', 30, async () => (await status(old)).includes('ECONNREFUSED'));
  const { raw } = await registrar.handle(node.node_id).describe();
  const failures = (raw.pendingActivities ?? []).map(({ lastFailure }) => lastFailure?.message);
  expect(failures).toContain('Encoded failure');

  // The keys are rotated: what was stored with the old one is still read.
  const both = keyFile('new', 'new', 'old');
  const rotated = run(both, ['worker']);
  await rotated.says(/"worker runs"/);
  worker.kill('SIGTERM');
  await active;
  expect(await status(both)).toMatch(/ ACTIVE\n[^]*planted-in-an-endpoint[^]*consul\.passed/);

  const history = JSON.stringify(await registrar.handle(node.node_id).fetchHistory());
  expect(new Set(bytesOf('encryption-key-id', history))).toEqual(new Set(['old', 'new']));
  for (const text of [history, ...bytesOf('data', history)])
    for (const hidden of [PLANTED, 'ECONNREFUSED', 'registration.storage']) expect(text).not.toContain(hidden);

  const server = run(both, ['codec-server', '--port', '0']);
  const [, endpoint = ''] = await server.says(/The codec server: (\S+)/);
  const show = ['workflow', 'show', '--workflow-id', workflowId(node.node_id), '--output', 'json'];
  const shown = await temporalCli([...show, '--codec-endpoint', endpoint], registrar.environment);
  expect(bytesOf('data', shown).join()).toContain(PLANTED);
}, 120_000);
