import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { LeaseQuestion } from '../../activities/api.js';
import { loadContracts } from '../../src/contracts/load.js';
import { plusSeconds } from '../../workflows/core/time.js';
import { SUSPECT_SIGNAL } from '../../workflows/messages.js';
import { contractDirectory } from '../unit/contracts/contract-files.js';
import { startHarness, type Harness } from './harness.js';

/** As where a sweep runs: it wakes a node's workflow, which by itself would look only every three hours. */
let h: Harness;
beforeAll(async () => {
  h = await startHarness(
    loadContracts(contractDirectory({ orchestrator: 'timers: [{ timer: "liveness", seconds: 10800 }]' })).compiled,
  );
});
afterEach(() => {
  h.world.failures.clear();
});
afterAll(async () => {
  await h.stop();
});

const expired = { outcome: 'expired', last_heartbeat_at: '2026-01-01T00:00:00.000Z' } as const;

async function becomesActive(node_id: string) {
  await h.untilState(node_id, 'AWAITING_ACK');
  await h.ack(node_id);
  return h.untilState(node_id, 'ACTIVE');
}

async function active() {
  const introspection = await h.introspection();
  const handle = await h.introduce(introspection);
  const { registration } = await becomesActive(introspection.node_id);
  return { node_id: introspection.node_id, introspection, handle, registration };
}

const verified = ({ node_id }: { node_id: string }) => h.world.tries.get(`verify_lease ${node_id}`) ?? 0;

describe('a node', () => {
  it('that has not beaten so far is given its first deadline from when it was said to be active, however late', async () => {
    const asked: LeaseQuestion[] = [];
    h.world.lease = (_, __, question) => {
      asked.push(question);
      return expired;
    };
    const introspection = await h.introspection();
    const { node_id } = introspection;
    const handle = await h.introduce(introspection);
    await h.untilState(node_id, 'AWAITING_ACK');
    h.world.fail(node_id, 'consul.pass', 12);
    await h.ack(node_id);
    await h.sleep(300);
    const { registration } = await h.untilState(node_id, 'ACTIVE');
    await handle.signal(SUSPECT_SIGNAL);
    await handle.result();
    const since = registration?.since ?? expect.fail('it was never active');
    expect(Date.parse(since) - Date.parse(introspection.at)).toBeGreaterThan(45_000);
    expect(asked[0]).toMatchObject({ node_id, first_deadline: plusSeconds(since, 30) });
  });

  it('expires, returns as the next attempt, and expires again: each attempt by itself', async () => {
    h.world.lease = () => expired;
    const { node_id, introspection, handle } = await active();
    expect(await handle.result()).toMatchObject({
      state: 'LIVENESS_EXPIRED',
      attempt: 1,
      reason: `no heartbeat within 90 s (last one: ${expired.last_heartbeat_at})`,
    });
    const again = await h.introduce({
      ...introspection,
      message_id: randomUUID(),
      correlation_id: `${node_id}-2`,
      at: await h.world.now(),
    });
    await becomesActive(node_id);
    expect(await again.result()).toMatchObject({ state: 'LIVENESS_EXPIRED', attempt: 2 });
    const life = [
      'NodeRegistrationInitiated',
      'NodeRegistrationAccepted',
      'NodeRegistrationAckReceived',
      'NodeBecameActive',
      'NodeLivenessExpired',
    ];
    expect(h.world.types(node_id)).toEqual([...life, ...life]);
    expect(
      h.world
        .of(node_id)
        .filter(({ event_type }) => event_type === 'NodeLivenessExpired')
        .map(({ tags, payload }) => [tags['attempt'], payload['last_heartbeat_at']]),
    ).toEqual([
      ['1', expired.last_heartbeat_at],
      ['2', expired.last_heartbeat_at],
    ]);
    expect(new Set(h.world.of(node_id).map(({ id }) => id)).size).toBe(10);
    expect(h.world.done(node_id).filter((activity) => activity === 'consul.deregister')).toHaveLength(2);
  });

  it('has 30 s from its ack until its first deadline, and its lease is opened with it', async () => {
    const { node_id, introspection } = await active();
    const ack = h.world.of(node_id).find(({ event_type }) => event_type === 'NodeRegistrationAckReceived');
    const opened = h.world.effects.find(
      ({ activity, request }) => activity === 'postgres.update_registration' && request.node_id === node_id,
    )?.request.intent.payload;
    const deadline = String(ack?.payload['liveness_deadline']);
    expect(opened).toMatchObject({
      lease: 'open',
      liveness_deadline: deadline,
      window_seconds: 90,
      state: 'ACTIVE',
      correlation_id: introspection.correlation_id,
    });
    expect(deadline > plusSeconds(introspection.at, 30) && deadline <= plusSeconds(ack?.sent_at ?? '', 30)).toBe(true);
  });
});

describe('a suspect', () => {
  it('whose lease is over expires at once, without waiting for its own timer', async () => {
    h.world.lease = () => expired;
    const node = await active();
    const before = await h.world.now();
    await node.handle.signal(SUSPECT_SIGNAL);
    await h.until(node.node_id, 'expired', ({ registration }) => registration?.state === 'LIVENESS_EXPIRED');
    expect((await h.world.now()) < plusSeconds(before, 3600)).toBe(true);
    expect(await node.handle.result()).toMatchObject({ state: 'LIVENESS_EXPIRED' });
  });

  it('that has beaten since stays active, with the deadline that its heartbeat gave it', async () => {
    const renewedUntil = plusSeconds(await h.world.now(), 86_400);
    h.world.lease = () => ({ outcome: 'renewed', deadline: renewedUntil });
    const node = await active();
    await node.handle.signal(SUSPECT_SIGNAL);
    const { registration } = await h.until(
      node.node_id,
      'verified',
      (status) => status.registration?.liveness_deadline === renewedUntil,
    );
    expect(registration).toMatchObject({ state: 'ACTIVE', entering: null });
  });

  it.each([
    [
      'the stream is behind',
      () =>
        (h.world.lease = () => ({
          outcome: 'unknown',
          why: 'the stream is behind',
          again_in_seconds: 90,
        })),
    ],
    ['connect ECONNREFUSED', (node_id: string) => h.world.fail(node_id, 'verify_lease', 1)],
  ])(
    'of which nothing can be said (%s) is not expired, and looked at again after a lease duration',
    async (why, happens) => {
      h.world.lease = () => expired;
      const node = await active();
      happens(node.node_id);
      await node.handle.signal(SUSPECT_SIGNAL);
      const { registration, journal } = await h.until(node.node_id, 'asked', ({ journal: entries }) =>
        entries.some(({ what }) => what.startsWith('not decided yet')),
      );
      expect(journal.at(-1)?.what).toContain(why);
      expect(registration).toMatchObject({ state: 'ACTIVE', entering: null });
      expect(verified(node)).toBe(1);
      h.world.lease = () => expired;
      await h.sleep(120);
      expect(await node.handle.result()).toMatchObject({ state: 'LIVENESS_EXPIRED' });
      expect(verified(node)).toBe(2);
    },
  );
});
