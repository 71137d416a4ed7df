import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { CompiledContract, Machine } from '../../src/contracts/compiled.js';
import { loadContracts } from '../../src/contracts/load.js';
import type { Status } from '../../workflows/details.js';
import { initialState, reduce, type ReducerState } from '../../workflows/core/reducer.js';
import { contractDirectory } from '../unit/contracts/contract-files.js';
import { startHarness, type Harness } from './harness.js';
import { plusSeconds } from '../../workflows/core/time.js';
import { EVICT, UNDRAIN } from '../../workflows/messages.js';
import { ADA, draining, Met, OVER, RUNNING } from './situations.js';

/**
 * Each transition of both shipped state machines, taken by a run through the
 * workflow. The list of tests is made from the contract: a transition that no
 * run takes is a red test. What was taken is read from what the run says of
 * itself: its journal, and the reducer's state in its status.
 */

const shipped = loadContracts().compiled;

/** "AWAITING_ACK -> ACTIVE by ack_received" for each transition of a machine. */
function transitionsOf({ states }: Machine): string[] {
  return Object.entries(states).flatMap(([from, { transitions }]) =>
    Object.entries(transitions).map(([trigger, { to }]) => named(from, to, trigger)),
  );
}

function named(from: string, to: string, trigger: string): string {
  return `${from} -> ${to} by ${trigger}`;
}

/**
 * The orchestrator's transitions as the journal has them, each with the trigger that leads from the one to the other.
 */
function orchestratorTook({ journal }: Status): string[] {
  return journal.flatMap(({ what }) => {
    const [, from = '', to = '', reason = ''] = /^(\w+) -> (\w+)(?:: (.*))?/.exec(what) ?? [];
    const all = Object.entries(shipped.orchestrator.states[from]?.transitions ?? {}).filter(
      ([, transition]) => transition.to === to,
    );
    // Of several, the one whose reason it is.
    const triggers =
      all.length < 2
        ? all
        : all.filter(([, { reason: said }]) => said === reason || said === reason.replace(ASKED, '{reason}'));
    if (triggers.length > 1)
      throw new Error(
        `The journal does not show which of ${triggers.map(([trigger]) => trigger).join(', ')} led from ${from} to ${to}`,
      );
    return triggers.map(([trigger]) => named(from, to, trigger));
  });
}

/** What a person says, where the contract names it. */
const ASKED = `${ADA.who}: ${ADA.why}`;

/** The reducer's transitions: the events of the journal, reduced; it must end where the run's reducer is. */
function reducerTook({ journal, registration: node }: Status, contract: CompiledContract): string[] {
  const took: string[] = [];
  let state = initialState(contract);
  let refused = false;
  const apply = (trigger: string): void => {
    const next: ReducerState = reduce(
      state,
      { id: `${took.length} ${trigger}`, trigger, node_id: node?.node_id ?? '' },
      contract,
    ).state;
    if (next !== state) took.push(named(state.status, next.status, trigger));
    state = next;
  };
  for (const { what } of journal) {
    const confirmation = contract.confirmations[what];
    if (/^registration attempt \d+ begins/.test(what)) {
      state = initialState(contract);
      refused = what.includes(', refused: ');
    } else if (what.startsWith('unknown -> ')) apply(refused ? 'validation_failed' : 'introspection_received');
    else if (what.startsWith('refused for good')) apply('error_received');
    else if (confirmation !== undefined) apply(confirmation.trigger);
  }
  const { status, consul_confirmed, postgres_confirmed } = state;
  expect(node?.reducer).toMatchObject({ status, consul_confirmed, postgres_confirmed });
  return took;
}

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

type Run = (h: Harness) => Promise<Status>;

const inSituation =
  (name: string): Run =>
  async () => {
    const met = await RUNNING[name]!.reach(h);
    const status = await h.status(met.node_id);
    await met.leaves();
    return status;
  };

const active: Run = async () => {
  const met = await RUNNING['ACTIVE']!.reach(h);
  return h.status(met.node_id);
};

/** Ends there, and says so after its end. */
const over =
  (name: string): Run =>
  async () => {
    const met = await OVER[name]!.reach(h);
    return h.status(met.node_id);
  };

