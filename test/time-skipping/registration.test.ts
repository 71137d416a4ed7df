import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { plusSeconds } from '../../workflows/core/time.js';
import { startHarness, type Harness } from './harness.js';

let h: Harness;
beforeAll(async () => {
  h = await startHarness();
});
afterAll(async () => {
  await h.stop();
});

/** A node that has been accepted and whose ack is waited for. */
async function awaitingAck() {
  const introspection = await h.introspection();
  const handle = await h.introduce(introspection);
  const { registration } = await h.untilState(introspection.node_id, 'AWAITING_ACK');
  return { node_id: introspection.node_id, introspection, handle, ack_deadline: registration?.ack_deadline ?? '' };
}

async function active() {
  const node = await awaitingAck();
  await h.ack(node.node_id);
  await h.untilState(node.node_id, 'ACTIVE');
  return node;
}

describe('a node that introduces itself', () => {
  it('is registered in both backends, accepted, and active once it has acknowledged', async () => {
    const { node_id, introspection } = await active();
    expect(h.world.types(node_id)).toEqual([
      'NodeRegistrationInitiated',
      'NodeRegistrationAccepted',
      'NodeRegistrationAckReceived',
      'NodeBecameActive',
    ]);
    expect(h.world.done(node_id).slice(0, 2).sort()).toEqual(['consul.register', 'postgres.upsert_registration']);
    expect(h.world.done(node_id).slice(2).sort()).toEqual(['consul.pass', 'postgres.update_registration']);

    const [initiated, accepted, acked, became] = h.world.of(node_id);
    expect(initiated?.causation_id).toBe(introspection.message_id);
    expect(accepted?.causation_id).toBe(initiated?.id);
    expect(became?.causation_id).toBe(acked?.id);
    expect(new Set(h.world.of(node_id).map((event) => event.correlation_id))).toEqual(
      new Set([introspection.correlation_id]),
    );
    expect(became?.payload).toEqual({ capabilities: ['registration.storage'] });
  });

  it.each(['process-1', undefined])('is known to both backends by its process: %s', async (instance_id) => {
    const introspection = await h.introspection(instance_id === undefined ? {} : { instance_id });
    await h.introduce(introspection);
    await h.untilState(introspection.node_id, 'AWAITING_ACK');
    const requests = h.world.effects.flatMap(({ request }) =>
      request.node_id === introspection.node_id ? [request] : [],
    );
    expect(requests).toHaveLength(2);
    const whose = requests.map((request) => ('instance_id' in request ? request.instance_id : 'none'));
    expect(whose).toEqual([instance_id ?? 'none', instance_id ?? 'none']);
  });

  it('goes through the states of the specification, in their order', async () => {
    const { node_id } = await active();
    const { journal } = await h.status(node_id);
    const states = journal
      .map((entry) => entry.what)
      .filter((what) => what.includes(' -> '))
      .map((what) => what.split(' -> ')[1]);
    expect(states).toEqual(['PENDING_REGISTRATION', 'ACCEPTED', 'AWAITING_ACK', 'ACK_RECEIVED', 'ACTIVE']);
  });

  it('is accepted only when both backends have confirmed', async () => {
    const introspection = await h.introspection();
    h.world.fail(introspection.node_id, 'postgres.upsert_registration', 3);
    await h.introduce(introspection);
    const partial = await h.until(
      introspection.node_id,
      'partial',
      ({ registration }) => registration?.reducer.status === 'partial',
    );
    expect(partial.registration).toMatchObject({
      state: 'PENDING_REGISTRATION',
      reducer: { consul_confirmed: true, postgres_confirmed: false },
    });
    expect(h.world.types(introspection.node_id)).toEqual(['NodeRegistrationInitiated']);
    await h.sleep(20);
    await h.untilState(introspection.node_id, 'AWAITING_ACK');
    expect(h.world.done(introspection.node_id)).toEqual(['consul.register', 'postgres.upsert_registration']);
  });
});

