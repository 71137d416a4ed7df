import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { plusSeconds } from '../../workflows/core/time.js';
import { startHarness, type Harness } from './harness.js';

let h: Harness;
/** How often the lease of each node was verified. */
const verified = new Map<string, number>();
beforeAll(async () => {
  h = await startHarness();
});
afterAll(async () => {
  await h.stop();
});

type Lease = Harness['world']['lease'];
const expired: Lease = () => ({ outcome: 'expired', last_heartbeat_at: '2026-01-31T12:00:00.000Z' });
const renewed: Lease = (_, now) => ({ outcome: 'renewed', deadline: plusSeconds(now, 90) });
const unknown: Lease = () => ({
  outcome: 'unknown',
  why: 'self-preservation holds',
  again_in_seconds: 90,
});

function leasesAre(lease: Lease): void {
  h.world.lease = (node_id, ...rest) => {
    verified.set(node_id, (verified.get(node_id) ?? 0) + 1);
    return lease(node_id, ...rest);
  };
}
afterEach(() => verified.clear());

async function awaitingAck() {
  const introspection = await h.introspection();
  const handle = await h.introduce(introspection);
  await h.untilState(introspection.node_id, 'AWAITING_ACK');
  return { node_id: introspection.node_id, introspection, handle };
}

async function active() {
  const node = await awaitingAck();
  await h.ack(node.node_id);
  await h.untilState(node.node_id, 'ACTIVE');
  return node;
}

/** Active by its registry row, and its run is gone: Temporal has lost it, or somebody has terminated it. */
async function lost() {
  const node = await active();
  await node.handle.terminate('the run is lost');
  return node;
}

/** By the event that says so: waiting for a result skips more time than the node takes. */
function secondsUntilExpired(node_id: string, since: string): number {
  const expired = h.world.of(node_id).find(({ event_type }) => event_type === 'NodeLivenessExpired');
  return (Date.parse(expired?.sent_at ?? '') - Date.parse(since)) / 1_000;
}

describe('a suspect', () => {
  it('is verified at once, and not only when its own timer is due in three hours', async () => {
    leasesAre(expired);
    const { node_id } = await active();
    const before = await h.world.now();
    const outcome = await (await h.suspect(node_id)).result();
    expect(outcome).toMatchObject({ state: 'LIVENESS_EXPIRED', attempt: 1 });
    expect(secondsUntilExpired(node_id, before)).toBeLessThan(5);
  });

  it('whose lease was renewed meanwhile stays active, and is looked at again in three hours', async () => {
    leasesAre(renewed);
    const { node_id } = await active();
    await h.suspect(node_id);
    await h.until(node_id, 'verified', () => verified.get(node_id) === 1);
    await h.sleep(3 * 3600 - 60);
    expect(verified.get(node_id)).toBe(1);
    await h.sleep(120);
    await h.until(node_id, 'verified again', () => verified.get(node_id) === 2);
    await h.untilState(node_id, 'ACTIVE');
  });

  it('of which nothing can be said looks again by itself after a lease duration', async () => {
    leasesAre(unknown);
    const { node_id, handle } = await active();
    await h.suspect(node_id);
    await h.until(node_id, 'verified', ({ journal }) =>
      journal.some(({ what }) => what.includes('self-preservation holds')),
    );
    leasesAre(expired);
    const before = await h.world.now();
    expect(await handle.result()).toMatchObject({ state: 'LIVENESS_EXPIRED' });
    expect(secondsUntilExpired(node_id, before)).toBeLessThan(95);
  });

  it('that is still to acknowledge keeps its deadline, and the lease that it opens then is not the suspected one', async () => {
    leasesAre(expired);
    const { node_id } = await awaitingAck();
    const before = (await h.status(node_id)).registration?.timer_due;
    await h.suspect(node_id);
    await h.suspect(node_id);
    await h.sleep(5);
    expect((await h.status(node_id)).registration).toMatchObject({
      state: 'AWAITING_ACK',
      round: 1,
      timer_due: before,
    });
    expect(verified.get(node_id)).toBeUndefined();
    await h.ack(node_id);
    await h.untilState(node_id, 'ACTIVE');
    await h.sleep(5);
    expect((await h.status(node_id)).registration?.state).toBe('ACTIVE');
    expect(verified.get(node_id)).toBeUndefined();
  });

  it('that comes again as a new incarnation is not suspected for its life before', async () => {
    leasesAre(expired);
    const first = await h.introspection();
    h.world.fail(first.node_id, 'consul.register', 1000);
    await h.introduce(first);
    await h.until(first.node_id, 'partial', ({ registration }) => registration?.reducer.status === 'partial');
    await h.suspect(first.node_id);
    h.world.fail(first.node_id, 'consul.register', 0);
    await h.introduce({
      ...first,
      message_id: randomUUID(),
      correlation_id: randomUUID(),
      at: plusSeconds(first.at, 1),
    });
    await h.untilState(first.node_id, 'AWAITING_ACK');
    await h.ack(first.node_id);
    await h.untilState(first.node_id, 'ACTIVE');
    await h.sleep(60);
    expect((await h.status(first.node_id)).registration).toMatchObject({ state: 'ACTIVE', attempt: 2 });
    expect(verified.get(first.node_id)).toBeUndefined();
  });

  it('that nobody knows, or that has ended, ends at once and changes nothing', async () => {
    leasesAre(expired);
    const stranger = randomUUID();
    expect(await (await h.suspect(stranger)).result()).toMatchObject({
      state: null,
      reason: expect.stringContaining('nothing to do') as string,
    });
    const { node_id, handle } = await active();
    await h.suspect(node_id);
    await handle.result();
    const published = h.world.types(node_id);
    expect(await (await h.suspect(node_id)).result()).toMatchObject({ state: null, attempt: 1 });
    expect(h.world.types(node_id)).toEqual(published);
  });
});