/** How a node leaves: it says so, or somebody cancels its run. */
type Leaving = (met: Met) => Promise<unknown>;
const says: Leaving = (met) => met.says('shutdown');
const isCancelled: Leaving = (met) => met.handle.cancel();
const isEvicted: Leaving = (met) => h.command(met.node_id, { ...EVICT, payload: { asked_by: ADA } });

const leaves =
  (name: string, leave: Leaving = says): Run =>
  async () => {
    const met = await RUNNING[name]!.reach(h);
    const pending = await met.pending();
    await leave(met);
    const status = await h.until(met.node_id, 'leaving', ({ registration: node }) => node?.state === 'DEREGISTERED');
    await met.cancelled(pending);
    met.release();
    return status;
  };

const leavesDraining =
  (leave: Leaving): Run =>
  async () => {
    const met = await draining(h);
    await leave(met);
    return h.until(met.node_id, 'over', ({ registration: node }) => node?.ended === true);
  };

/** A backend that refuses for good, before the other has confirmed or after. */
const refused =
  (others: number): Run =>
  async () => {
    const introspection = await h.introspection();
    h.world.fail(introspection.node_id, 'consul.register', others, 'permission denied', 'BackendRefused');
    const release = h.world.hold(
      others === 1 ? 'postgres.upsert_registration' : 'consul.register',
      introspection.node_id,
    );
    await h.introduce(introspection);
    await h.until(
      introspection.node_id,
      'as far',
      ({ registration: node }) => node?.reducer.status === (others === 1 ? 'failed' : 'partial'),
    );
    if (others !== 1) h.world.fail(introspection.node_id, 'consul.register', 1, 'permission denied', 'BackendRefused');
    release();
    return h.until(
      introspection.node_id,
      'failed',
      ({ registration: node }) => node?.reducer.status === 'failed' && node.ended,
    );
  };

/** Under a contract of which only this differs. */
const under =
  (contract: Parameters<typeof contractDirectory>[0], run: Run): Run =>
  async () => {
    h.world.contract = loadContracts(contractDirectory(contract)).compiled;
    return run(h);
  };

/**
 * As shipped, a message that comes in ACCEPTED waits until accepted is published, and the node is AWAITING_ACK then.
 * With an effect before the publish, messages are handled in ACCEPTED.
 */
const effectBeforeAwaitingAck = {
  orchestrator:
    'state_machine: { states: [{ state_name: "AWAITING_ACK", entry_actions: ["emit_postgres_intent", ' +
    '"emit_registration_accepted"], timer: "ack" }] }',
};

async function inAccepted() {
  const introspection = await h.introspection();
  const { node_id } = introspection;
  const releaseConsul = h.world.hold('consul.register', node_id);
  const handle = await h.introduce(introspection);
  await h.until(node_id, 'partial', ({ registration: node }) => node?.reducer.status === 'partial');
  const release = h.world.hold('postgres.upsert_registration', node_id);
  releaseConsul();
  await h.until(node_id, 'ACCEPTED', ({ registration: node }) => node?.state === 'ACCEPTED');
  return new Met(h, introspection, handle, release);
}

const leavesAccepted =
  (leave: Leaving): Run =>
  async () => {
    const met = await inAccepted();
    const pending = await met.pending();
    await leave(met);
    const status = await h.until(met.node_id, 'leaving', ({ registration: node }) => node?.state === 'DEREGISTERED');
    await met.cancelled(pending);
    met.release();
    return status;
  };

