import type { temporal } from '@temporalio/proto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { REFUSED } from '../../activities/api.js';
import type { CompiledContract, State } from '../../src/contracts/compiled.js';
import { loadContracts } from '../../src/contracts/load.js';
import { plusSeconds } from '../../workflows/core/time.js';
import { startHarness, type Harness } from './harness.js';
import { Met, publishedUntilActive, RUNNING } from './situations.js';

/**
 * Nothing stops a life, and nothing makes it spin: not an event that cannot be published, not a contract whose timer
 * changes nothing, not an answer that says "look again, now". Contracts that the check refuses are made here by editing
 * the compiled ones: a run may have read one before there was the check.
 */

const shipped = loadContracts().compiled;

let h: Harness;
let met: Met | undefined;
beforeAll(async () => {
  h = await startHarness();
});
afterEach(async () => {
  await met?.leaves();
  met = undefined;
  h.world.contract = shipped;
  h.world.acksLag = 0;
  h.world.acksAgainInSeconds = 1;
});
afterAll(async () => {
  await h.stop();
});

const AN_HOUR = 3600;

/** The shipped contract with a state of the orchestrator changed. */
function withState(name: string, changes: (state: State) => Partial<State>): CompiledContract {
  const { orchestrator } = shipped;
  const state = orchestrator.states[name] ?? expect.fail();
  const states = { ...orchestrator.states, [name]: { ...state, ...changes(state) } };
  return { ...shipped, orchestrator: { ...orchestrator, states } };
}

async function reach(situation: keyof typeof RUNNING, contract = shipped): Promise<Met> {
  h.world.contract = contract;
  met = await (RUNNING[situation] ?? expect.fail()).reach(h);
  return met;
}

/** How often an activity was asked for a node. */
const tries = (activity: string, { node_id }: Met): number => h.world.tries.get(`${activity} ${node_id}`) ?? 0;

/** What the backends got for a node, by the activity that brought it, oldest first. */
function written({ node_id }: Met, activity: string): string[] {
  return h.world.effects
    .filter((effect) => effect.request.node_id === node_id && effect.activity === activity)
    .map(({ request }) => JSON.stringify(request.intent.payload));
}

describe('an event that its schema refuses', () => {
  it.each([
    ['emit_registration_initiated', 'NodeRegistrationInitiated'],
    ['emit_registration_accepted', 'NodeRegistrationAccepted'],
    ['emit_became_active', 'NodeBecameActive'],
  ])(
    'holds no life (%s): the journal names it, all others are published, and the node is ACTIVE',
    async (name, type) => {
      const event = shipped.events[name] ?? expect.fail();
      const surplus = { ...event, payload: { ...event.payload, surplus: 'a field of nobody' } };
      h.world.contract = { ...shipped, events: { ...shipped.events, [name]: surplus } };
      const introspection = await h.introspection();
      h.world.deadLettersFor.add(introspection.node_id);
      met = new Met(h, introspection, await h.introduce(introspection));
      const { journal } = await met.becomesActive();
      const dead = journal.filter(({ what }) => what.startsWith('dead letter'));
      expect(dead.map(({ what }) => what)).toEqual([
        expect.stringMatching(new RegExp(`^dead letter ${type}: .*surplus`)) as string,
      ]);
      expect(h.world.types(met.node_id)).toEqual(publishedUntilActive(1).filter((published) => published !== type));
    },
  );
});

