import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SUSPECT_SIGNAL } from '../../workflows/messages.js';
import { plusSeconds } from '../../workflows/core/time.js';
import { startHarness, type Harness } from './harness.js';

let h: Harness;
beforeAll(async () => {
  h = await startHarness();
});
afterEach(() => {
  h.world.acksReadAfter = null;
  h.world.acksLag = 0;
});
afterAll(async () => {
  await h.stop();
});

async function awaitingAck() {
  const introspection = await h.introspection();
  const { node_id, correlation_id } = introspection;
  const handle = await h.introduce(introspection);
  const { registration } = await h.untilState(node_id, 'AWAITING_ACK');
  return { node_id, correlation_id, introspection, handle, ack_deadline: registration?.ack_deadline ?? '' };
}

const inRound = (node_id: string, round: number) =>
  h.until(
    node_id,
    `in round ${round}`,
    ({ registration }) => registration?.round === round && registration.state === 'AWAITING_ACK',
  );
const ignored = async (node_id: string, why: RegExp) =>
  h.until(node_id, `journal has ${why}`, ({ journal }) => journal.some(({ what }) => why.test(what)));

describe('an ack', () => {
  it('that comes too early, before the node is accepted, does not count; the next one does', async () => {
    const introspection = await h.introspection();
    const { node_id } = introspection;
    const release = h.world.hold('consul.register', node_id);
    await h.introduce(introspection);
    await h.until(node_id, 'partial', ({ registration }) => registration?.reducer.status === 'partial');
    await h.ack(node_id);
    await ignored(node_id, /^ignored an ack in state PENDING_REGISTRATION/);
    release();
    const { journal } = await h.untilState(node_id, 'AWAITING_ACK');
    expect(journal.some(({ what }) => what.includes('ACK_RECEIVED'))).toBe(false);
    await h.ack(node_id);
    await h.untilState(node_id, 'ACTIVE');
  });

  it('that comes while accepted is still being recorded as published counts', async () => {
    const introspection = await h.introspection();
    const { node_id } = introspection;
    const [releaseConsul, releaseKafka] = [
      h.world.hold('consul.register', node_id),
      h.world.hold('publish_events', node_id),
    ];
    await h.introduce(introspection);
    await h.until(
      node_id,
      'on its way',
      ({ registration }) => registration?.entering?.state === 'PENDING_REGISTRATION',
    );
    releaseKafka();
    await h.until(node_id, 'partial', ({ registration }) => registration?.reducer.status === 'partial');
    const releaseAccepted = h.world.hold('publish_events', node_id);
    releaseConsul();
    const { registration } = await h.until(node_id, 'ACCEPTED', (status) => status.registration?.state === 'ACCEPTED');
    expect(registration?.entering?.state).toBe('AWAITING_ACK');
    await h.ack(node_id);
    releaseAccepted();
    await h.untilState(node_id, 'ACTIVE');
  });

  it('without a time of its own, through the client, counts by the time at which it arrives', async () => {
    const { node_id, ack_deadline } = await awaitingAck();
    await h.ack(node_id, { at: null });
    const { registration } = await h.untilState(node_id, 'ACTIVE');
    const ackedAt = plusSeconds(
      registration?.liveness_deadline ?? '',
      -h.world.contract.liveness.first_deadline_seconds,
    );
    expect(ackedAt <= ack_deadline && ackedAt >= plusSeconds(ack_deadline, -30)).toBe(true);
  });

  it('that was late for its round counts in the next one, in which it is waited for', async () => {
    const { node_id, ack_deadline } = await awaitingAck();
    await h.sleep(31);
    await inRound(node_id, 2);
    await h.ack(node_id, { at: plusSeconds(ack_deadline, 0.5) });
    await h.untilState(node_id, 'ACTIVE');
  });

  it('counts in the last round', async () => {
    const { node_id } = await awaitingAck();
    await h.sleep(31);
    await inRound(node_id, 2);
    await h.sleep(31);
    const { registration } = await inRound(node_id, 3);
    expect(registration).toMatchObject({
      attempt: 1,
      reason: expect.stringContaining('no acknowledgement by') as string,
    });
    await h.ack(node_id);
    // An ACTIVE node is not shown with why it was not.
    expect((await h.untilState(node_id, 'ACTIVE')).registration?.reason).toBeNull();
    expect(
      h.world
        .of(node_id)
        .filter(({ event_type }) => event_type === 'NodeRegistrationAckTimedOut')
        .map(({ tags }) => tags['ack_rounds_left']),
    ).toEqual(['2', '1']);
    const ids = h.world.of(node_id).map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('that comes while the last timeout is being recorded ends nothing and revives nobody', async () => {
    const { node_id, handle } = await awaitingAck();
    const release = h.world.hold('postgres.update_registration', node_id);
    await h.sleep(31);
    await inRound(node_id, 2);
    await h.sleep(31);
    await inRound(node_id, 3);
    await h.sleep(31);
    await h.until(node_id, 'ending', ({ registration }) => registration?.entering?.ending === true);
    await h.ack(node_id);
    await ignored(node_id, /^ignored an ack in state ACK_TIMED_OUT/);
    release();
    expect(await handle.result()).toMatchObject({ state: 'ACK_TIMED_OUT', attempt: 1 });
    expect(h.world.types(node_id)).not.toContain('NodeBecameActive');
  });

  it('of the attempt before does not count for the one that superseded it', async () => {
    const { node_id, correlation_id, introspection } = await awaitingAck();
    await h.introduce({
      ...introspection,
      message_id: randomUUID(),
      correlation_id: randomUUID(),
      at: plusSeconds(introspection.at, 1),
    });
    await h.until(
      node_id,
      'in attempt 2',
      ({ registration }) => registration?.attempt === 2 && registration.state === 'AWAITING_ACK',
    );
    await h.ack(node_id, { correlation_id });
    const { registration } = await ignored(
      node_id,
      new RegExp(`^ignored an ack with correlation_id ${correlation_id}`),
    );
    expect(registration).toMatchObject({ state: 'AWAITING_ACK', attempt: 2 });
  });
});

describe("an ack's deadline", () => {
  it('is over as soon as the ack topic has been read past it, though reading it is always a little behind', async () => {
    h.world.acksLag = 5;
    const { node_id, ack_deadline } = await awaitingAck();
    await h.sleep(40);
    await inRound(node_id, 2);
    const timedOut = h.world.of(node_id).find(({ event_type }) => event_type === 'NodeRegistrationAckTimedOut');
    expect(timedOut?.payload).toMatchObject({ deadline_at: ack_deadline, previous_state: 'AWAITING_ACK' });
    expect((timedOut?.sent_at ?? '') >= plusSeconds(ack_deadline, 5)).toBe(true);
  });

  it('is not over sooner because somebody suspects the node', async () => {
    const { node_id, handle } = await awaitingAck();
    await handle.signal(SUSPECT_SIGNAL);
    await h.sleep(20);
    const { registration } = await h.status(node_id);
    expect(registration).toMatchObject({ state: 'AWAITING_ACK', round: 1 });
    expect(h.world.types(node_id)).not.toContain('NodeRegistrationAckTimedOut');
    await h.ack(node_id);
    await h.untilState(node_id, 'ACTIVE');
  });
});