const ORCHESTRATOR: Readonly<Record<string, Run>> = {
  'PENDING_REGISTRATION -> ACCEPTED by reducer_complete': active,
  'PENDING_REGISTRATION -> REJECTED by reducer_failed': over('REJECTED'),
  'PENDING_REGISTRATION -> DEREGISTERED by shutdown_received': leaves('PENDING_REGISTRATION, Consul outstanding'),
  'PENDING_REGISTRATION -> DEREGISTERED by run_cancelled': leaves(
    'PENDING_REGISTRATION, Consul outstanding',
    isCancelled,
  ),
  'PENDING_REGISTRATION -> DEREGISTERED by eviction_requested': leaves(
    'PENDING_REGISTRATION, Consul outstanding',
    isEvicted,
  ),
  'ACCEPTED -> AWAITING_ACK by entry_done': active,
  'ACCEPTED -> DEREGISTERED by shutdown_received': under(effectBeforeAwaitingAck, leavesAccepted(says)),
  'ACCEPTED -> DEREGISTERED by run_cancelled': under(effectBeforeAwaitingAck, leavesAccepted(isCancelled)),
  'ACCEPTED -> DEREGISTERED by eviction_requested': under(effectBeforeAwaitingAck, leavesAccepted(isEvicted)),
  'ACCEPTED -> ACK_RECEIVED by ack_received': under(effectBeforeAwaitingAck, async () => {
    const met = await inAccepted();
    const pending = await met.pending();
    await h.ack(met.node_id);
    const status = await h.untilState(met.node_id, 'ACTIVE');
    await met.cancelled(pending);
    met.release();
    return status;
  }),
  'AWAITING_ACK -> ACK_RECEIVED by ack_received': active,
  'AWAITING_ACK -> ACK_TIMED_OUT by ack_timeout': over('ACK_TIMED_OUT'),
  'AWAITING_ACK -> DEREGISTERED by shutdown_received': leaves('AWAITING_ACK'),
  'AWAITING_ACK -> DEREGISTERED by run_cancelled': leaves('AWAITING_ACK', isCancelled),
  'AWAITING_ACK -> DEREGISTERED by eviction_requested': leaves('AWAITING_ACK', isEvicted),
  'ACK_RECEIVED -> ACTIVE by entry_done': active,
  'ACK_RECEIVED -> DEREGISTERED by shutdown_received': leaves('ACK_RECEIVED, Consul in flight'),
  'ACK_RECEIVED -> DEREGISTERED by run_cancelled': leaves('ACK_RECEIVED, Consul in flight', isCancelled),
  'ACK_RECEIVED -> DEREGISTERED by eviction_requested': leaves('ACK_RECEIVED, Consul in flight', isEvicted),
  'ACK_TIMED_OUT -> AWAITING_ACK by entry_done': inSituation('AWAITING_ACK, in the second round'),
  'ACTIVE -> LIVENESS_EXPIRED by lease_expired': over('LIVENESS_EXPIRED'),
  'ACTIVE -> DEREGISTERED by shutdown_received': leaves('ACTIVE'),
  'ACTIVE -> DEREGISTERED by run_cancelled': leaves('ACTIVE', isCancelled),
  'ACTIVE -> DEREGISTERED by eviction_requested': leaves('ACTIVE', isEvicted),
  'ACTIVE -> DRAINING by drain_requested': async () => {
    const met = await draining(h);
    const status = await h.status(met.node_id);
    await met.leaves();
    return status;
  },
  'DRAINING -> ACTIVE by undrain_requested': async () => {
    const met = await draining(h);
    await h.command(met.node_id, UNDRAIN);
    const status = await h.untilState(met.node_id, 'ACTIVE');
    await met.leaves();
    return status;
  },
  'DRAINING -> LIVENESS_EXPIRED by lease_expired': async () => {
    const met = await draining(h);
    h.world.lease = (node_id, now) =>
      node_id === met.node_id
        ? { outcome: 'expired', last_heartbeat_at: null }
        : { outcome: 'renewed', deadline: plusSeconds(now, 90) };
    await h.suspect(met.node_id);
    return h.until(met.node_id, 'over', ({ registration: node }) => node?.ended === true);
  },
  'DRAINING -> DEREGISTERED by shutdown_received': leavesDraining(says),
  'DRAINING -> DEREGISTERED by run_cancelled': leavesDraining(isCancelled),
  'DRAINING -> DEREGISTERED by eviction_requested': leavesDraining(isEvicted),
};

