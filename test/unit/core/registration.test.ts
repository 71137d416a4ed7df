import { describe, expect, it } from 'vitest';
import type { NodeRow } from '../../../activities/api.js';
import { loadContracts } from '../../../src/contracts/load.js';
import { derivedId } from '../../../src/protocol/ids.js';
import { plusSeconds } from '../../../workflows/core/time.js';
import { initialState } from '../../../workflows/core/reducer.js';
import {
  currentState,
  isOver,
  livesByLease,
  nodeOfRow,
  NOTHING_YET,
  superseded,
  unknownNode,
  variables,
  withBan,
  withChanges,
  withRefreshStarted,
} from '../../../workflows/core/registration.js';
import { BEGINNING, Life, type LifeStep } from './life.js';
import { A_STARTUP } from './a-startup.js';

/** What a run knows of its node: from the registry row, and what the contract may name of it. */

const contract = loadContracts().compiled;
const NOW = plusSeconds(BEGINNING, 3600);
const introspection = { ...A_STARTUP, epoch: 4, at: BEGINNING };
const ended: NodeRow = {
  attempt: 3,
  correlation_id: 'c-1',
  epoch: 4,
  introspected_at: BEGINNING,
  state: 'REJECTED',
  reducer_status: 'failed',
  reason: 'permission denied',
  introspection,
  lasting: null,
  unfinished: false,
};
const lasting = {
  state_since: plusSeconds(BEGINNING, 10),
  ack_deadline: plusSeconds(BEGINNING, 30),
  liveness_deadline: plusSeconds(BEGINNING, 60),
};
const living: NodeRow = { ...ended, state: 'ACTIVE', reducer_status: 'complete', reason: null, lasting };

const steps: readonly LifeStep[] = [
  { do: 'introspect', of: 1, reason: 'startup', epoch: true, data: 0 },
  { do: 'all goes well' },
  { do: 'ack', of: 'current', late: false },
  { do: 'all goes well' },
];
/** A node after the first so many of these steps. */
function after(count: number): Life {
  const life = new Life(contract);
  for (const step of steps.slice(0, count)) life.step(step);
  return life;
}

describe('a run that begins', () => {
  it('without a registry row knows nothing of its node', () => {
    const nobody = unknownNode('abc-123', null, contract);
    expect(nobody).toEqual({
      node_id: 'abc-123',
      attempt: 0,
      incarnation: null,
      introspection: null,
      ...NOTHING_YET,
      since: null,
      reducer: initialState(contract),
      reason: null,
      causation_id: '',
    });
    expect(nobody).toMatchObject({ state: null, refresh_due: false, refreshing: false, ended: false });
    expect(nodeOfRow('abc-123', null, contract, NOW)).toEqual(nobody);
  });

  it('with the row of an ended attempt knows its number, its incarnation, and how its reducer ended', () => {
    const node = nodeOfRow('abc-123', ended, contract, NOW);
    expect(node).toEqual({
      ...unknownNode('abc-123', null, contract),
      attempt: 3,
      incarnation: { correlation_id: 'c-1', epoch: 4, at: BEGINNING, seen: ['c-1'] },
      introspection,
      reducer: { ...initialState(contract), status: 'failed' },
    });
    expect(isOver(node)).toBe(true);
    expect(node.incarnation).not.toHaveProperty('instance_id');
    const ofProcess = nodeOfRow('abc-123', { ...ended, instance_id: 'p-1' }, contract, NOW);
    expect(ofProcess.incarnation).toEqual({ ...node.incarnation, instance_id: 'p-1' });
  });

  it('knows when an attempt ended that no event of the contract announced', () => {
    const unannouncedEnd = (row: Partial<NodeRow>) =>
      nodeOfRow('abc-123', { ...ended, ended_at: NOW, ...row }, contract, NOW).incarnation?.unannounced_end;
    expect(unannouncedEnd({ state: 'DEREGISTERED' })).toBe(NOW);
    expect(unannouncedEnd({ state: 'LIVENESS_EXPIRED' })).toBeUndefined();
    expect(unannouncedEnd({ state: 'a state of another contract' })).toBe(NOW);
    expect(unannouncedEnd({ state: 'DEREGISTERED', ended_at: null })).toBeUndefined();
  });

  it.each([
    ['has not ended', { ...ended, state: 'AWAITING_ACK', unfinished: true }],
    ['has not ended, where it should have a lease', { ...living, lasting: null, unfinished: true }],
    ['lasts in a state without a lease', { ...living, state: 'AWAITING_ACK' }],
  ])('with the row of an attempt that %s takes it as unfinished', (_, row) => {
    const node = nodeOfRow('abc-123', row, contract, NOW);
    expect(node).toEqual({ ...unknownNode('abc-123', row, contract), state: row.state, unfinished: true });
  });

  it('with the row of an attempt that lives by a lease adopts it, and is to look at the lease at once', () => {
    expect(nodeOfRow('abc-123', { ...living, reason: 'why' }, contract, NOW)).toEqual({
      ...unknownNode('abc-123', living, contract),
      state: 'ACTIVE',
      since: lasting.state_since,
      reducer: { ...initialState(contract), status: 'complete', consul_confirmed: true, postgres_confirmed: true },
      reason: 'why',
      round: 1,
      timer_due: NOW,
      ack_deadline: lasting.ack_deadline,
      liveness_deadline: lasting.liveness_deadline,
      causation_id: 'm-1',
    });
  });
});

