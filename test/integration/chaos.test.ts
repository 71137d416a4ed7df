import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readCatalog } from '../chaos/checker/read/consul.js';
import { runScenario } from '../chaos/run-scenario.js';
import { scenario } from '../chaos/scenarios/short.js';
import { seeds } from '../run/seeds.js';
import { temporaryFolder } from '../run/temporary-folder.js';
import { openNamespace } from './namespace.js';
import { openDatabase, type Database } from './registry/database.js';
import { servers } from './servers.js';

let database: Database;
beforeAll(async () => {
  database = await openDatabase('chaos');
});
afterAll(async () => {
  await database.drop();
  // The reconciler of another test would look at what its nodes leave in Consul.
  for (const { name } of await readCatalog(servers().consulAddress, (node_id) => /^c[0-9a-f]{8}-/.test(node_id)))
    await put('deregister', { Node: name });
});

async function put(action: 'register' | 'deregister', entry: object): Promise<void> {
  const url = new URL(`/v1/catalog/${action}`, servers().consulAddress);
  const response = await fetch(url, { method: 'PUT', body: JSON.stringify(entry) });
  expect(response.status).toBe(200);
}

it('a fleet comes through kills and a restart of Kafka: the checker has nothing to say', async () => {
  const directory = join(temporaryFolder('chaos'), 'contracts');
  mkdirSync(directory);
  const { violations, snapshot } = await runScenario(scenario, {
    seed: seeds()[0] ?? 0,
    nodes: 12,
    seconds: 20,
    deadly: false,
    env: { ...process.env, DATABASE_URL: database.url, TEMPORAL_NAMESPACE: await openNamespace(`chaos${Date.now()}`) },
    directory,
    log: (text) => process.stderr.write(`chaos: ${text}\n`),
  });
  expect(violations.map(({ rule, node_id, what }) => `${rule}: ${node_id ?? ''}: ${what}`)).toEqual([]);
  // There was something to look at.
  expect(snapshot.disturbances).toHaveLength(2);
  expect(snapshot.rows.length).toBeGreaterThan(12);
  expect(snapshot.rows.filter(({ state }) => state === 'ACTIVE').length).toBeGreaterThan(5);
});

it('the checker reads a catalog of more nodes than Consul takes connections from an address', async () => {
  for (let at = 0; at < 250; at += 1) {
    const entry = {
      Node: `onex-c00000000-${at}`,
      Address: '10.0.0.1',
      NodeMeta: { 'registered-by': 'node-registrar' },
    };
    await put('register', entry);
  }
  const found = await readCatalog(servers().consulAddress, (node_id) => node_id.startsWith('c00000000-'));
  expect(found).toHaveLength(250);
});