describe('a reason that is longer than an event may carry', () => {
  const longCapabilities = Array.from({ length: 60 }, (_, number) => `capability.${number}.${'x'.repeat(40)}`);

  /** The node is rejected, and whoever reads the event learns the beginning of the reason. */
  async function rejectedWith(beginning: string): Promise<void> {
    const { node_id, handle } = met ?? expect.fail();
    expect(await handle.result()).toMatchObject({ state: 'REJECTED' });
    const rejected = h.world.of(node_id).at(-1);
    expect(rejected?.event_type).toBe('NodeRegistrationRejected');
    const reason = String(rejected?.payload['rejection_reason']);
    expect(reason.startsWith(beginning)).toBe(true);
    expect(reason).toMatch(/…$/);
    expect(reason).toHaveLength(1024);
    expect(h.world.rows.get(node_id)).toMatchObject({ state: 'REJECTED', reason });
  }

  it('is cut, and REJECTED is published: a rule of admission that names many long capabilities', async () => {
    const require = { field: 'node_type', operator: '==', value: 'orchestrator' } as const;
    h.world.contract = { ...shipped, admission: [{ require, reason: 'not with {capabilities}' }] };
    const introspection = await h.introspection({ capabilities: longCapabilities });
    met = new Met(h, introspection, await h.introduce(introspection));
    await rejectedWith('not with ["capability.0.xxx');
  });

  it("is cut, and REJECTED is published: a proxy's page as a backend's refusal", async () => {
    const introspection = await h.introspection();
    h.world.fail(introspection.node_id, 'consul.register', 1, '<html>'.repeat(1000), REFUSED);
    met = new Met(h, introspection, await h.introduce(introspection));
    await rejectedWith('consul: <html>');
  });
});

/** In the situation, with the publish held as an ordinary activity: its local tries are over. */
async function publishing(situation: string): Promise<Met> {
  const node = await reach(situation);
  await h.until(node.node_id, 'publishing', () => h.world.inFlight.has(`publish_events ${node.node_id}`));
  return node;
}

describe.each(['initiated is being published', 'ACCEPTED, accepted is being published'])('while %s', (situation) => {
  it.each([
    ['newer startups', (node: Met) => node.says('startup')],
    ["an operator's retries", (node: Met) => h.retry(node.node_id)],
  ])('%s supersede it, and nothing newer is published before it has ended', async (_, comes) => {
    const node = await publishing(situation);
    const before = h.world.types(node.node_id);
    const sends = tries('publish_events', node);
    for (const attempt of [2, 3]) {
      await comes(node);
      await h.until(node.node_id, `in attempt ${attempt}`, ({ registration }) => registration?.attempt === attempt);
    }
    expect(tries('publish_events', node)).toBe(sends);
    expect(h.world.types(node.node_id)).toEqual(before);
    node.release();
    await node.becomesActive();
    const later = h.world.of(node.node_id).slice(before.length);
    // What was held may have reached the broker; the second attempt's was never sent.
    expect(later.map(({ tags }) => tags['attempt'])).toEqual(['1', '3', '3', '3', '3']);
    expect(later.slice(1).map(({ event_type }) => event_type)).toEqual(publishedUntilActive(1));
  });

  it('a shutdown supersedes it: the backends are cleaned up, and the run closes when it has ended', async () => {
    const node = await publishing(situation);
    const sends = tries('publish_events', node);
    await node.says('shutdown');
    await h.until(node.node_id, 'out of Consul', () => written(node, 'consul.deregister').length === 1);
    expect((await node.handle.describe()).status.name).toBe('RUNNING');
    node.release();
    const run = h.env.client.workflow.getHandle(node.handle.workflowId);
    expect(await run.result()).toMatchObject({ state: 'DEREGISTERED', attempt: 1 });
    expect(h.world.types(node.node_id).at(-1)).toBe('NodeDeregistered');
    expect(tries('publish_events', node)).toBe(sends + 1);
  });

  it('an ack and changed data wait until it has ended', async () => {
    const node = await publishing(situation);
    const { journal } = await h.status(node.node_id);
    await h.ack(node.node_id);
    const changed = await node.says('capability_change', { capabilities: ['changed'] });
    const waiting = await h.status(node.node_id);
    expect(waiting.journal).toEqual(journal);
    expect(waiting.registration?.incarnation?.seen).not.toContain(changed.correlation_id);
    node.release();
    const { registration } = await node.becomesActive();
    expect(registration?.introspection?.capabilities).toEqual(['changed']);
  });
});