describe('while Kafka takes no event', () => {
  it('a node that leaves is taken out of both backends, and its run ends when the send before has ended', async () => {
    const introspection = await h.introspection();
    const { node_id } = introspection;
    const release = h.world.hold('publish_events', node_id);
    const handle = await h.introduce(introspection);
    await h.until(node_id, 'publishing', () => h.world.inFlight.has(`publish_events ${node_id}`));
    const at = plusSeconds(introspection.at, 1);
    const goodbye = { message_id: randomUUID(), correlation_id: randomUUID(), reason: 'shutdown' as const, at };
    await h.introduce({ ...introspection, ...goodbye });
    await h.until(node_id, 'out of Consul', () => h.world.done(node_id).includes('consul.deregister'));
    expect((await handle.describe()).status.name).toBe('RUNNING');
    release();
    expect(await handle.result()).toMatchObject({ state: 'DEREGISTERED', attempt: 1 });
    expect(h.world.types(node_id).at(-1)).toBe('NodeDeregistered');
  });
});

describe('while a backend of the orchestrator is away', () => {
  it.each(['open_attempt', 'publish_events'] as const)(
    '%s goes on as an ordinary activity, where its failures can be seen, and the node becomes active',
    async (activity) => {
      const introspection = await h.introspection();
      h.world.fail(introspection.node_id, activity, 4);
      const handle = await h.introduce(introspection);
      await h.sleep(30);
      await h.untilState(introspection.node_id, 'AWAITING_ACK');
      const { events } = await handle.fetchHistory();
      const scheduled = (events ?? []).flatMap(
        (event) => event.activityTaskScheduledEventAttributes?.activityType?.name ?? [],
      );
      expect(scheduled).toContain(activity);
      await h.ack(introspection.node_id);
      await h.untilState(introspection.node_id, 'ACTIVE');
    },
  );
});

describe('an ack', () => {
  it('counts at the very deadline', async () => {
    const { node_id, ack_deadline } = await awaitingAck();
    await h.ack(node_id, { at: ack_deadline });
    await h.untilState(node_id, 'ACTIVE');
  });

  it('does not count after its deadline, by its own time', async () => {
    const { node_id, ack_deadline } = await awaitingAck();
    await h.ack(node_id, { at: plusSeconds(ack_deadline, 0.001) });
    const { registration } = await h.until(node_id, 'ignored as late', ({ journal }) =>
      journal.some(({ what }) => what.includes('after its deadline')),
    );
    expect(registration?.state).toBe('AWAITING_ACK');
  });

  it('counts when it was sent in time and delivered late, as long as its topic had not been read', async () => {
    const { node_id, ack_deadline } = await awaitingAck();
    h.world.acksReadAfter = plusSeconds(ack_deadline, 600);
    // No look is near when the ack comes: see docs/decisions/races-the-test-server-loses.md.
    h.world.acksAgainInSeconds = 600;
    await h.sleep(60);
    await h.until(node_id, 'waiting for the ack topic', ({ journal }) =>
      journal.some(({ what }) => what.includes('ack topic')),
    );
    await h.ack(node_id, { at: ack_deadline });
    await h.untilState(node_id, 'ACTIVE');
    h.world.acksReadAfter = null;
    h.world.acksAgainInSeconds = 1;
  });

  it('counts in a later round', async () => {
    const { node_id } = await awaitingAck();
    await h.sleep(31);
    const { registration } = await h.until(
      node_id,
      'in round 2',
      (status) => status.registration?.round === 2 && status.registration.state === 'AWAITING_ACK',
    );
    expect(registration?.attempt).toBe(1);
    await h.ack(node_id);
    await h.untilState(node_id, 'ACTIVE');
    expect(h.world.types(node_id)).toEqual([
      'NodeRegistrationInitiated',
      'NodeRegistrationAccepted',
      'NodeRegistrationAckTimedOut',
      'NodeRegistrationAccepted',
      'NodeRegistrationAckReceived',
      'NodeBecameActive',
    ]);
    expect(new Set(h.world.of(node_id).map((event) => event.id)).size).toBe(6);
  });

  it('with another correlation_id, or twice, does nothing', async () => {
    const { node_id } = await awaitingAck();
    await h.ack(node_id, { correlation_id: randomUUID() });
    await h.ack(node_id);
    await h.ack(node_id);
    const { journal } = await h.until(
      node_id,
      'active',
      ({ registration, journal: entries }) =>
        registration?.state === 'ACTIVE' && entries.some(({ what }) => what.includes('an ack in state')),
    );
    expect(journal.filter(({ what }) => what.startsWith('ignored'))).toHaveLength(2);
    expect(h.world.types(node_id).filter((type) => type === 'NodeBecameActive')).toHaveLength(1);
  });

  it('that never comes ends the attempt after the last round, out of Consul and with the reason in the registry row', async () => {
    const { node_id, handle } = await awaitingAck();
    const outcome = await handle.result();
    expect(outcome).toMatchObject({ state: 'ACK_TIMED_OUT', attempt: 1 });
    expect(outcome.reason).toMatch(/no acknowledgement by .* \(round 3 of 3\)/);
    expect(h.world.types(node_id).filter((type) => type === 'NodeRegistrationAckTimedOut')).toHaveLength(3);
    expect(h.world.of(node_id).at(-1)?.tags).toMatchObject({ ack_rounds_left: '0' });
    expect(h.world.done(node_id)).toContain('consul.deregister');
    expect(h.world.rows.get(node_id)).toMatchObject({ state: 'ACK_TIMED_OUT', reason: outcome.reason });
  });
});

