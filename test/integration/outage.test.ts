import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askOwner, type ServerName } from '../../src/stack/index.js';
import { readRegistration } from '../../src/registry/read-registration.js';
import { eventually, Installation } from './installation.js';

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
  return (raw.pendingActivities ?? []).map((activity) => ({ name: activity.activityType?.name, attempt: activity.attempt ?? 0, failure: activity.lastFailure?.message ?? '' }));
}

const scheduled = async (node_id: string) =>
  ((await registrar.handle(node_id).fetchHistory()).events ?? []).flatMap((event) => event.activityTaskScheduledEventAttributes?.activityType?.name ?? []);

describe.each([
  { server: 'consul', effect: 'consul.register', done: 'postgres_confirmed', missing: 'consul_confirmed' },
  { server: 'postgres', effect: 'postgres.upsert_registration', done: 'consul_confirmed', missing: 'postgres_confirmed' },
] as const)('while $server is away', ({ server, effect, done, missing }) => {
  it('a node is partial and somebody can see why; only that backend is tried again, and it becomes active when it is back', async () => {
    const node = registrar.node();
    const started = { active: false };
    // Opening an attempt needs the record, so PostgreSQL goes away only after that.
    if (server === 'postgres') await opened(node.node_id);
    else await stack('stop', server);
    const starting = node.start().then(() => (started.active = true));
    if (server === 'postgres') {
      await eventually('its attempt is open', 20, () => registrar.handle(node.node_id).describe().catch(() => null));
    }

    const partial = await eventually('the node is partial', 20, async () => {
      const status = await registrar.status(node.node_id).catch(() => null);
      return status?.registration?.reducer.status === 'partial' ? status.registration : null;
    });
    expect(partial).toMatchObject({ state: 'PENDING_REGISTRATION', reducer: { [done]: true, [missing]: false } });
    const failing = await eventually('it was tried three times', 20, async () => (await pending(node.node_id)).find(({ attempt }) => attempt >= 3));
    expect(failing).toMatchObject({ name: effect, failure: expect.stringMatching(/ECONNREFUSED/) as string });
    expect(started.active).toBe(false);

    await stack('start', server);
    await starting;
    expect((await scheduled(node.node_id)).filter((name) => name === 'consul.register' || name === 'postgres.upsert_registration').sort()).toEqual(['consul.register', 'postgres.upsert_registration']);
    expect(await readRegistration(registrar.pool, node.node_id)).toMatchObject({ state: 'ACTIVE', attempt: 1 });
    expect(await registrar.catalog.instance(node.node_id)).toMatchObject({ status: 'passing' });
  });
});

/** Nothing to do before: see the test. */
async function opened(_node_id: string): Promise<void> {
  await Promise.resolve();
}
