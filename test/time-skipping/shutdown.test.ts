import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { plusSeconds } from '../../workflows/core/time.js';
import { startHarness, type Harness } from './harness.js';
import { RUNNING, type Met } from './situations.js';

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

describe.each(Object.entries(RUNNING))('a node that leaves while %s', (_, situation) => {
  it('is out of Consul, and DEREGISTERED in its registry row, after all that was in flight', async () => {
    met = await situation.reach(h);
    const { node_id } = met;
    const pending = await met.pending();
    await met.says('shutdown');
    if (situation.waiting !== 'all') {
      await h.until(node_id, 'leaving', ({ registration }) => registration?.state === 'DEREGISTERED');
      await met.cancelled(pending);
    }
    met.release();
    expect(await met.handle.result()).toMatchObject({ state: 'DEREGISTERED', reason: 'the node left', attempt: 1 });
    expect(h.world.done(node_id).slice(-2).sort()).toEqual(['consul.deregister', 'postgres.update_registration']);
    expect(h.world.rows.get(node_id)).toMatchObject({ state: 'DEREGISTERED', reason: 'the node left' });
    // For others: the node knows. It is no expiry.
    expect(h.world.types(node_id).at(-1)).toBe('NodeDeregistered');
    expect(h.world.types(node_id)).not.toContain('NodeLivenessExpired');
  });
});

describe('a shutdown', () => {
  it("at its startup's very time, as from a node that sends everything with one timestamp in one append, ends it", async () => {
    const introspection = await h.introspection();
    const handle = await h.introduce(introspection);
    await h.untilState(introspection.node_id, 'AWAITING_ACK');
    await h.introduce({ ...introspection, message_id: randomUUID(), correlation_id: randomUUID(), reason: 'shutdown' });
    expect(await handle.result()).toMatchObject({ state: 'DEREGISTERED' });
  });

  it('of a node that nobody knows does nothing', async () => {
    const introspection = await h.introspection({ reason: 'shutdown' });
    const handle = await h.introduce(introspection);
    expect(await handle.result()).toMatchObject({ attempt: 0, state: null });
    expect(h.world.types(introspection.node_id)).toEqual([]);
    expect(h.world.done(introspection.node_id)).toEqual([]);
  });

  it('does not end a node that has come back meanwhile, whichever of the two comes first', async () => {
    const introspection = await h.introspection({ epoch: 1 });
    const { node_id } = introspection;
    await h.introduce(introspection);
    await h.untilState(node_id, 'AWAITING_ACK');
    await h.introduce({
      ...introspection,
      message_id: randomUUID(),
      correlation_id: randomUUID(),
      epoch: 2,
      at: await h.world.now(),
    });
    await h.introduce({
      ...introspection,
      message_id: randomUUID(),
      correlation_id: randomUUID(),
      reason: 'shutdown',
      at: await h.world.now(),
    });
    const { registration } = await h.until(node_id, 'ignored', ({ journal }) =>
      journal.some(({ what }) => what.startsWith('ignored a stale introspection (reason shutdown)')),
    );
    expect(registration?.attempt).toBe(2);
    await h.untilState(node_id, 'AWAITING_ACK');
  });

  it("has its last word in Consul, after a superseded attempt's call that was on its way for long", async () => {
    const introspection = await h.introspection();
    const { node_id } = introspection;
    const release = h.world.hold('consul.register', node_id);
    const handle = await h.introduce(introspection);
    await h.until(node_id, 'partial', ({ registration }) => registration?.reducer.status === 'partial');
    const releaseSecond = h.world.hold('consul.register', node_id);
    await h.introduce({
      ...introspection,
      message_id: randomUUID(),
      correlation_id: randomUUID(),
      at: plusSeconds(introspection.at, 1),
    });
    await h.until(
      node_id,
      'in attempt 2',
      ({ registration }) => registration?.attempt === 2 && registration.reducer.status === 'partial',
    );
    await h.introduce({
      ...introspection,
      message_id: randomUUID(),
      correlation_id: randomUUID(),
      reason: 'shutdown',
      at: plusSeconds(introspection.at, 2),
    });
    await h.until(node_id, 'leaving', ({ registration }) => registration?.entering?.ending === true);
    releaseSecond();
    await h.until(node_id, 'in Consul as attempt 2', () => h.world.done(node_id).includes('consul.register'));
    await h.status(node_id);
    release();
    expect(await handle.result()).toMatchObject({ state: 'DEREGISTERED', attempt: 2 });
    expect(h.world.done(node_id).filter((activity) => activity.startsWith('consul.'))).toEqual([
      'consul.register',
      'consul.register',
      'consul.deregister',
    ]);
  });
});
