import { afterEach, describe, expect, it } from 'vitest';
import { loadContracts } from '../../src/contracts/load.js';
import type { CompiledContract } from '../../src/contracts/compiled.js';
import { startHarness, type Harness } from './harness.js';

/** The world of these tests refuses what the real one refuses, and what hangs is named. */

const shipped = loadContracts().compiled;
let h: Harness | undefined;
afterEach(async () => {
  await h?.stop();
});

/** As shipped, with an event that has a field which its schema does not know. */
function withSurplusField(): CompiledContract {
  const initiated = shipped.events['emit_registration_initiated'] ?? expect.fail();
  const payload = { ...initiated.payload, surplus: 'a field of nobody' };
  return { ...shipped, events: { ...shipped.events, emit_registration_initiated: { ...initiated, payload } } };
}

describe('an event that its schema refuses', () => {
  it('is not published, and fails the test that looks at the node, and the one that only stops', async () => {
    h = await startHarness(withSurplusField());
    const introspection = await h.introspection();
    await h.introduce(introspection);
    await expect(h.untilState(introspection.node_id, 'AWAITING_ACK')).rejects.toThrow(
      /NodeRegistrationInitiated of .* does not fit its schema: .*surplus/,
    );
    expect(h.world.types(introspection.node_id)).toEqual([]);
    // It is tried again until the worker stops.
    const stopped = h.stop();
    h = undefined;
    await expect(stopped).rejects.toThrow('does not fit its schema');
  });
});

describe('a failure', () => {
  it("of one node's call does not meet another node's call of the same activity", async () => {
    h = await startHarness();
    const [one, other] = [await h.introspection(), await h.introspection()];
    h.world.fail(one.node_id, 'consul.register', 1000);
    await h.introduce(other);
    await h.introduce(one);
    await h.untilState(other.node_id, 'AWAITING_ACK');
    const { registration } = await h.until(
      one.node_id,
      'partial',
      (status) => status.registration?.reducer.status === 'partial',
    );
    expect(registration?.reducer.consul_confirmed).toBe(false);
    expect(h.world.tries.get(`consul.register ${other.node_id}`)).toBe(1);
  });
});

describe('a call that ends the other calls of its run', () => {
  it('is answered when they have ended: what is cancelled while it ends would lock time for the whole file', async () => {
    h = await startHarness();
    const { world } = h;
    const { othersAtRest } = world;
    world.othersAtRest = () => othersAtRest(() => false);
    const introspection = await h.introspection();
    const release = world.hold('postgres.upsert_registration', introspection.node_id);
    world.fence(introspection.node_id, 'consul.register', 7);
    const handle = await h.introduce(introspection);
    await h.until(introspection.node_id, 'registered in both', () => world.inFlight.size > 0);
    release();
    await h.until(introspection.node_id, 'in attempt 8', ({ registration }) => registration?.attempt === 8);
    const { events } = await handle.fetchHistory();
    const scheduled = (id: unknown) =>
      events?.[Number(id) - 1]?.activityTaskScheduledEventAttributes?.activityType?.name;
    const ends = (events ?? []).flatMap(
      ({ activityTaskCompletedEventAttributes: end }) => (end && scheduled(end.scheduledEventId)) ?? [],
    );
    expect(ends.slice(0, 2)).toEqual(['postgres.upsert_registration', 'consul.register']);
    expect((events ?? []).filter((event) => event.activityTaskCancelRequestedEventAttributes)).toEqual([]);
  });
});

describe('a harness that does not stop', () => {
  it('says which call holds it up', async () => {
    const stuck = await startHarness(shipped, 1);
    h = undefined;
    const { node_id, ...introspection } = await stuck.introspection();
    const release = stuck.world.hold('consul.register', node_id);
    await stuck.introduce({ ...introspection, node_id });
    await stuck.until(node_id, 'held', () => stuck.world.inFlight.size > 0);
    await expect(stuck.stop()).rejects.toThrow(
      new RegExp(`the worker did not stop within 1 s: it is [A-Z]+, calls held in flight: consul.register ${node_id}`),
    );
    release();
  });
});
