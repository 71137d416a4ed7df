import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NodeHub, type RegisteredNode } from '../../src/node/index.js';
import { readRegistryRow } from '../../src/registry/rows/read-registry-row.js';
import { askOwner, type ServerName } from '../../src/stack/index.js';
import { contractDirectory } from '../unit/contracts/contract-files.js';
import type { RegistrarProcess } from './cli-process.js';
import { eventually, Installation } from './installation.js';

const WINDOW_SECONDS = 2;
const OUTAGE_MS = 5 * WINDOW_SECONDS * 1_000;
const SHORT = `
liveness: { first_deadline_seconds: 10, window_seconds: ${WINDOW_SECONDS}, grace_seconds: 2, heartbeat_interval_seconds: 0.9 }
sweep: { interval_seconds: 1 }
`;
const OUTAGES = ['kafka', 'bridge', 'postgres', 'temporal'] as const;

let registrar: Installation;
let bridge: RegistrarProcess;
let hub: NodeHub;
let living: readonly RegisteredNode[];
/** One for each outage, to die in it. */
let mortals: ReadonlyMap<string, { readonly node_id: string; readonly process: RegistrarProcess }>;

beforeAll(async () => {
  registrar = await Installation.prepare(contractDirectory({ orchestrator: SHORT }));
  hub = new NodeHub({ brokers: registrar.config.kafka.brokers, env: registrar.config.env });
  [bridge] = await Promise.all([registrar.replica('bridge'), registrar.replica('worker')]);
  living = Array.from({ length: 15 }, () => registrar.node({ hub }));
  mortals = new Map(
    OUTAGES.map((outage) => {
      const node_id = `dies-without-${outage}-${randomUUID()}`;
      return [outage, { node_id, process: registrar.process('node', '--id', node_id) }];
    }),
  );
  await Promise.all(living.map((node) => node.start({ timeoutMs: 60_000 })));
  for (const { node_id } of mortals.values()) {
    await eventually(
      `${node_id} beats`,
      60,
      async () => (await readRegistryRow(registrar.pool, node_id))?.last_heartbeat_at,
    );
  }
});
afterAll(async () => {
  await registrar.stop();
  await hub.close();
});

async function stop(what: ServerName | 'bridge'): Promise<void> {
  if (what === 'bridge') bridge.kill('SIGKILL');
  else await askOwner(registrar.config.dataDir, { action: 'stop', server: what });
}

async function start(what: ServerName | 'bridge'): Promise<void> {
  if (what === 'bridge') bridge = await registrar.replica('bridge');
  else await askOwner(registrar.config.dataDir, { action: 'start', server: what });
}

describe('an outage of five lease durations', () => {
  const died: string[] = [];

  it.each(OUTAGES)('of %s expires nobody who lives, and afterwards finds who died in it', async (outage) => {
    const mortal = mortals.get(outage);
    await stop(outage);
    await delay(OUTAGE_MS / 2);
    mortal?.process.kill('SIGKILL');
    await delay(OUTAGE_MS / 2);
    await start(outage);

    const { node_id = '' } = mortal ?? {};
    died.push(node_id);
    await eventually(
      `${node_id} has expired`,
      60,
      async () => (await readRegistryRow(registrar.pool, node_id))?.state === 'LIVENESS_EXPIRED',
    );
    const found = new Date().toISOString();
    const ids = living.map((node) => node.node_id);
    await eventually('all others beat, and their leases are renewed by that', 30, async () => {
      const { rows } = await registrar.pool.query(
        'select from node_leases where node_id = any($1) and expired_at is null and last_heartbeat_at > $2',
        [ids, found],
      );
      return rows.length === ids.length;
    });
    const { rows } = await registrar.pool.query<{ node_id: string }>(
      `select node_id, state, attempt from node_registrations where node_id = any($1) and state = 'ACTIVE' ` +
        'and attempt = 1',
      [ids],
    );
    expect(rows.map((row) => row.node_id).sort()).toEqual([...ids].sort());
    const passing = (await registrar.catalog.passingInstances('onex-effect')).map((instance) => instance.node_id);
    expect(passing).toEqual(expect.arrayContaining(ids));
    expect(passing).not.toContain(node_id);
    const expired = registrar.published
      .filter(({ event }) => event.event_type === 'NodeLivenessExpired')
      .map(({ event }) => event.node_id);
    expect(new Set(expired)).toEqual(new Set(died));
  });
});