describe('a suspect whose run is gone', () => {
  it('gets one that adopts the attempt and ends it: published, out of Consul, in the registry, under the same number', async () => {
    leasesAre(expired);
    const { node_id, introspection } = await lost();
    const outcome = await (await h.suspect(node_id)).result();
    expect(outcome).toMatchObject({
      state: 'LIVENESS_EXPIRED',
      attempt: 1,
      reason: 'no heartbeat within 90 s (last one: 2026-01-31T12:00:00.000Z)',
    });
    const last = h.world.of(node_id).at(-1);
    expect(last).toMatchObject({
      event_type: 'NodeLivenessExpired',
      correlation_id: introspection.correlation_id,
      tags: { attempt: '1' },
    });
    expect(h.world.done(node_id).slice(-2).sort()).toEqual(['consul.deregister', 'postgres.update_registration']);
    expect(h.world.rows.get(node_id)).toMatchObject({ state: 'LIVENESS_EXPIRED', attempt: 1, lasting: null });
  });

  it('says the same as its lost run, should that have said it already', async () => {
    leasesAre(expired);
    const { node_id } = await active();
    for (const backend of ['consul.deregister', 'postgres.update_registration'] as const)
      h.world.fail(node_id, backend, 1000);
    const handle = await h.suspect(node_id);
    await h.until(node_id, 'published as expired', () => h.world.types(node_id).at(-1) === 'NodeLivenessExpired');
    const first = h.world.of(node_id).at(-1);
    // Both wait as ordinary activities: no workflow task is open when the run is lost.
    while (((await handle.describe()).raw.pendingActivities ?? []).length < 2)
      await new Promise((resolve) => setTimeout(resolve, 25));
    await handle.terminate('the run is lost');
    h.world.fail(node_id, 'consul.deregister', 0);
    h.world.fail(node_id, 'postgres.update_registration', 0);
    // The row as the lost run left it: its last write never came.
    const { rows } = h.world;
    const row = rows.get(node_id) ?? expect.fail();
    rows.set(node_id, {
      ...row,
      state: 'ACTIVE',
      lasting: {
        state_since: row.introspected_at,
        ack_deadline: null,
        liveness_deadline: null,
      },
    });
    expect(await (await h.suspect(node_id)).result()).toMatchObject({ state: 'LIVENESS_EXPIRED' });
    const both = h.world.of(node_id).filter(({ event_type }) => event_type === 'NodeLivenessExpired');
    expect(both.map(({ id }) => id)).toEqual([first?.id, first?.id]);
  });

  it('but that lives goes on as ACTIVE in the same attempt, without a word to anybody', async () => {
    leasesAre(renewed);
    const { node_id } = await lost();
    const [published, done] = [h.world.types(node_id), h.world.done(node_id)];
    await h.suspect(node_id);
    const { registration } = await h.untilState(node_id, 'ACTIVE');
    expect(registration).toMatchObject({
      attempt: 1,
      reducer: { status: 'complete', consul_confirmed: true, postgres_confirmed: true },
    });
    await h.until(node_id, 'verified', () => verified.get(node_id) === 1);
    expect([h.world.types(node_id), h.world.done(node_id)]).toEqual([published, done]);
    leasesAre(expired);
    expect(await (await h.suspect(node_id)).result()).toMatchObject({ state: 'LIVENESS_EXPIRED', attempt: 1 });
  });

  it('is also adopted by what it says itself: it can leave, and it can begin anew', async () => {
    leasesAre(renewed);
    const leaving = await lost();
    const last = await h.introduce({
      ...leaving.introspection,
      message_id: randomUUID(),
      correlation_id: randomUUID(),
      reason: 'shutdown',
      at: plusSeconds(leaving.introspection.at, 5),
    });
    expect(await last.result()).toMatchObject({ state: 'DEREGISTERED', attempt: 1 });

    const again = await lost();
    await h.introduce({
      ...again.introspection,
      message_id: randomUUID(),
      correlation_id: randomUUID(),
      at: plusSeconds(again.introspection.at, 5),
    });
    expect((await h.untilState(again.node_id, 'AWAITING_ACK')).registration?.attempt).toBe(2);
  });
});