describe('a registration', () => {
  it.each([
    ['that has not begun', 0, true, null],
    ['on its way into its first state', 1, false, 'PENDING_REGISTRATION'],
    ['in a state', 2, false, 'AWAITING_ACK'],
    ['on its way into the next state', 3, false, 'ACK_RECEIVED'],
  ])('%s is over or not, and meets messages in that state', (_, count, over, state) => {
    const { node } = after(count);
    expect(isOver(node)).toBe(over);
    expect(currentState(node)).toBe(state);
  });

  it('is over as soon as it is only cleaned up', () => {
    const life = after(4);
    life.step({ do: 'introspect', of: 2, reason: 'shutdown', epoch: false, data: 0 });
    expect(life.node.entering?.ending).toBe(true);
    expect(isOver(life.node)).toBe(true);
    expect(isOver(withChanges(after(4).node, { ended: true }))).toBe(true);
  });

  it('lives by a lease in ACTIVE, and while it is drained', () => {
    const names = [null, 'NOWHERE', ...Object.keys(contract.orchestrator.states)];
    expect(names.filter((state) => livesByLease(state, contract))).toEqual(['ACTIVE', 'DRAINING']);
    expect(livesByLease('ACTIVE', { ...contract, timers: {} })).toBe(false);
  });

  it('that is superseded has the refresh that was under way due again', () => {
    const { node } = after(4);
    expect(superseded(node)).toBe(node);
    const refreshing = withRefreshStarted(withChanges(node, { refresh_due: true, refresh_refused: 'forbidden' }));
    expect(refreshing).toMatchObject({ refresh_due: false, refreshing: true, refresh_refused: null });
    expect(superseded(refreshing)).toEqual({ ...refreshing, refresh_due: true, refreshing: false });
  });
});

describe('the values that a contract may name', () => {
  const { first_deadline_seconds, window_seconds, heartbeat_interval_seconds } = contract.liveness;
  const ofContract = {
    first_deadline_seconds,
    window_seconds,
    heartbeat_interval_seconds,
    contract_version: contract.version,
  };

  it('are empty for a node that nobody knows', () => {
    expect(variables(unknownNode('abc-123', null, contract), contract)).toEqual({
      node_id: 'abc-123',
      node_type: null,
      node_version: null,
      endpoints: {},
      capabilities: [],
      correlation_id: null,
      epoch: null,
      introspected_at: null,
      registration_attempt_id: derivedId('abc-123', '', 'attempt', 0),
      attempt: 0,
      state: null,
      entering: null,
      discoverable: false,
      lease: null,
      previous_state: null,
      reducer_status: 'idle',
      reason: null,
      check_output: null,
      round: 0,
      rounds: null,
      rounds_left: null,
      ack_deadline: null,
      liveness_deadline: null,
      last_heartbeat_at: null,
      ...ofContract,
    });
  });

  it('are those of an ACTIVE node', () => {
    const { node } = after(4);
    expect(variables(withChanges(node, { last_heartbeat_at: NOW, reason: 'why' }), contract)).toEqual({
      node_id: 'abc-123',
      node_type: 'effect',
      node_version: '1.0.0',
      endpoints: { health: 'http://10.0.0.1/health' },
      capabilities: ['capability.0'],
      correlation_id: 'c-1',
      epoch: 1,
      introspected_at: BEGINNING,
      registration_attempt_id: derivedId('abc-123', 'c-1', 'attempt', 1),
      attempt: 1,
      state: 'ACTIVE',
      entering: 'ACTIVE',
      discoverable: true,
      lease: 'open',
      previous_state: 'ACK_RECEIVED',
      reducer_status: 'complete',
      reason: 'why',
      check_output: null,
      round: 1,
      rounds: 3,
      rounds_left: 2,
      ack_deadline: plusSeconds(BEGINNING, 30),
      liveness_deadline: plusSeconds(BEGINNING, 30),
      last_heartbeat_at: NOW,
      ...ofContract,
    });
  });

  it("have what Consul's check says in the state that a node is going to, and while it is in it", () => {
    const { node } = after(4);
    const draining = withChanges(node, {
      entering: { state: 'DRAINING', steps: [], ending: false },
      reason: 'ada: a new disk',
    });
    expect(variables(draining, contract).check_output).toBe('draining: ada: a new disk');
    const there = withChanges(draining, { entering: null, state: 'DRAINING', reason: 'x'.repeat(1024) });
    expect(variables(there, contract).check_output).toBe(`draining: ${'x'.repeat(1013)}…`);
  });

  it('say where a node is, and where it is going', () => {
    expect(variables(after(3).node, contract)).toMatchObject({
      state: 'ACK_RECEIVED',
      entering: 'ACTIVE',
      discoverable: false,
      lease: null,
    });
  });
});

describe('a ban', () => {
  const free = unknownNode('abc-123', null, contract);

  it('is known as the registry has it now: laid on, kept, and lifted', () => {
    const banned = withBan(free, 'it corrupts its queue');
    expect(banned).toEqual({ ...free, ban: 'it corrupts its queue' });
    expect(withBan(banned, 'it corrupts its queue')).toBe(banned);
    expect(withBan(banned, null)).toEqual({ ...free, ban: null });
    expect(withBan(free, null)).toBe(free);
  });
});