describe('an active node', () => {
  it('whose lease has expired is published as such and taken out', async () => {
    const { node_id, handle } = await active();
    const outcome = await handle.result();
    expect(outcome.state).toBe('LIVENESS_EXPIRED');
    expect(h.world.types(node_id).at(-1)).toBe('NodeLivenessExpired');
    expect(h.world.rows.get(node_id)).toMatchObject({ state: 'LIVENESS_EXPIRED' });
  });

  it('stays active while its lease is renewed, and while it cannot be verified', async () => {
    let asked = 0;
    h.world.lease = (_, now) => {
      asked += 1;
      return asked % 2 === 0
        ? { outcome: 'unknown', why: 'the stream is behind', again_in_seconds: 90 }
        : { outcome: 'renewed', deadline: plusSeconds(now, 90) };
    };
    const { node_id } = await active();
    await h.sleep(100 * 3600);
    const { registration } = await h.status(node_id);
    expect(registration?.state).toBe('ACTIVE');
    // Every three hours it is renewed, and as often it has to be asked for again 90 s later.
    expect(asked).toBeGreaterThan(60);
    h.world.lease = () => ({ outcome: 'expired', last_heartbeat_at: null });
  });

  it('leaves when it says so', async () => {
    const { handle, introspection } = await active();
    await h.introduce({
      ...introspection,
      message_id: randomUUID(),
      correlation_id: randomUUID(),
      reason: 'shutdown',
      at: await h.world.now(),
    });
    expect(await handle.result()).toMatchObject({ state: 'DEREGISTERED', reason: 'the node left' });
    expect(h.world.done(introspection.node_id).slice(-2).sort()).toEqual([
      'consul.deregister',
      'postgres.update_registration',
    ]);
  });
});

describe('a node that comes again', () => {
  it('as a new incarnation supersedes what is going on, in any state, with a higher attempt', async () => {
    const first = await h.introspection();
    h.world.fail(first.node_id, 'consul.register', 1000);
    await h.introduce(first);
    await h.until(first.node_id, 'partial', ({ registration }) => registration?.reducer.status === 'partial');
    const second = { ...first, message_id: randomUUID(), correlation_id: randomUUID(), at: plusSeconds(first.at, 5) };
    h.world.fail(first.node_id, 'consul.register', 0);
    await h.introduce(second);
    const { registration } = await h.untilState(first.node_id, 'AWAITING_ACK');
    expect(registration).toMatchObject({ attempt: 2, incarnation: { correlation_id: second.correlation_id } });
    await h.ack(first.node_id, { correlation_id: first.correlation_id });
    await h.ack(first.node_id);
    await h.untilState(first.node_id, 'ACTIVE');
    const accepted = h.world.of(first.node_id).filter((event) => event.event_type === 'NodeRegistrationAccepted');
    expect(accepted.map((event) => event.correlation_id)).toEqual([second.correlation_id]);
  });

  it('with the same correlation_id, or an older time, is the same node and does nothing', async () => {
    const { node_id, introspection } = await active();
    await h.introduce({ ...introspection, message_id: randomUUID() });
    await h.introduce({
      ...introspection,
      message_id: randomUUID(),
      correlation_id: randomUUID(),
      at: plusSeconds(introspection.at, -60),
    });
    const { registration } = await h.until(
      node_id,
      'asked twice',
      ({ journal }) => journal.filter(({ what }) => what.startsWith('ignored')).length === 2,
    );
    expect(registration).toMatchObject({ attempt: 1, state: 'ACTIVE' });
  });

  it('with changed data brings them to the backends, publishes nothing and stays active', async () => {
    const { node_id, introspection } = await active();
    const published = h.world.types(node_id);
    await h.introduce({
      ...introspection,
      message_id: randomUUID(),
      correlation_id: randomUUID(),
      reason: 'capability_change',
      capabilities: ['batch'],
      at: plusSeconds(introspection.at, 5),
    });
    await h.until(node_id, 'refreshed', () => h.world.done(node_id).length === 6);
    expect(h.world.done(node_id).slice(4).sort()).toEqual(['consul.register', 'postgres.update_registration']);
    expect(h.world.effects.at(-1)?.request.attempt).toBe(1);
    expect(h.world.types(node_id)).toEqual(published);
    await h.untilState(node_id, 'ACTIVE');
  });

  it('after its end begins again with a higher attempt, however old the run', async () => {
    const { node_id, handle, introspection } = await active();
    await handle.result();
    await h.introduce({
      ...introspection,
      message_id: randomUUID(),
      correlation_id: randomUUID(),
      at: await h.world.now(),
    });
    const { registration } = await h.untilState(node_id, 'AWAITING_ACK');
    expect(registration?.attempt).toBe(2);
  });

  it('too late, from before its end, resurrects nobody', async () => {
    const { handle, introspection } = await active();
    await handle.result();
    const late = await h.introduce({ ...introspection, message_id: randomUUID() });
    expect(await late.result()).toMatchObject({
      state: null,
      reason: expect.stringContaining('nothing to do') as string,
    });
  });
});

