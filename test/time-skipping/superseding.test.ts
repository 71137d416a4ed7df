import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { plusSeconds } from '../../workflows/core/time.js';
import { SEARCH_ATTRIBUTES } from '../../workflows/messages.js';
import { startHarness, type Harness } from './harness.js';
import { ignoredOf, OVER, RUNNING, type Met } from './situations.js';

/** What begins a new attempt, whatever is going on: a new incarnation, and an operator. */

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

const inAttempt2 = (node_id: string) =>
  h.until(node_id, 'in attempt 2', (status) => status.registration?.attempt === 2);

/** It was published in its order, once for each attempt, and every id once. */
function publishedOnce(node_id: string): void {
  const ids = h.world.of(node_id).map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
}

describe.each(Object.entries(RUNNING))('while %s', (name, situation) => {
  it('a new incarnation supersedes what is going on: a new attempt, and only the new one becomes active', async () => {
    met = await situation.reach(h);
    const { node_id, introspection } = met;
    const published = h.world.types(node_id).length;
    const pending = await met.pending();
    const anew = await met.says('startup', { capabilities: ['anew'] });
    if (situation.waiting === 'all') {
      // The registry row is read first: the answer of a query has seen the signal.
      expect((await h.status(node_id)).registration?.attempt ?? 1).toBe(1);
    } else {
      await inAttempt2(node_id);
      await met.cancelled(pending);
    }
    met.release();
    await inAttempt2(node_id);
    await h.ack(node_id, { correlation_id: introspection.correlation_id });
    const { registration } = await met.becomesActive();
    expect(registration).toMatchObject({
      attempt: 2,
      incarnation: { correlation_id: anew.correlation_id },
      introspection: { capabilities: ['anew'] },
    });
    const later = h.world
      .of(node_id)
      .slice(published)
      .filter(({ correlation_id }) => correlation_id === anew.correlation_id);
    expect(later.map(({ event_type }) => event_type)).toEqual([
      'NodeRegistrationInitiated',
      'NodeRegistrationAccepted',
      'NodeRegistrationAckReceived',
      'NodeBecameActive',
    ]);
    expect(later.every(({ tags }) => tags['attempt'] === '2')).toBe(true);
    publishedOnce(node_id);
    const written = h.world.effects
      .filter(({ request }) => request.node_id === node_id && request.attempt === 2)
      .map(({ activity }) => activity);
    expect(written.sort()).toEqual([
      'consul.pass',
      'consul.register',
      'postgres.update_registration',
      'postgres.upsert_registration',
    ]);
  });

  const repaired = name.startsWith('ACTIVE');
  it(
    repaired
      ? "an operator's retry writes it again, and its attempt stays"
      : "an operator's retry begins a new attempt with the last introspection",
    async () => {
      met = await situation.reach(h);
      const { node_id, introspection } = met;
      const pending = await met.pending();
      // Nothing shows an update whose workflow task is still open, so its call cannot be waited for.
      if (situation.waiting === 'all') setTimeout(met.release, 100);
      if (repaired) {
        expect(await h.retry(node_id)).toBe(1);
        return;
      }
      expect(await h.retry(met.node_id)).toBe(2);
      if (situation.waiting !== 'all') await met.cancelled(pending);
      met.release();
      const { registration } = await met.becomesActive();
      expect(registration).toMatchObject({ attempt: 2, incarnation: { correlation_id: introspection.correlation_id } });
      publishedOnce(node_id);
    },
  );
});

describe.each(Object.entries(OVER))('when it is over: %s', (_, situation) => {
  it('a new incarnation begins again with the next attempt', async () => {
    met = await situation.reach(h);
    const anew = await met.says('startup');
    await inAttempt2(met.node_id);
    met.release();
    const { registration } = await met.becomesActive();
    expect(registration).toMatchObject({
      attempt: 2,
      reason: null,
      incarnation: { correlation_id: anew.correlation_id },
    });
    publishedOnce(met.node_id);
  });

  it("an operator's retry begins again with the last introspection", async () => {
    met = await situation.reach(h);
    expect(await h.retry(met.node_id)).toBe(2);
    met.release();
    await met.becomesActive();
    publishedOnce(met.node_id);
  });
});

describe('which incarnation is newer', () => {
  const epochs = async (first: number | null) => {
    const introspection = await h.introspection({ epoch: first });
    await h.introduce(introspection);
    await h.untilState(introspection.node_id, 'AWAITING_ACK');
    return (changes: { epoch: number | null; at: string }) =>
      h
        .introduce({ ...introspection, message_id: randomUUID(), correlation_id: randomUUID(), ...changes })
        .then(() => introspection.node_id);
  };

  it('is known by the epoch where both have one, however late the older one comes', async () => {
    const at = await h.world.now();
    const comes = await epochs(7);
    const node_id = await comes({ epoch: 6, at: plusSeconds(at, 60) });
    await h.until(node_id, 'ignored', (status) => ignoredOf(status).length === 1);
    await comes({ epoch: 8, at: plusSeconds(at, -60) });
    await inAttempt2(node_id);
    expect(ignoredOf(await h.status(node_id))).toEqual([expect.stringContaining('a stale introspection')]);
  });

  it('is known by the time of the record where one of them has no epoch', async () => {
    const at = await h.world.now();
    const comes = await epochs(7);
    const node_id = await comes({ epoch: null, at: plusSeconds(at, -60) });
    await h.until(node_id, 'ignored', (status) => ignoredOf(status).length === 1);
    await comes({ epoch: null, at: plusSeconds(at, 60) });
    await inAttempt2(node_id);
  });
});

it('a node that comes back as another type is found under that type', async () => {
  const introspection = await h.introspection();
  const handle = await h.introduce(introspection);
  await h.untilState(introspection.node_id, 'AWAITING_ACK');
  await h.introduce({
    ...introspection,
    message_id: randomUUID(),
    correlation_id: randomUUID(),
    node_type: 'compute',
    at: plusSeconds(introspection.at, 1),
  });
  await inAttempt2(introspection.node_id);
  await h.untilState(introspection.node_id, 'AWAITING_ACK');
  expect((await handle.describe()).typedSearchAttributes.get(SEARCH_ATTRIBUTES.node_type)).toBe('compute');
});
