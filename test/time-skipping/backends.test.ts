import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { CompiledContract } from '../../src/contracts/compiled.js';
import { loadContracts } from '../../src/contracts/load.js';
import type { Introspection } from '../../src/protocol/introspection.js';
import { contractDirectory } from '../unit/contracts/contract-files.js';
import { startHarness, type Harness } from './harness.js';

/** What backends answer, and what becomes of a node by that. */

const shipped = loadContracts().compiled;
const strict = loadContracts(
  contractDirectory({
    orchestrator: `
admission:
  - { require: "node_type in [effect, compute]", reason: "nodes of type {node_type} do not belong here" }
  - { require: "node_version at_least 1.0.0", reason: "node version {node_version} is older than 1.0.0: upgrade it" }
`,
    reducer: `
state_machine:
  transitions: [{ from_state: "idle", to_state: "pending", trigger: "introspection_received", conditions: [{ expression: "node_id matches ^fleet-" }] }]
`,
  }),
).compiled;

let h: Harness;
beforeAll(async () => {
  h = await startHarness();
});
afterEach(() => {
  h.world.contract = shipped;
  h.world.failures.clear();
});
afterAll(async () => {
  await h.stop();
});

type Register = 'consul.register' | 'postgres.upsert_registration';
const REGISTER: readonly Register[] = ['consul.register', 'postgres.upsert_registration'];
const other = (activity: Register): Register =>
  activity === 'consul.register' ? 'postgres.upsert_registration' : 'consul.register';
const triesOf = (activity: string, node_id: string): number => h.world.tries.get(`${activity} ${node_id}`) ?? 0;

async function introduced(contract: CompiledContract = shipped, before: (node_id: string) => void = () => undefined) {
  h.world.contract = contract;
  const introspection = await h.introspection();
  before(introspection.node_id);
  return { node_id: introspection.node_id, introspection, handle: await h.introduce(introspection) };
}

const becomesActive = async (node_id: string) => {
  await h.untilState(node_id, 'AWAITING_ACK');
  await h.ack(node_id);
  return h.untilState(node_id, 'ACTIVE');
};

