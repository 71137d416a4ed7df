import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startChromium } from '../browser/chromium.js';
import { pino } from 'pino';
import { loadConfig } from '../../src/config/index.js';
import { createKafka } from '../../src/kafka/index.js';
import { nodeKey } from '../../src/protocol/node-key.js';
import { readBan } from '../../src/registry/bans.js';
import { bindKey, noteConflicts } from '../../src/registry/keys/bound-keys.js';
import { askOwner } from '../../src/stack/index.js';
import { contractDirectory } from '../unit/contracts/contract-files.js';
import { registrar, RegistrarProcess } from './cli-process.js';
import { openNamespace } from './namespace.js';
import { patientProducer } from './patient-producer.js';
import { openDatabase, type Database } from './registry/database.js';

/** The fleet page on real servers: a worker, a bridge and nodes, looked at with a browser. */

const name = `page${randomUUID().slice(0, 8)}`;
const id = `mailer-${name}`;
const dataDir = mkdtempSync(join(tmpdir(), 'node-registrar-page-'));
const env: NodeJS.ProcessEnv = {
  ...process.env,
  REGISTRAR_ENV: name,
  REGISTRAR_TASK_QUEUE: name,
  REGISTRAR_DATA_DIR: dataDir,
  // As shipped, but lives are short.
  REGISTRAR_CONTRACTS: contractDirectory({
    orchestrator:
      'liveness: { first_deadline_seconds: 10, window_seconds: 8, grace_seconds: 2, heartbeat_interval_seconds: 2 }\n',
  }),
};
let database: Database;
let up: RegistrarProcess;
let ui: RegistrarProcess;
let node: RegistrarProcess | undefined;
let url: string;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  database = await openDatabase('fleet_page');
  env['DATABASE_URL'] = database.url;
  env['TEMPORAL_NAMESPACE'] = await openNamespace(name);
  const setup = await registrar(env, 'setup');
  expect(setup.code, setup.stderr).toBe(0);
  up = new RegistrarProcess(['up', '--no-stack'], env);
  ui = new RegistrarProcess(['ui', '--port', '0', '--allow-actions'], env);
  [[, url = ''], browser] = await Promise.all([
    ui.says(/The fleet page: (\S+)/),
    startChromium(),
    up.says(/The registrar is up\./),
  ]);
  page = await browser.newPage({ viewport: { width: 1_440, height: 1_000 } });
});

afterAll(async () => {
  for (const one of [node, ui, up]) one?.kill('SIGTERM');
  await Promise.all([browser?.close(), node?.ends(), ui?.ends(), up?.ends()]);
  rmSync(dataDir, { recursive: true, force: true });
  await database.drop();
});

test('a node is seen from its introduction on, acknowledged from the page, active, and gone', async () => {
  await page.goto(`${url}?q=${id}`);
  await page.getByText('node-registrar').first().waitFor();
  node = new RegistrarProcess(['node', '--id', id, '--no-ack'], env);
  const row = page.locator('.row', { hasText: id });
  await row.waitFor({ timeout: 60_000 });
  await row.getByRole('link').click();
  await page
    .getByRole('img', {
      name: /^Orchestrator: now AWAITING_ACK\. Path: PENDING_REGISTRATION .*, ACCEPTED .*, AWAITING_ACK/,
    })
    .waitFor();
  await page
    .getByRole('img', { name: /^Reducer: now complete\. Path: idle .*, pending .*, partial .*, complete/ })
    .waitFor();
  await page.getByRole('heading', { name: /^Waits for the node/ }).waitFor();
  await page.getByRole('button', { name: 'Acknowledge…' }).click();
  const dialog = page.getByRole('dialog', { name: `Acknowledge ${id}?` });
  await dialog.getByLabel(/^Why/).fill('the test looks');
  await dialog.getByLabel(/^Who/).fill('ada');
  await dialog.getByRole('button', { name: 'Acknowledge', exact: true }).click();
  await dialog.getByText(`${id} is ACTIVE: the ack counted.`).waitFor();
  await dialog.getByRole('button', { name: 'Close' }).click();
  await page.getByRole('img', { name: /^Orchestrator: now ACTIVE/ }).waitFor();
  // Who and why stand in the history of the node, and in the registry.
  await page.locator('.steps').getByText('ada asked for an acknowledgement').waitFor();
  await page.locator('.steps').getByText('the test looks').waitFor();
  const status = await registrar(env, 'status', id);
  expect(status.stdout).toContain('an acknowledgement was asked for by ada: the test looks');
  await page.goto(`${url}activity?by=people`);
  await page.getByRole('listitem').filter({ hasText: id }).getByText(`${id} is ACTIVE: the ack counted`).waitFor();
  await page.goBack();
  await page.getByRole('heading', { name: 'Lease' }).waitFor();
  await page.getByText('last heartbeat', { exact: false }).first().waitFor();
  await ui.says(/"action":"acknowledge","node_id":"mailer-[^"]+","who":"ada","why":"the test looks"/);
  node.kill('SIGTERM');
  await page.getByRole('img', { name: /^Orchestrator: now DEREGISTERED/ }).waitFor({ timeout: 60_000 });
  await page.goto(`${url}?view=ended&q=${id}`);
  await row.getByText('the node left').waitFor();
});

