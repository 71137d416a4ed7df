import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askOwner, type ServerName } from '../../src/stack/index.js';
import { readRegistryRow } from '../../src/registry/rows/read-registry-row.js';
import { contractDirectory } from '../unit/contracts/contract-files.js';
import { eventually, Installation } from './installation.js';
import { WorldByHand } from './world-by-hand.js';

let registrar: Installation;
beforeAll(async () => {
  registrar = await Installation.start();
});
afterAll(async () => {
  await registrar.stop();
});

const stack = (action: 'stop' | 'start', server: ServerName) => askOwner(registrar.config.dataDir, { action, server });

/** Every try of an activity and what the last one failed with, as Temporal's web UI shows it. */
async function pending(node_id: string) {
  const { raw } = await registrar.handle(node_id).describe();
  return (raw.pendingActivities ?? []).map((activity) => ({
    name: activity.activityType?.name,
    attempt: activity.attempt ?? 0,
    failure: activity.lastFailure?.message ?? '',
  }));
}

const scheduled = async (node_id: string) =>
  ((await registrar.handle(node_id).fetchHistory()).events ?? []).flatMap(
    (event) => event.activityTaskScheduledEventAttributes?.activityType?.name ?? [],
  );

describe('while Consul is away', () => {
  it('a node is partial and somebody can see why; only Consul is tried again, and the node becomes active when it is back', async () => {
    await stack('stop', 'consul');
    const node = registrar.node();
    const starting = node.start();
    const partial = await eventually('the node is partial', 20, async () => {
      const status = await registrar.status(node.node_id).catch(() => null);
      return status?.registration?.reducer.status === 'partial' ? status.registration : null;
    });
    expect(partial).toMatchObject({
      state: 'PENDING_REGISTRATION',
      reducer: { postgres_confirmed: true, consul_confirmed: false },
    });
    expect(await readRegistryRow(registrar.pool, node.node_id)).toMatchObject({
      state: 'PENDING_REGISTRATION',
      active_at: null,
    });
    const failing = await eventually('Consul was tried three times', 20, async () =>
      (await pending(node.node_id)).find(({ attempt }) => attempt >= 3),
    );
    expect(failing).toMatchObject({
      name: 'consul.register',
      failure: expect.stringMatching(/^Consul at .* did not register node .*ECONNREFUSED/) as string,
    });

    await stack('start', 'consul');
    await starting;
    expect((await scheduled(node.node_id)).sort()).toEqual(['consul.register', 'postgres.upsert_registration']);
    expect(await readRegistryRow(registrar.pool, node.node_id)).toMatchObject({ state: 'ACTIVE', attempt: 1 });
    expect(await registrar.catalog.instance(node.node_id)).toMatchObject({ status: 'passing' });
  });

  it('between a node’s ack and its becoming active, that does not count as its silence: a node may beat only then', async () => {
    // Its run looks at its lease two seconds after it has become active.
    const orchestrator = `
liveness: { first_deadline_seconds: 4, window_seconds: 4, grace_seconds: 1, heartbeat_interval_seconds: 1 }
timers: [{ timer: "liveness", seconds: 2 }]
`;
    const world = await WorldByHand.start(contractDirectory({ orchestrator }));
    try {
      const node_id = randomUUID();
      const correlation_id = await world.accepted(node_id);
      await stack('stop', 'consul');
      await world.acknowledge(node_id, correlation_id);
      await eventually('its lease is over', 30, async () => (await world.silentFor(node_id)) > 3);
      await stack('start', 'consul');
      await eventually('it is active', 30, () => world.said(node_id, 'NodeBecameActive'));
      // As a node does that takes the event for its start, and beats every three seconds.
      for (let beats = 0; beats < 3; beats += 1) {
        await new Promise((resolve) => setTimeout(resolve, 3_000));
        await world.beat(node_id);
      }
      expect(await world.state(node_id)).toBe('ACTIVE');
      expect(world.expired()).toEqual([]);
    } finally {
      await world.registrar.stop();
    }
  });
});

describe('while PostgreSQL is away', () => {
  it('a node waits for its attempt to be opened, visibly, and becomes active when the database is back', async () => {
    await stack('stop', 'postgres');
    const node = registrar.node();
    const starting = node.start();
    const failing = await eventually('the registry row was asked for three times', 30, async () =>
      (await pending(node.node_id).catch(() => [])).find(({ attempt }) => attempt >= 3),
    );
    expect(failing).toMatchObject({
      name: 'open_attempt',
      failure: expect.stringMatching(/^PostgreSQL at .* did not read the registry row of node/) as string,
    });
    expect((await registrar.status(node.node_id)).registration).toBeNull();

    await stack('start', 'postgres');
    await starting;
    expect(await readRegistryRow(registrar.pool, node.node_id)).toMatchObject({ state: 'ACTIVE', attempt: 1 });
    expect((await scheduled(node.node_id)).slice(0, 3)).toEqual([
      'open_attempt',
      'consul.register',
      'postgres.upsert_registration',
    ]);
  });
});