describe('a timer that changes nothing', () => {
  const onlyOrchestratorsExpire = withState('ACTIVE', ({ transitions }) => {
    const expired = transitions['lease_expired'] ?? expect.fail();
    const conditions = [{ field: 'node_type', operator: '!=', value: 'effect' } as const];
    return { transitions: { ...transitions, lease_expired: { ...expired, conditions } } };
  });
  const without = (state: string, trigger: string): CompiledContract =>
    withState(state, ({ transitions }) => ({
      transitions: Object.fromEntries(Object.entries(transitions).filter(([name]) => name !== trigger)),
    }));

  it.each([
    ['whose conditions do not hold', onlyOrchestratorsExpire],
    ['that has no transition', without('ACTIVE', 'lease_expired')],
  ])('(a lease_expired %s) is looked at once a period, and the run is still handed over', async (_, contract) => {
    const node = await reach('ACTIVE', contract);
    h.world.lease = () => ({ outcome: 'expired', last_heartbeat_at: null });
    const first = (await node.handle.describe()).runId;
    await h.suspect(node.node_id);
    await h.until(
      node.node_id,
      'looked at',
      ({ journal }) => journal.at(-1)?.what === 'timer: lease_expired changes nothing in ACTIVE',
    );
    await h.sleep(AN_HOUR);
    expect(tries('verify_lease', node)).toBe(1);

    h.world.contract = { ...contract, version: 'another' };
    await h.sleep(3 * AN_HOUR);
    await h.until(node.node_id, 'under the other contract', ({ contract_version }) => contract_version === 'another');
    const run = h.env.client.workflow.getHandle(node.handle.workflowId);
    expect((await run.describe()).runId).not.toBe(first);
    expect((await h.untilState(node.node_id, 'ACTIVE')).registration?.attempt).toBe(1);
    expect(tries('verify_lease', node)).toBe(2);
  });

  it('(an ack_timeout that has no transition) is looked at once a period', async () => {
    const node = await reach('AWAITING_ACK', without('AWAITING_ACK', 'ack_timeout'));
    await h.sleep(AN_HOUR);
    const { registration, journal } = await h.status(node.node_id);
    expect(registration?.state).toBe('AWAITING_ACK');
    expect(journal.at(-1)?.what).toBe('timer: ack_timeout changes nothing in AWAITING_ACK');
    // The period is 30 s.
    expect(tries('verify_acks_read', node)).toBeGreaterThan(100);
    expect(tries('verify_acks_read', node)).toBeLessThanOrEqual(AN_HOUR / 30);
  });
});

describe.each([0, -5])('an answer that says "look again in %d s"', (again_in_seconds) => {
  const SECONDS = 20;

  it('about the lease makes nobody look more than twice a second', async () => {
    const node = await reach('ACTIVE');
    h.world.lease = () => ({ outcome: 'unknown', why: 'the stream is behind', again_in_seconds });
    await h.suspect(node.node_id);
    await h.sleep(SECONDS);
    expect(tries('verify_lease', node)).toBeGreaterThan(SECONDS);
    expect(tries('verify_lease', node)).toBeLessThanOrEqual(2 * SECONDS + 1);
    expect((await h.status(node.node_id)).registration?.state).toBe('ACTIVE');
    // It looks no more when it leaves: the time-skipping server loses a task that cancels what has just ended.
    h.world.lease = (_, now) => ({ outcome: 'renewed', deadline: plusSeconds(now, 90) });
    await h.sleep(2);
  });

  it('about the ack topic makes nobody look more than twice a second', async () => {
    const node = await reach('AWAITING_ACK');
    h.world.acksLag = AN_HOUR;
    h.world.acksAgainInSeconds = again_in_seconds;
    await h.sleep(30 + SECONDS);
    expect(tries('verify_acks_read', node)).toBeGreaterThan(SECONDS);
    expect(tries('verify_acks_read', node)).toBeLessThanOrEqual(2 * SECONDS + 1);
    // It looks no more when the ack comes: see docs/decisions/races-the-test-server-loses.md.
    h.world.acksAgainInSeconds = AN_HOUR;
    await h.sleep(2);
    await h.ack(node.node_id, { at: node.introspection.at });
    await h.untilState(node.node_id, 'ACTIVE');
  });
});

describe('an initial state without entry actions', () => {
  it('is arrived at like any other: the node becomes ACTIVE', async () => {
    const node = await reach(
      'ACTIVE',
      withState(shipped.orchestrator.initial, () => ({ entry_actions: [] })),
    );
    expect(h.world.types(node.node_id)).toEqual(publishedUntilActive(1).slice(1));
  });
});