test('a node that has left is retried from the page, and a retry from the terminal is seen there', async () => {
  const second = new RegistrarProcess(['node', '--id', `${id}-2`], env);
  await second.says(/ACTIVE/);
  const retried = await registrar(env, 'retry', `${id}-2`, '--reason', 'a repair');
  expect(retried.stdout).toContain('is well: its Consul registration and registry row are written again');
  await page.goto(`${url}nodes/${id}-2`);
  await page.locator('.steps').getByText('asked for a retry a repair').waitFor();
  second.kill('SIGTERM');
  await page.getByRole('button', { name: 'Retry…' }).click({ timeout: 60_000 });
  const dialog = page.getByRole('dialog', { name: `Retry ${id}-2?` });
  await dialog.getByLabel(/^Why/).fill('it was too early');
  await dialog.getByLabel(/^Who/).fill('grace');
  await dialog.getByRole('button', { name: 'Retry', exact: true }).click();
  await dialog.getByText('is being registered again: attempt 2').waitFor();
  await dialog.getByRole('button', { name: 'Close' }).click();
  await page.locator('.steps li').first().getByText('grace asked for a retry').waitFor({ timeout: 30_000 });
  await second.ends();
  const earlier = page.locator('.section', { has: page.getByRole('heading', { name: 'Earlier attempts' }) });
  await earlier.getByRole('link', { name: 'DEREGISTERED' }).click({ timeout: 60_000 });
  await page.getByRole('heading', { name: `${id}-2 attempt 1` }).waitFor({ timeout: 30_000 });
  await page.getByRole('img', { name: /^Orchestrator: now DEREGISTERED/ }).waitFor();
  await page.locator('.steps').getByText('ACK_RECEIVED → ACTIVE').waitFor();
});

test('a ban and a message that a key has not signed are seen, and the ban is lifted from the page; also of an id that nobody has used', async () => {
  const banned = `${id}-banned`;
  const evicted = await registrar(env, 'evict', banned, '--reason', 'not ours', '--ban');
  expect(evicted.code, evicted.stderr).toBe(0);
  await bindKey(database.pool, banned, nodeKey('a'.repeat(43)), null, 'first message');
  await noteConflicts(database.pool, [{ node_id: banned, conflict: 'heartbeats, refused: it has no signature' }]);
  await page.goto(`${url}nodes/${banned}`);
  await page.getByText('No registration of it is known').waitFor();
  await page.getByRole('region', { name: 'Ban' }).getByText('not ours').waitFor();
  await page.getByRole('region', { name: 'Conflict of keys' }).getByText('it has no signature').waitFor();
  await page.getByRole('button', { name: 'Unban…' }).click();
  const dialog = page.getByRole('dialog', { name: `Unban ${banned}?` });
  await dialog.getByLabel(/^Why/).fill('it is ours');
  await dialog.getByLabel(/^Who/).fill('grace');
  await dialog.getByRole('button', { name: 'Unban', exact: true }).click();
  await dialog.getByText(`Node ${banned} may come in again`).waitFor();
  await dialog.getByRole('button', { name: 'Close' }).click();
  await page.getByRole('region', { name: 'Ban' }).waitFor({ state: 'detached' });
  await page.getByText('grace asked to unban').waitFor();
  expect(await readBan(database.pool, banned)).toBeNull();
});

test('a node that dies turns red where it stands, and is a thing that needs a look', async () => {
  const dying = `${id}-dies`;
  node = new RegistrarProcess(['node', '--id', dying], env);
  await page.goto(`${url}?q=${dying}`);
  const row = page.locator('.row', { hasText: dying });
  await row.locator('b', { hasText: 'ACTIVE' }).waitFor({ timeout: 60_000 });
  node.kill('SIGKILL');
  await row.locator('b', { hasText: 'LIVENESS_EXPIRED' }).waitFor({ timeout: 90_000 });
  await page.getByText('Ended in the last hour, not by leaving').first().waitFor();
});