describe('a node that cannot be registered', () => {
  it('because a backend refuses for good is rejected with that reason, and undone in the other', async () => {
    const { node_id } = await h.introspection();
    const message = 'permission denied for table node_registrations';
    h.world.fail(node_id, 'postgres.upsert_registration', 1, message, 'BackendRefused');
    const handle = await h.introduce(await h.introspection({ node_id }));
    const outcome = await handle.result();
    expect(outcome).toMatchObject({
      state: 'REJECTED',
      reason: 'postgres: permission denied for table node_registrations',
    });
    expect(h.world.of(node_id).at(-1)).toMatchObject({
      event_type: 'NodeRegistrationRejected',
      payload: { rejection_reason: outcome.reason },
    });
    expect(h.world.done(node_id)).toEqual(
      expect.arrayContaining(['consul.register', 'consul.deregister', 'postgres.update_registration']),
    );
    expect(h.world.rows.get(node_id)).toMatchObject({ state: 'REJECTED', reason: outcome.reason });
  });

  it('leaves while its registration is under way, and stays out', async () => {
    const first = await h.introspection();
    h.world.fail(first.node_id, 'consul.register', 1000);
    const handle = await h.introduce(first);
    await h.until(first.node_id, 'partial', ({ registration }) => registration?.reducer.status === 'partial');
    await h.introduce({
      ...first,
      message_id: randomUUID(),
      correlation_id: randomUUID(),
      reason: 'shutdown',
      at: plusSeconds(first.at, 1),
    });
    expect(await handle.result()).toMatchObject({ state: 'DEREGISTERED' });
    h.world.fail(first.node_id, 'consul.register', 0);
    expect(h.world.done(first.node_id)).not.toContain('consul.register');
  });

  it('goes on above the attempt that a backend holds, when the registry row was lost', async () => {
    const first = await h.introspection();
    h.world.fence(first.node_id, 'consul.register', 7);
    await h.introduce(first);
    const { registration } = await h.untilState(first.node_id, 'AWAITING_ACK');
    expect(registration?.attempt).toBe(8);
  });
});

describe("an operator's retry", () => {
  it('replays the last introspection of an ended node as a new attempt', async () => {
    const { node_id, handle } = await awaitingAck();
    expect(await handle.result()).toMatchObject({ state: 'ACK_TIMED_OUT' });
    expect(await h.retry(node_id)).toBe(2);
    await h.untilState(node_id, 'AWAITING_ACK');
    await h.ack(node_id);
    await h.untilState(node_id, 'ACTIVE');
  });

  it('of a node that never introduced itself is refused', async () => {
    await expect(h.retry(randomUUID())).rejects.toMatchObject({
      cause: { message: expect.stringContaining('never introduced itself') as string },
    });
  });
});