describe('changed data of an active node', () => {
  const BAD = { health: 'http://0.0.0.0:8080/health' };
  const GOOD = { health: 'http://10.0.0.7:8080/health' };

  /** What Temporal's web UI shows as the current details of the run. */
  async function currentDetails({ handle }: Met): Promise<string> {
    const metadata = await h.env.client.workflow
      .getHandle(handle.workflowId)
      .query<temporal.api.sdk.v1.IWorkflowMetadata>('__temporal_workflow_metadata');
    return metadata.currentDetails ?? '';
  }

  const refusedBy = (backend: string) => `${backend}: the address 0.0.0.0 is refused`;

  it.each(['consul.register', 'postgres.update_registration'] as const)(
    'that %s refuses for good end the refresh, which people see; newer data reach both backends',
    async (activity) => {
      const node = await reach('ACTIVE');
      const backend = activity.split('.')[0] ?? '';
      h.world.fail(node.node_id, activity, 1000, 'the address 0.0.0.0 is refused', REFUSED);
      await node.says('health_change', { endpoints: BAD });
      const { registration } = await h.until(
        node.node_id,
        'refused',
        (status) => status.registration?.refresh_refused !== null && status.registration?.refreshing === false,
      );
      expect(registration).toMatchObject({ state: 'ACTIVE', refresh_due: false, refresh_refused: refusedBy(backend) });
      expect(await currentDetails(node)).toContain(`its newest data are refused: ${refusedBy(backend)}`);
      const asked = tries(activity, node);
      await h.sleep(AN_HOUR);
      expect(tries(activity, node)).toBe(asked);

      h.world.fail(node.node_id, activity, 0);
      await node.says('health_change', { endpoints: GOOD });
      await h.until(node.node_id, 'refreshed', () =>
        ['consul.register', 'postgres.update_registration'].every((each) =>
          written(node, each).at(-1)?.includes(GOOD.health),
        ),
      );
      const after = await h.until(node.node_id, 'at rest', (status) => status.registration?.refreshing === false);
      expect(after.registration).toMatchObject({ state: 'ACTIVE', attempt: 1, refresh_refused: null });
      expect(await currentDetails(node)).not.toContain('its newest data are refused');
    },
  );

  it('supersede those that a backend cannot take now: it gets only the newest', async () => {
    const node = await reach('ACTIVE');
    h.world.fail(node.node_id, 'consul.register', 1000);
    await node.says('health_change', { endpoints: BAD });
    // Two local tries, and one of the ordinary activity, which waits for its next one from now on.
    await h.until(node.node_id, 'in flight', () => tries('consul.register', node) === 4);
    const newest = await node.says('health_change', { endpoints: GOOD });
    await h.until(
      node.node_id,
      'refreshed anew',
      ({ registration }) => registration?.introspection?.message_id === newest.message_id && registration.refreshing,
    );
    h.world.fail(node.node_id, 'consul.register', 0);
    await h.sleep(30);
    await h.until(node.node_id, 'at rest', ({ registration }) => registration?.refreshing === false);
    expect(written(node, 'consul.register').join()).not.toContain(BAD.health);
    for (const activity of ['consul.register', 'postgres.update_registration'])
      expect(written(node, activity).at(-1)).toContain(GOOD.health);
  });

  it('that come while others are on their way wait for their end, and have the last word in both backends', async () => {
    const node = await reach('ACTIVE, a refresh in flight');
    await node.says('capability_change', { capabilities: ['newest'] });
    const { registration } = await h.until(
      node.node_id,
      'due again',
      (status) => status.registration?.refresh_due === true,
    );
    expect(registration).toMatchObject({ refreshing: false, introspection: { capabilities: ['newest'] } });
    for (const activity of ['consul.register', 'postgres.update_registration'])
      expect(written(node, activity).join()).not.toContain('newest');
    node.release();
    await h.until(node.node_id, 'refreshed', () =>
      ['consul.register', 'postgres.update_registration'].every((each) =>
        written(node, each).at(-1)?.includes('newest'),
      ),
    );
  });
});