test('Consul is stopped and comes back: the page says so, and the node that waits goes on by itself', async () => {
  const { dataDir: stack } = loadConfig(process.env);
  await askOwner(stack, { action: 'stop', server: 'consul' });
  const waiting = new RegistrarProcess(['node', '--id', `${id}-waits`], env);
  try {
    await page.goto(`${url}nodes/${id}-waits`);
    await page.getByRole('heading', { name: 'Waits for Consul' }).waitFor({ timeout: 60_000 });
    await page
      .getByText(/ECONNREFUSED/)
      .first()
      .waitFor();
    await page.getByRole('link', { name: /^Health/ }).click();
    await page.getByRole('heading', { name: 'Consul does not answer' }).waitFor({ timeout: 30_000 });
    await page.getByRole('region', { name: 'Consul', exact: true }).getByText('What to do.').waitFor();
  } finally {
    await askOwner(stack, { action: 'start', server: 'consul' });
  }
  await page.goBack();
  await page.getByRole('img', { name: /^Orchestrator: now ACTIVE/ }).waitFor({ timeout: 90_000 });
  await page.locator('.steps').getByText('Consul confirmed').first().waitFor();
  // What failed before stays, with its words.
  await expect
    .poll(() => page.locator('main').innerText(), { timeout: 30_000 })
    .toMatch(/Consul: \d+ tr(y|ies) failed[^]*ECONNREFUSED/);
  await page.getByRole('link', { name: /^Health/ }).click();
  await page
    .getByRole('region', { name: 'Consul', exact: true })
    .getByText(/ms p50/)
    .waitFor({ timeout: 30_000 });
  waiting.kill('SIGTERM');
  await waiting.ends();
});

test('the page’s server is killed and started again: the page says that it is not live, and comes back by itself', async () => {
  await page.goto(url);
  await page.locator('.row').first().waitFor();
  ui.kill('SIGKILL');
  await page.getByText('Not live.').waitFor({ timeout: 30_000 });
  ui = new RegistrarProcess(['ui', '--port', new URL(url).port, '--allow-actions'], env);
  await ui.says(/The fleet page: /);
  await page.locator('.live', { hasText: 'Live' }).waitFor({ timeout: 60_000 });
  await page.getByText('Not live.').waitFor({ state: 'detached' });
});

test('a dead letter is replayed from the page, and what fails again is another one', async () => {
  const producer = patientProducer(
    createKafka({ brokers: loadConfig(env).kafka.brokers, clientId: name, logger: pino({ level: 'silent' }) }),
  );
  const topic = `${name}.onex.evt.node-introspection.v1`;
  await producer.send([
    { topic, key: null, value: Buffer.from(`{"node_id": "${id}-3", "node_type": "toaster"}`), headers: {} },
  ]);
  await producer.close();
  await page.goto(`${url}health`);
  const letter = page.getByRole('region', { name: 'Dead letters' }).getByRole('row', { name: new RegExp(`${id}-3`) });
  await letter.first().getByRole('button', { name: 'Replay…' }).click({ timeout: 60_000 });
  const dialog = page.getByRole('dialog', { name: /^Replay dead letter/ });
  await dialog.getByLabel(/^Why/).fill('the test looks');
  await dialog.getByLabel(/^Who/).fill('ada');
  await dialog.getByRole('button', { name: 'Replay', exact: true }).click();
  await dialog.getByText(/^Sent again, in this order: \d+-\d+\.$/).waitFor({ timeout: 40_000 });
  await dialog.getByRole('button', { name: 'Close' }).click();
  await letter.nth(1).waitFor({ timeout: 30_000 });
  await letter.getByText('replayed').waitFor();
});

test('a release is refused when nothing holds, in words, and the refusal is kept', async () => {
  const answer = await fetch(`${url}api/self-preservation/release`, {
    method: 'POST',
    headers: { origin: url.replace(/\/$/, ''), 'content-type': 'application/json', 'x-registrar-action': '1' },
    body: JSON.stringify({ who: 'ada', why: 'a test', nodes: 0 }),
  });
  expect([answer.status, await answer.json()]).toEqual([
    409,
    { error: expect.stringContaining('Self-preservation does not hold') as string },
  ]);
  await page.goto(`${url}activity?by=people`);
  // Other files may have been refused on these servers, too: the newest stands first.
  await page
    .getByText(/Refused: Self-preservation does not hold/)
    .first()
    .waitFor();
});

test('health shows what the four servers, the streams and the workers are', async () => {
  await page.goto(`${url}health`);
  for (const backend of ['Consul', 'PostgreSQL', 'Temporal', 'Kafka'])
    await page
      .getByRole('region', { name: backend, exact: true })
      .getByText(/ms p50/)
      .waitFor();
  await page
    .getByRole('region', { name: 'Workers' })
    .getByText(/^Polled within the last minute/)
    .waitFor();
  await page.getByRole('row', { name: new RegExp(`${name}\\.onex\\.evt\\.node-heartbeat\\.v1 \\d+ \\d`) }).waitFor();
  await page.getByRole('region', { name: 'Self-preservation' }).getByText('off').waitFor();
});