const REDUCER: Readonly<Record<string, Run>> = {
  'idle -> pending by introspection_received': active,
  'idle -> failed by validation_failed': under(
    { orchestrator: 'admission: [{ require: "node_version at_least 9.0.0", reason: "too old" }]' },
    async () => {
      const introspection = await h.introspection();
      await (await h.introduce(introspection)).result();
      return h.status(introspection.node_id);
    },
  ),
  // As shipped, nothing that could be refused is in flight while the reducer is idle: it takes a machine that begins
  // before idle.
  'idle -> failed by error_received': under(
    {
      reducer: `
state_machine:
  initial_state: "new"
  states:
    - { state_name: "new" }
    - { state_name: "idle", entry_actions: ["emit_consul_intent", "emit_postgres_intent"] }
  transitions:
    - { from_state: "new", to_state: "idle", trigger: "introspection_received" }
`,
    },
    async () => {
      const introspection = await h.introspection();
      h.world.fail(introspection.node_id, 'consul.register', 1, 'permission denied', 'BackendRefused');
      await (await h.introduce(introspection)).result();
      return h.status(introspection.node_id);
    },
  ),
  'pending -> partial by consul_confirmed': inSituation('PENDING_REGISTRATION, PostgreSQL outstanding'),
  'pending -> partial by postgres_confirmed': inSituation('PENDING_REGISTRATION, Consul outstanding'),
  'partial -> complete by consul_confirmed': inSituation('ACCEPTED, accepted is being published'),
  'partial -> complete by postgres_confirmed': async () => {
    const met = await RUNNING['PENDING_REGISTRATION, PostgreSQL outstanding']!.reach(h);
    met.release();
    return h.untilState(met.node_id, 'AWAITING_ACK');
  },
  'pending -> failed by error_received': refused(1),
  'partial -> failed by error_received': refused(0),
};

describe('the orchestrator is taken', () => {
  it.each(transitionsOf(shipped.orchestrator))('from %s', async (transition) => {
    const run = ORCHESTRATOR[transition];
    if (run === undefined)
      throw new Error(`No run takes the transition ${transition}: write one in ${import.meta.filename}`);
    expect(orchestratorTook(await run(h))).toContain(transition);
  });

  it('by no run of this list from where the contract leads nowhere any more', () => {
    expect(Object.keys(ORCHESTRATOR).sort()).toEqual(transitionsOf(shipped.orchestrator).sort());
  });
});

/** Taken when an operator tries again: not by a message to the run, but by the attempt that begins anew. */
const RESETS: Readonly<Record<string, () => Promise<{ node_id: string; release: () => void }>>> = {
  'failed -> idle by reset': () => OVER['REJECTED, being recorded']!.reach(h),
  'complete -> idle by reset': () => RUNNING['AWAITING_ACK']!.reach(h),
};

describe('the reducer is taken', () => {
  const [resets, others] = [true, false].map((wanted) =>
    transitionsOf(shipped.reducer).filter((transition) => transition.endsWith(' by reset') === wanted),
  );

  it.each(others ?? [])('from %s', async (transition) => {
    const run = REDUCER[transition];
    if (run === undefined)
      throw new Error(`No run takes the transition ${transition}: write one in ${import.meta.filename}`);
    const status = await run(h);
    expect(reducerTook(status, h.world.contract)).toContain(transition);
  });

  it.each(resets ?? [])('from %s', async (transition) => {
    const reach = RESETS[transition];
    if (reach === undefined)
      throw new Error(`No run takes the transition ${transition}: write one in ${import.meta.filename}`);
    const { node_id, release } = await reach();
    const releaseKafka = h.world.hold('publish_events', node_id);
    const retried = h.retry(node_id);
    const after = await h.until(node_id, 'in attempt 2', (status) => status.registration?.attempt === 2);
    releaseKafka();
    release();
    expect(await retried).toBe(2);
    const resets = after.journal.flatMap(({ what }) => {
      const [, from, to] = /^reset: (\w+) -> (\w+)$/.exec(what) ?? [];
      return from === undefined || to === undefined ? [] : [named(from, to, 'reset')];
    });
    expect(resets).toEqual([transition]);
    expect(after.registration?.reducer).toEqual(initialState(shipped));
  });

  it('by no run of this list from where the contract leads nowhere any more', () => {
    expect([...Object.keys(REDUCER), ...Object.keys(RESETS)].sort()).toEqual(transitionsOf(shipped.reducer).sort());
  });
});
