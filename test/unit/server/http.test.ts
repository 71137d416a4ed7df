import { request } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { pino } from 'pino';
import { loadContracts } from '../../../src/contracts/load.js';
import { contractView } from '../../../src/server/contract/view.js';
import { refuseAction, refuseHost } from '../../../src/server/http/guard.js';
import { serveFleet, type FleetServer } from '../../../src/server/http/server.js';
import type { Sources } from '../../../src/server/source.js';
import { FakeRegistry } from './v1/fake-registry.js';
import { healthOf } from '../../../src/server/sources/health.js';

const contract = contractView(loadContracts(), { env: 'dev', namespace: '' });
const nothing: Sources = {
  readFleet: () =>
    Promise.resolve({ at: Date.now(), whole: true, rows: [], silent: [], conflicts: [], key_conflicts: [] }),
  openRuns: () => Promise.resolve([]),
  rowDetails: () => Promise.resolve([]),
  node: () => Promise.resolve(null),
  health: () =>
    healthOf({
      backends: [],
      held: null,
      topics: [],
      swept: null,
      reconciled: null,
      reconcile_seconds: null,
      sweep_seconds: null,
      workers: null,
      contract_version: '1',
      contracts: [],
      dead_letters: [],
      dead_letters_failure: null,
      waiting: 0,
    }),
  activity: () => Promise.resolve({ acts: [], unasked: [] }),
  earlierRun: () => Promise.resolve(null),
  close: () => Promise.resolve(),
};

let server: FleetServer | undefined;
afterEach(() => server?.close());

async function start(): Promise<string> {
  server = await serveFleet({
    sources: nothing,
    contract,
    env: 'dev',
    namespace: '',
    logger: pino({ level: 'silent' }),
    host: '127.0.0.1',
    port: 0,
    hostNames: ['fleet.example'],
    actions: null,
    tryCommand: 'registrar node',
    fleet: { registryTodo: '' },
    readApi: { registry: new FakeRegistry(), states: {}, kept_seconds: 60 },
    assets: new Map([['/index.html', { body: Buffer.from('<!doctype html>'), type: 'text/html', immutable: false }]]),
  });
  return server.url;
}

/** fetch does not let a caller choose the Host. */
function statusFor(url: string, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) =>
    request(url, { headers: { host } }, (response) => resolve(response.resume().statusCode))
      .on('error', reject)
      .end(),
  );
}

test('every answer carries the policy that lets nothing in from elsewhere', async () => {
  const url = await start();
  for (const path of ['', 'nodes/a', 'api/health', 'assets/none.js']) {
    const { headers } = await fetch(url + path);
    expect(headers.get('content-security-policy')).toBe(
      "default-src 'none';script-src 'self';style-src 'self';font-src 'self';img-src 'self' data:;connect-src 'self';base-uri 'none';form-action 'none';frame-ancestors 'none'",
    );
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  }
  const stream = await fetch(`${url}api/stream`);
  expect(stream.headers.get('content-security-policy')).toContain("default-src 'none'");
  await stream.body?.cancel();
});

test('a screen’s address answers with the page, an unknown file and an unknown question with 404', async () => {
  const url = await start();
  const status = async (path: string): Promise<number> => (await fetch(url + path)).status;
  expect(await status('nodes/some.node?attempt=2')).toBe(200);
  expect(await status('assets/../../package.json')).toBe(200);
  expect(await (await fetch(`${url}assets/..%2f..%2fpackage.json`)).text()).not.toContain('node-registrar');
  expect(await status('assets/none.js')).toBe(404);
  expect(await status('api/none')).toBe(404);
  expect(await status('api/nodes/nobody')).toBe(404);
});

test('a name that is not ours is not answered: that is how a strange page gets in', async () => {
  const url = await start();
  expect(await statusFor(url, 'evil.example')).toBe(421);
  expect(await statusFor(url, 'fleet.example')).toBe(200);
  expect(await statusFor(url, 'localhost:9')).toBe(200);
  expect(refuseHost({}, new Set(['localhost']))?.status).toBe(421);
});

test('the read API stands beside the page, lets no strange name in, and is no action even where it is posted to', async () => {
  const url = await start();
  expect(await (await fetch(`${url}v1/nodes`)).json()).toEqual({ nodes: [], next_cursor: null });
  expect(await statusFor(`${url}v1/nodes`, 'evil.example')).toBe(421);
  const posted = await fetch(`${url}v1/nodes`, { method: 'POST' });
  expect([posted.status, posted.headers.get('content-type')]).toEqual([405, 'application/problem+json']);
});

test('an action must come from the page itself', () => {
  const ours = {
    host: 'localhost:7300',
    origin: 'http://localhost:7300',
    'content-type': 'application/json',
    'x-registrar-action': '1',
  };
  expect(refuseAction(ours)).toBeNull();
  expect(refuseAction({ ...ours, origin: 'http://evil.example' })?.status).toBe(403);
  expect(refuseAction({ host: ours.host, 'content-type': 'application/json', 'x-registrar-action': '1' })?.status).toBe(
    403,
  );
  expect(refuseAction({ ...ours, 'content-type': 'application/x-www-form-urlencoded' })?.status).toBe(415);
});
