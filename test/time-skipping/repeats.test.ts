import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { plusSeconds } from '../../workflows/core/time.js';
import { startHarness, type Harness } from './harness.js';
import { active, ignoredOf, OVER, publishedUntilActive, RUNNING, type Met } from './situations.js';

/** What does not begin anything new: repeats, old messages, and what a node says about itself on the way. */

let h: Harness;
let met: Met | undefined;
beforeAll(async () => {
  h = await startHarness();
});
afterEach(async () => {
  await met?.leaves();
});
afterAll(async () => {
  await h.stop();
});

const REASONS = ['request', 'heartbeat', 'health_change', 'capability_change'] as const;
const UNDISTURBED = ['consul.pass', 'consul.register', 'postgres.update_registration', 'postgres.upsert_registration'];

describe.each(Object.entries(RUNNING))('while %s', (name, situation) => {
  const refreshing = name.includes('refresh');

  it('a duplicate, an older introspection, an older shutdown and the same data again do nothing', async () => {
    met = await situation.reach(h);
    const { introspection, node_id } = met;
    await h.introduce({ ...introspection, message_id: randomUUID() });
    for (const reason of ['startup', 'shutdown'] as const) {
      await h.introduce({
        ...introspection,
        message_id: randomUUID(),
        correlation_id: randomUUID(),
        reason,
        at: plusSeconds(introspection.at, -1),
      });
    }
    const same = refreshing ? { capabilities: ['refreshing'] } : {};
    let last = '';
    for (const reason of REASONS) last = (await met.says(reason, same)).correlation_id;
    met.release();
    const { registration, ...rest } = await h.until(
      node_id,
      'has seen all',
      (status) => status.registration?.incarnation?.seen.includes(last) === true,
    );
    expect(registration?.attempt).toBe(1);
    expect(ignoredOf({ registration, ...rest })).toEqual([
      expect.stringContaining('a duplicate introspection (reason startup)'),
      expect.stringContaining('a stale introspection (reason startup)'),
      expect.stringContaining('a stale introspection (reason shutdown)'),
    ]);
    await met.becomesActive();
    await h.until(node_id, 'done', () => h.world.done(node_id).length >= (refreshing ? 6 : 4));
    expect(h.world.types(node_id)).toEqual(publishedUntilActive(situation.rounds));
    expect(h.world.done(node_id).slice(0, 4).sort()).toEqual(UNDISTURBED);
    expect(h.world.done(node_id)).toHaveLength(refreshing ? 6 : 4);
  });

  it('changed data, for whatever reason, reach both backends without a change of its state or its attempt', async () => {
    met = await situation.reach(h);
    const { node_id } = met;
    let last = '';
    for (const reason of REASONS)
      last = (
        await met.says(reason, {
          node_version: '1.3.0',
          endpoints: { health: 'http://10.0.0.2:9090/health' },
          capabilities: [reason],
        })
      ).correlation_id;
    if (situation.waiting === 'none')
      await h.until(
        node_id,
        'has seen all, with its activities in flight',
        (status) => status.registration?.incarnation?.seen.includes(last) === true,
      );
    met.release();
    await h.until(node_id, 'has seen all', (status) => status.registration?.incarnation?.seen.includes(last) === true);
    await met.becomesActive();
    const { registration } = await h.until(node_id, 'written to both', () => {
      const written = h.world.effects.filter(({ request }) => request.node_id === node_id);
      return (['consul.', 'postgres.'] as const).every((backend) => {
        const payload = written.filter(({ activity }) => activity.startsWith(backend)).at(-1)?.request.intent.payload;
        return (
          payload?.['node_version'] === '1.3.0' &&
          JSON.stringify(payload['capabilities'] ?? payload['tags']).includes('capability_change') &&
          JSON.stringify(payload['endpoints']).includes('10.0.0.2')
        );
      });
    });
    expect(registration).toMatchObject({
      attempt: 1,
      state: 'ACTIVE',
      introspection: { capabilities: ['capability_change'] },
    });
    expect(h.world.types(node_id)).toEqual(publishedUntilActive(situation.rounds));
  });
});

describe.each(Object.entries(OVER))('when it is over: %s', (_, situation) => {
  it('a duplicate, an older introspection and a shutdown do nothing', async () => {
    met = await situation.reach(h);
    const { introspection, node_id } = met;
    const published = h.world.types(node_id);
    await h.introduce({ ...introspection, message_id: randomUUID() });
    await h.introduce({
      ...introspection,
      message_id: randomUUID(),
      correlation_id: randomUUID(),
      at: plusSeconds(introspection.at, -1),
    });
    // At the time of its startup, as nodes send it that cached that; and later.
    await h.introduce({ ...introspection, message_id: randomUUID(), correlation_id: randomUUID(), reason: 'shutdown' });
    await met.says('shutdown');
    met.release();
    const run = h.env.client.workflow.getHandle(met.handle.workflowId);
    expect(await run.result()).toMatchObject(
      situation.recording ? { state: situation.state, attempt: 1 } : { state: null, attempt: 1 },
    );
    // That a node has left is published before the registry has it, which is held here.
    const left = situation.state === 'DEREGISTERED' ? ['NodeDeregistered'] : [];
    expect(h.world.types(node_id)).toEqual([...published.filter((type) => !left.includes(type)), ...left]);
    expect(h.world.rows.get(node_id)).toMatchObject({ state: situation.state, attempt: 1 });
  });

  it.each(situation.recording ? (['request'] as const) : REASONS)(
    'an introspection for another reason (%s) begins a new attempt',
    async (reason) => {
      met = await situation.reach(h);
      const said = await met.says(reason);
      await h.until(met.node_id, 'in attempt 2', ({ registration }) => registration?.attempt === 2);
      met.release();
      const { registration } = await met.becomesActive();
      expect(registration).toMatchObject({ attempt: 2, incarnation: { correlation_id: said.correlation_id } });
    },
  );
});

describe('a node that uses one correlation_id for its whole life', () => {
  it('has its changed capabilities shown, and leaves; then a start with a lower epoch begins a new attempt', async () => {
    met = await active(h);
    const { node_id, introspection } = met;
    const own = { correlation_id: introspection.correlation_id };
    await met.says('capability_change', { ...own, capabilities: ['newest'] });
    await h.until(node_id, 'shown with them in Consul', () =>
      h.world.effects.some(({ request, activity }) =>
        request.node_id === node_id && activity === 'consul.register'
          ? JSON.stringify(request.intent.payload['tags']).includes('newest')
          : false,
      ),
    );
    await met.says('startup', own);
    await met.says('shutdown', { ...own, epoch: 5 });
    expect(await met.handle.result()).toMatchObject({ state: 'DEREGISTERED', attempt: 1 });
    const restarted = await met.says('startup', { epoch: 1 });
    await h.until(node_id, 'in attempt 2', ({ registration }) => registration?.attempt === 2);
    expect((await met.becomesActive()).registration?.incarnation?.correlation_id).toBe(restarted.correlation_id);
  });
});
