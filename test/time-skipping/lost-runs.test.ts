import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { REPAIR_SIGNAL, workflowId, WORKFLOW_TYPE } from '../../workflows/messages.js';
import { startHarness, TASK_QUEUE, type Harness } from './harness.js';

let h: Harness;
beforeAll(async () => {
  h = await startHarness();
  // Nobody expires here: these tests are about runs that are lost, and not about nodes that are silent.
  h.world.lease = (_, now) => ({ outcome: 'renewed', deadline: now });
});
afterAll(async () => {
  await h.stop();
});

/** A node that is registered, waits for its ack, and whose run is gone then. */
async function lostBeforeItsAck() {
  const introspection = await h.introspection();
  const handle = await h.introduce(introspection);
  await h.untilState(introspection.node_id, 'AWAITING_ACK');
  await handle.terminate('the run is lost');
  return introspection;
}

async function active() {
  const introspection = await h.introspection();
  const handle = await h.introduce(introspection);
  await h.untilState(introspection.node_id, 'AWAITING_ACK');
  await h.ack(introspection.node_id);
  await h.untilState(introspection.node_id, 'ACTIVE');
  return { node_id: introspection.node_id, introspection, handle };
}

const attemptIs = (node_id: string, attempt: number, state: string) =>
  h.until(
    node_id,
    `registration attempt ${attempt} in ${state}`,
    ({ registration: node }) => node?.attempt === attempt && node.state === state && node.entering === null,
  );

/** As the sweep does it for an attempt that neither ended nor has a lease. */
const repair = (node_id: string) =>
  h.env.client.workflow.signalWithStart(WORKFLOW_TYPE, {
    workflowId: workflowId(node_id),
    taskQueue: TASK_QUEUE,
    args: [{ node_id }],
    signal: REPAIR_SIGNAL,
  });

describe('an attempt that has not ended, and whose run is gone before the node was active', () => {
  it("begins again by the node's own repeat, with the same correlation_id, and becomes active by its ack", async () => {
    const introspection = await lostBeforeItsAck();
    await h.introduce({ ...introspection, message_id: randomUUID(), at: await h.world.now() });
    const { registration, journal } = await attemptIs(introspection.node_id, 2, 'AWAITING_ACK');
    expect(registration?.incarnation?.correlation_id).toBe(introspection.correlation_id);
    expect(journal.map(({ what }) => what)).toContain(
      'the run of registration attempt 1 is gone, and the attempt has not ended: it begins again',
    );
    await h.ack(introspection.node_id);
    await attemptIs(introspection.node_id, 2, 'ACTIVE');
    expect(h.world.rows.get(introspection.node_id)).toMatchObject({ state: 'ACTIVE', attempt: 2 });
  });

  it('begins again by a repair, which says nothing of the node', async () => {
    const { node_id } = await lostBeforeItsAck();
    await repair(node_id);
    await attemptIs(node_id, 2, 'AWAITING_ACK');
  });

  it('is ended by its node that leaves, and takes nothing up again', async () => {
    const introspection = await lostBeforeItsAck();
    const goodbye = { correlation_id: randomUUID(), reason: 'shutdown', at: await h.world.now() } as const;
    const handle = await h.introduce({ ...introspection, ...goodbye });
    expect(await handle.result()).toMatchObject({ state: 'DEREGISTERED', attempt: 1, reason: 'the node left' });
    expect(h.world.done(introspection.node_id).slice(-2).sort()).toEqual([
      'consul.deregister',
      'postgres.update_registration',
    ]);
  });

  it('gives way to a newer startup', async () => {
    const introspection = await lostBeforeItsAck();
    const newer = { correlation_id: randomUUID(), node_version: '2.0.0', at: await h.world.now() };
    await h.introduce({ ...introspection, ...newer });
    const { registration } = await attemptIs(introspection.node_id, 2, 'AWAITING_ACK');
    expect(registration?.introspection?.node_version).toBe('2.0.0');
  });
});