describe.each(REGISTER)('%s', (activity) => {
  const backend = activity.split('.')[0];

  it('down for minutes: only it is tried again, then the registration is complete', async () => {
    const { node_id } = await introduced(shipped, (id) => h.world.fail(id, activity, 1000));
    await h.until(node_id, 'partial', ({ registration }) => registration?.reducer.status === 'partial');
    await h.sleep(300);
    const { registration } = await h.status(node_id);
    expect(registration).toMatchObject({
      state: 'PENDING_REGISTRATION',
      attempt: 1,
      reducer: { status: 'partial', [`${backend}_confirmed`]: false },
    });
    expect(triesOf(activity, node_id)).toBeGreaterThan(25);
    expect(triesOf(other(activity), node_id)).toBe(1);
    h.world.fail(node_id, activity, 0);
    await h.sleep(11);
    await becomesActive(node_id);
    expect(h.world.done(node_id).slice(0, 2)).toEqual([other(activity), activity]);
    expect(h.world.types(node_id)).toEqual([
      'NodeRegistrationInitiated',
      'NodeRegistrationAccepted',
      'NodeRegistrationAckReceived',
      'NodeBecameActive',
    ]);
  });

  it('refusing for good: the other is undone, and the node is REJECTED with the words of the backend', async () => {
    const { node_id, handle } = await introduced(shipped, (id) =>
      h.world.fail(id, activity, 1, 'permission denied', 'BackendRefused'),
    );
    const reason = `${backend}: permission denied`;
    expect(await handle.result()).toMatchObject({ state: 'REJECTED', reason });
    expect(triesOf(activity, node_id)).toBe(1);
    expect(h.world.of(node_id).map(({ event_type, payload }) => [event_type, payload['rejection_reason']])).toEqual([
      ['NodeRegistrationInitiated', undefined],
      ['NodeRegistrationRejected', reason],
    ]);
    expect(h.world.done(node_id).sort()).toEqual(
      ['consul.deregister', other(activity), 'postgres.update_registration'].sort(),
    );
    expect(h.world.rows.get(node_id)).toMatchObject({ state: 'REJECTED', reason });
    // The reducer has failed, with the flag of the backend that succeeded, or without any.
    const { registration } = await h.status(node_id);
    expect(registration?.reducer).toMatchObject({ status: 'failed', [`${backend}_confirmed`]: false });
  });

  it('failing as often as the contract lets it is a refusal too', async () => {
    const route = shipped.effects[activity];
    if (route === undefined) throw new Error(`no route for ${activity}`);
    const thrice = { ...route, retry: { ...route.retry, maximum_attempts: 3 } };
    const { node_id, handle } = await introduced(
      { ...shipped, effects: { ...shipped.effects, [activity]: thrice } },
      (id) => h.world.fail(id, activity, 1000),
    );
    expect(await handle.result()).toMatchObject({
      state: 'REJECTED',
      reason: `${backend}: connect ECONNREFUSED 127.0.0.1`,
    });
    expect(triesOf(activity, node_id)).toBe(3);
  });

  it.each([true, false])(
    'refusing while the other is down: with partial_failure_handling %s',
    async (partial_failure_handling) => {
      const { node_id, handle } = await introduced({ ...shipped, partial_failure_handling }, (id) => {
        h.world.fail(id, activity, 1, 'permission denied', 'BackendRefused');
        h.world.fail(id, other(activity), 1000);
      });
      await h.until(node_id, 'REJECTED', ({ registration }) => registration?.state === 'REJECTED');
      if (partial_failure_handling) {
        // The other is left to finish; it is undone after that.
        h.world.fail(node_id, other(activity), 0);
        await h.sleep(11);
      }
      expect(await handle.result()).toMatchObject({ state: 'REJECTED' });
      expect(h.world.done(node_id).includes(other(activity))).toBe(partial_failure_handling);
      expect(h.world.done(node_id).slice(-2).sort()).toEqual(['consul.deregister', 'postgres.update_registration']);
    },
  );

  it('fenced: the newest incarnation goes on above the attempt that the backend holds', async () => {
    const { node_id } = await introduced(shipped, (id) => h.world.fence(id, activity, 7));
    const { registration } = await becomesActive(node_id);
    expect(registration?.attempt).toBe(8);
    expect(h.world.rows.get(node_id)).toMatchObject({ attempt: 8, state: 'ACTIVE' });
  });

  it('fenced while it is refreshed: likewise', async () => {
    const { node_id, introspection } = await introduced();
    await becomesActive(node_id);
    // A refresh writes the whole row.
    h.world.fence(node_id, activity === 'consul.register' ? activity : 'postgres.update_registration', 7);
    await h.introduce({
      ...introspection,
      message_id: randomUUID(),
      correlation_id: 'changed',
      reason: 'capability_change',
      capabilities: ['batch'],
      at: await h.world.now(),
    });
    await h.until(node_id, 'in attempt 8', ({ registration }) => registration?.attempt === 8);
    expect((await becomesActive(node_id)).registration).toMatchObject({
      attempt: 8,
      introspection: { capabilities: ['batch'] },
    });
  });
});

describe('with execution_mode sequential', () => {
  const sequential: CompiledContract = { ...shipped, execution_mode: 'sequential' };

  it('PostgreSQL is asked when Consul has confirmed', async () => {
    const { node_id } = await introduced(sequential, (id) => h.world.fail(id, 'consul.register', 5));
    await h.until(
      node_id,
      'pending',
      ({ registration }) => registration?.reducer.status === 'pending' && triesOf('consul.register', node_id) > 0,
    );
    await h.sleep(3);
    expect(triesOf('postgres.upsert_registration', node_id)).toBe(0);
    await h.sleep(30);
    await becomesActive(node_id);
    expect(h.world.done(node_id).slice(0, 2)).toEqual(['consul.register', 'postgres.upsert_registration']);
  });

  it('PostgreSQL is not asked to register what Consul has refused', async () => {
    const { node_id, handle } = await introduced(sequential, (id) =>
      h.world.fail(id, 'consul.register', 1, 'permission denied', 'BackendRefused'),
    );
    expect(await handle.result()).toMatchObject({ state: 'REJECTED', reason: 'consul: permission denied' });
    expect(triesOf('postgres.upsert_registration', node_id)).toBe(0);
  });
});

