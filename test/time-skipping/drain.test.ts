import { ApplicationFailure, WorkflowUpdateFailedError } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DRAIN, EVICT, UNDRAIN } from '../../workflows/messages.js';
import { startHarness, type Harness } from './harness.js';
import { active, ADA, draining, Met } from './situations.js';

/** A node that others are not to find any more, and that stays registered and alive. */

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

const ASKED = { payload: { asked_by: ADA } };

/** What a refused command says. */
async function refusal(asked: Promise<unknown>): Promise<string> {
  const error: unknown = await asked.catch((reason: unknown) => reason);
  if (!(error instanceof WorkflowUpdateFailedError) || !(error.cause instanceof ApplicationFailure)) throw error;
  return error.cause.message;
}

const lastOf = (activity: string, node_id: string) =>
  h.world.effects.findLast(({ activity: name, request }) => name === activity && request.node_id === node_id)?.request;

describe('a drained node', () => {
  it('leaves discovery, keeps its lease, and has who and why in its history', async () => {
    met = await draining(h);
    const { node_id } = met;
    expect(lastOf('consul.register', node_id)?.intent.payload).toMatchObject({
      intent_type: 'consul.drain',
      passing: false,
      check_output: 'draining: ada: a new disk',
    });
    expect(lastOf('postgres.update_registration', node_id)?.intent.payload).toMatchObject({
      state: 'DRAINING',
      lease: 'open',
      reason: 'ada: a new disk',
    });
    expect(h.world.of(node_id).at(-1)).toMatchObject({
      event_type: 'NodeDraining',
      payload: { drain_reason: 'ada: a new disk' },
    });
    const { journal } = await h.status(node_id);
    expect(journal.map(({ what }) => what)).toEqual(
      expect.arrayContaining(['a drain was asked for by ada: a new disk', 'ACTIVE -> DRAINING: ada: a new disk']),
    );
  });

  it('is asked again to drain in vain, and the answer says where it is', async () => {
    met = await draining(h);
    const published = h.world.types(met.node_id);
    expect(await refusal(h.command(met.node_id, { ...DRAIN, ...ASKED }))).toBe('ignored a drain in state DRAINING');
    expect(h.world.types(met.node_id)).toEqual(published);
  });

  it('is found again when that is taken back; an ack that came long ago is not published again', async () => {
    met = await draining(h);
    const before = h.world.types(met.node_id).length;
    await h.command(met.node_id, { ...UNDRAIN, ...ASKED });
    const { registration } = await h.untilState(met.node_id, 'ACTIVE');
    expect(registration?.reason).toBeNull();
    expect(h.world.done(met.node_id).slice(-2).sort()).toEqual(['consul.pass', 'postgres.update_registration']);
    expect(h.world.types(met.node_id).slice(before)).toEqual(['NodeBecameActive']);
    const ids = h.world.of(met.node_id).map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('that starts again is registered anew, and not drained', async () => {
    met = await draining(h);
    await met.says('startup');
    const { registration } = await met.becomesActive();
    expect(registration).toMatchObject({ state: 'ACTIVE', attempt: 2 });
    expect(lastOf('consul.pass', met.node_id)?.attempt).toBe(2);
  });

  it('whose lease is renewed stays, however long', async () => {
    met = await draining(h);
    await h.suspect(met.node_id);
    await h.sleep(11_000);
    await h.untilState(met.node_id, 'DRAINING');
  });

  it('drains while Consul is away as soon as it is back', async () => {
    met = await active(h);
    const { node_id } = met;
    h.world.fail(node_id, 'consul.register', 5);
    await h.command(node_id, { ...DRAIN, ...ASKED });
    await h.until(node_id, 'on the way', ({ registration }) => registration?.entering?.state === 'DRAINING');
    await h.sleep(30);
    await h.untilState(node_id, 'DRAINING');
  });
});

describe('a node that asks for it itself', () => {
  it('is drained, and found again, with its own words', async () => {
    met = await active(h);
    const { node_id } = met;
    await h.request(node_id, true, { reason: 'too hot' });
    const { registration } = await h.untilState(node_id, 'DRAINING');
    expect(registration?.reason).toBe('the node asked for it: too hot');
    await h.request(node_id, false);
    await h.untilState(node_id, 'ACTIVE');
  });

  it('and whose request is delivered again is not drained again', async () => {
    met = await active(h);
    const { node_id } = met;
    const request = await h.request(node_id, true);
    await h.untilState(node_id, 'DRAINING');
    await h.command(node_id, { ...UNDRAIN, ...ASKED });
    await h.untilState(node_id, 'ACTIVE');
    await h.request(node_id, true, request);
    await h.until(node_id, 'ignored', ({ journal }) =>
      journal.some(({ what }) => what === 'ignored a drain that was handled before'),
    );
    await h.untilState(node_id, 'ACTIVE');
  });
});

describe('an evicted node', () => {
  it('ends with who and why, out of Consul and the registry, and the end is published', async () => {
    met = await draining(h);
    const { node_id } = met;
    await h.command(node_id, { ...EVICT, ...ASKED });
    expect(await met.handle.result()).toMatchObject({
      state: 'DEREGISTERED',
      reason: 'evicted by ada: a new disk',
      attempt: 1,
    });
    expect(h.world.done(node_id).slice(-2).sort()).toEqual(['consul.deregister', 'postgres.update_registration']);
    expect(h.world.of(node_id).at(-1)).toMatchObject({
      event_type: 'NodeDeregistered',
      payload: { deregistration_reason: 'evicted by ada: a new disk' },
    });
  });

  it('that has ended before is not evicted, and the answer says why', async () => {
    met = await active(h);
    await met.says('shutdown');
    await met.handle.result();
    expect(await refusal(h.command(met.node_id, { ...EVICT, ...ASKED }))).toBe('ignored an eviction in state none');
  });
});

describe('a banned node', () => {
  const BAN = 'banned by ada: a new disk';

  it('is rejected with the reason, without a backend, and each start anew', async () => {
    const introspection = await h.introspection();
    const { node_id } = introspection;
    h.world.bans.set(node_id, BAN);
    const handle = await h.introduce(introspection);
    expect(await handle.result()).toMatchObject({ state: 'REJECTED', reason: BAN, attempt: 1 });
    expect(h.world.done(node_id)).not.toContain('consul.register');
    expect(h.world.of(node_id).at(-1)).toMatchObject({
      event_type: 'NodeRegistrationRejected',
      payload: { rejection_reason: BAN },
    });
  });

  it('that repeats the same startup gets no other answer', async () => {
    const introspection = await h.introspection();
    h.world.bans.set(introspection.node_id, BAN);
    await (await h.introduce(introspection)).result();
    const published = h.world.types(introspection.node_id);
    expect(await (await h.introduce(introspection)).result()).toMatchObject({ state: null });
    expect(h.world.types(introspection.node_id)).toEqual(published);
  });

  it('comes in again once that is lifted', async () => {
    const introspection = await h.introspection();
    const { node_id } = introspection;
    h.world.bans.set(node_id, BAN);
    await (await h.introduce(introspection)).result();
    h.world.bans.delete(node_id);
    met = new Met(h, introspection, await h.introduce(introspection));
    await met.says('startup');
    expect((await met.becomesActive()).registration).toMatchObject({ attempt: 2, state: 'ACTIVE' });
  });

  it('and evicted is rejected at once, by the very run that has evicted it', async () => {
    met = await active(h);
    const { node_id } = met;
    const release = h.world.hold('consul.deregister', node_id);
    h.world.bans.set(node_id, BAN);
    await h.command(node_id, { ...EVICT, payload: { asked_by: ADA, ban: BAN } });
    await met.says('startup');
    await h.until(node_id, 'attempt 2', ({ registration }) => registration?.attempt === 2);
    release();
    expect(await met.handle.result()).toMatchObject({ state: 'REJECTED', reason: BAN, attempt: 2 });
  });
});