describe('a repair', () => {
  it('writes an active node again to both backends, with its lease, and publishes nothing', async () => {
    const { node_id } = await active();
    const before = h.world.effects.length;
    const published = h.world.of(node_id).length;
    await repair(node_id);
    await h.until(node_id, 'written again', () => h.world.effects.length >= before + 2);
    const again = h.world.effects.slice(before).map(({ request }) => request);
    expect(again.map(({ intent }) => intent.payload)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ intent_type: 'consul.refresh', passing: true }),
        expect.objectContaining({
          intent_type: 'postgres.refresh_registration',
          state: 'ACTIVE',
          lease: 'open',
          ended: false,
        }),
      ]),
    );
    expect(again.map(({ attempt }) => attempt)).toEqual([1, 1]);
    expect(h.world.of(node_id)).toHaveLength(published);
  });

  it('of a node that waits for its ack leaves it undiscoverable and without a lease', async () => {
    const introspection = await h.introspection();
    const { node_id } = introspection;
    await h.introduce(introspection);
    await h.untilState(node_id, 'AWAITING_ACK');
    const before = h.world.effects.length;
    await repair(node_id);
    await h.until(node_id, 'written again', () => h.world.effects.length >= before + 2);
    const payloads = h.world.effects.slice(before).map(({ request }) => request.intent.payload);
    expect(payloads).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ intent_type: 'consul.refresh', passing: false }),
        expect.objectContaining({ intent_type: 'postgres.refresh_registration', state: 'AWAITING_ACK', lease: null }),
      ]),
    );
  });

  it('changes nothing of a node that is being registered, and starts nothing for one that nobody knows', async () => {
    const introspection = await h.introspection();
    const { node_id } = introspection;
    h.world.fail(node_id, 'consul.register', 1000);
    await h.introduce(introspection);
    await h.until(node_id, 'partial', ({ registration: node }) => node?.reducer.status === 'partial');
    await repair(node_id);
    await h.until(node_id, 'asked', ({ journal }) => journal.some(({ what }) => what.startsWith('ignored a repair')));
    h.world.fail(node_id, 'consul.register', 0);
    await h.untilState(node_id, 'AWAITING_ACK');
    expect(h.world.done(node_id)).toEqual(['postgres.upsert_registration', 'consul.register']);

    const nobody = await repair(`nobody-${randomUUID()}`);
    expect(await nobody.result()).toMatchObject({ state: null, attempt: 0 });
  });

  it('by an operator who retries an active node answers its attempt, which stays', async () => {
    const { node_id } = await active();
    const before = h.world.effects.length;
    expect(await h.retry(node_id)).toBe(1);
    await h.until(node_id, 'written again', () => h.world.effects.length >= before + 2);
    expect(await h.status(node_id)).toMatchObject({ registration: { state: 'ACTIVE', attempt: 1 } });
  });
});

describe('a run that is cancelled', () => {
  it('takes its node out, with the reason, and only then ends', async () => {
    const { node_id, handle } = await active();
    await handle.cancel();
    expect(await handle.result()).toMatchObject({
      state: 'DEREGISTERED',
      reason: 'its registration run was cancelled',
    });
    expect(h.world.done(node_id).slice(-2).sort()).toEqual(['consul.deregister', 'postgres.update_registration']);
    expect(h.world.rows.get(node_id)).toMatchObject({ state: 'DEREGISTERED', lasting: null, unfinished: false });
  });

  it('while a backend is away lets go of what it waits for', async () => {
    const introspection = await h.introspection();
    h.world.fail(introspection.node_id, 'consul.register', 1000);
    const handle = await h.introduce(introspection);
    await h.until(introspection.node_id, 'partial', ({ registration: node }) => node?.reducer.status === 'partial');
    await handle.cancel();
    expect(await handle.result()).toMatchObject({ state: 'DEREGISTERED', attempt: 1 });
  });

  it('lets a node come back that still repeats its startup: no event announced that its attempt has ended', async () => {
    const introspection = await h.introspection();
    const { node_id } = introspection;
    h.world.fail(node_id, 'consul.register', 1000);
    const handle = await h.introduce(introspection);
    await h.until(node_id, 'partial', ({ registration: node }) => node?.reducer.status === 'partial');
    const before = await h.world.now();
    await handle.cancel();
    await handle.result();
    h.world.fail(node_id, 'consul.register', 0);

    const from = async (at: string) => h.introduce({ ...introspection, message_id: randomUUID(), at });
    // Said before the end, and read after it.
    expect(await (await from(before)).result()).toMatchObject({ state: null, attempt: 1 });
    await h.sleep(1);
    await from(await h.world.now());
    await attemptIs(node_id, 2, 'AWAITING_ACK');
    await h.ack(node_id);
    await attemptIs(node_id, 2, 'ACTIVE');
  });

  it('lets the same node come back', async () => {
    const { introspection, handle } = await active();
    await handle.cancel();
    await handle.result();
    const again = { correlation_id: randomUUID(), message_id: randomUUID(), at: await h.world.now() };
    await h.introduce({ ...introspection, ...again });
    await attemptIs(introspection.node_id, 2, 'AWAITING_ACK');
  });
});