describe('after the registration is complete, a fault is repaired and rejects nobody:', () => {
  it.each(['consul.pass', 'postgres.update_registration'] as const)(
    '%s refuses for a while on the way to ACTIVE',
    async (activity) => {
      const { node_id } = await introduced();
      await h.untilState(node_id, 'AWAITING_ACK');
      h.world.fail(node_id, activity, 6, 'permission denied', 'BackendRefused');
      await h.ack(node_id);
      await h.until(node_id, 'tried again', () => triesOf(activity, node_id) > 2);
      expect((await h.status(node_id)).registration).toMatchObject({
        state: 'ACK_RECEIVED',
        reducer: { status: 'complete' },
      });
      await h.sleep(40);
      const { registration } = await h.untilState(node_id, 'ACTIVE');
      expect(registration?.attempt).toBe(1);
    },
  );

  it.each(['consul.pass', 'postgres.update_registration'] as const)(
    '%s fenced on the way to ACTIVE: above the holder, from the beginning',
    async (activity) => {
      const { node_id } = await introduced();
      await h.untilState(node_id, 'AWAITING_ACK');
      h.world.fence(node_id, activity, 7);
      await h.ack(node_id);
      await h.until(node_id, 'in attempt 8', ({ registration }) => registration?.attempt === 8);
      await becomesActive(node_id);
      const became = h.world.of(node_id).filter(({ event_type }) => event_type === 'NodeBecameActive');
      expect(became.map(({ tags }) => tags['attempt'])).toEqual(['8']);
    },
  );

  it.each(['consul.deregister', 'postgres.update_registration'] as const)(
    '%s is away at the end: the run stays open until it has the end',
    async (activity) => {
      const { node_id, introspection, handle } = await introduced();
      await becomesActive(node_id);
      h.world.fail(node_id, activity, 1000, 'permission denied', 'BackendRefused');
      await h.introduce({
        ...introspection,
        message_id: randomUUID(),
        correlation_id: 'leaving',
        reason: 'shutdown',
        at: await h.world.now(),
      });
      await h.until(node_id, 'leaving', ({ registration }) => registration?.entering?.ending === true);
      await h.sleep(300);
      expect((await handle.describe()).status.name).toBe('RUNNING');
      h.world.fail(node_id, activity, 0);
      expect(await handle.result()).toMatchObject({ state: 'DEREGISTERED' });
      expect(h.world.done(node_id)).toContain(activity);
    },
  );

  it.each(['consul.deregister', 'postgres.update_registration'] as const)(
    '%s fenced at the end: a newer attempt is there, this one just ends',
    async (activity) => {
      const { node_id, introspection, handle } = await introduced();
      await becomesActive(node_id);
      h.world.fence(node_id, activity, 7);
      await h.introduce({
        ...introspection,
        message_id: randomUUID(),
        correlation_id: 'leaving',
        reason: 'shutdown',
        at: await h.world.now(),
      });
      expect(await handle.result()).toMatchObject({ state: 'DEREGISTERED', attempt: 1 });
      expect((await h.status(node_id)).journal.map(({ what }) => what)).toContain(
        'a backend holds registration attempt 7, this is registration attempt 1',
      );
    },
  );
});

describe('a node that is not to be registered', () => {
  it.each<[Partial<Introspection>, string]>([
    [{ node_type: 'reducer' }, 'nodes of type reducer do not belong here'],
    [{ node_version: '0.9.9' }, 'node version 0.9.9 is older than 1.0.0: upgrade it'],
    [{}, "the introspection does not meet the conditions of the reducer's contract"],
  ])(
    'with %j is REJECTED with the reason, no backend is asked to register it, and may come again',
    async (changes, reason) => {
      h.world.contract = strict;
      const introspection = await h.introspection(changes);
      const { node_id } = introspection;
      const handle = await h.introduce(introspection);
      expect(await handle.result()).toMatchObject({ state: 'REJECTED', reason });
      expect(h.world.of(node_id).map(({ event_type, payload }) => [event_type, payload['rejection_reason']])).toEqual([
        ['NodeRegistrationInitiated', undefined],
        ['NodeRegistrationRejected', reason],
      ]);
      expect(h.world.done(node_id).sort()).toEqual(['consul.deregister', 'postgres.update_registration']);
      expect(h.world.rows.get(node_id)).toMatchObject({ state: 'REJECTED', reason });
      expect((await h.status(node_id)).registration?.reducer.status).toBe('failed');

      h.world.contract = shipped;
      await h.introduce({
        ...introspection,
        message_id: randomUUID(),
        correlation_id: 'again',
        at: await h.world.now(),
      });
      expect((await becomesActive(node_id)).registration).toMatchObject({ attempt: 2, reason: null });
    },
  );

  it('whose type and version do, and whose id the reducer knows, is accepted by the same contract', async () => {
    h.world.contract = strict;
    const introspection = await h.introspection({
      node_id: `fleet-${Date.now()}`,
      node_type: 'compute',
      node_version: '1.0.0',
    });
    await h.introduce(introspection);
    await becomesActive(introspection.node_id);
  });
});
