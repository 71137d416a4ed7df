import { describe, expect, it } from 'vitest';
import { loadContracts } from '../../../src/contracts/load.js';
import { derivedId } from '../../../src/protocol/ids.js';
import { applyAnswer, type Answer } from '../../../workflows/core/answer.js';
import { beginAgain } from '../../../workflows/core/attempt.js';
import { initialState } from '../../../workflows/core/reducer.js';
import {
  NOTHING_YET,
  unknownNode,
  withChanges,
  withRefreshStarted,
  type Registration,
} from '../../../workflows/core/registration.js';
import { plusSeconds } from '../../../workflows/core/time.js';
import { Life, type LifeStep } from './life.js';

/** What comes back from work, and what it means for the node. */

const contract = loadContracts().compiled;
const route = contract.effects['consul.register'] ?? expect.fail();
const nobody = unknownNode('abc-123', null, contract);

const introspect: LifeStep = { do: 'introspect', of: 1, reason: 'startup', epoch: false, data: 0 };
const wellGoes: LifeStep = { do: 'all goes well' };
const ack: LifeStep = { do: 'ack', of: 'current', late: false };
const initiated: LifeStep = { do: 'answer publish', how: 'published' };
/** Where these steps lead to. */
function after(...steps: readonly LifeStep[]): Life {
  const life = new Life(contract);
  for (const one of steps) life.step(one);
  return life;
}
const active = after(introspect, wellGoes, ack, wellGoes);
const registering = after(introspect, initiated);
const apply = ({ node, now }: Pick<Life, 'node' | 'now'>, answer: Answer) => applyAnswer(node, answer, now, contract);

describe('a publish that was given up', () => {
  it('is no reason to stop: deadlines count from now, and what follows is caused by what came before', () => {
    const { node, now } = after(introspect, initiated, wellGoes);
    const entering = {
      state: 'AWAITING_ACK',
      steps: [{ kind: 'publish' as const, actions: ['emit_registration_accepted'] }],
      ending: false,
    };
    const publishing = withChanges(node, { state: 'ACCEPTED', entering, ack_deadline: null, timer_due: null });
    const types = ['NodeRegistrationAccepted', 'NodeBecameActive'];
    const later = plusSeconds(now, 7);
    const answer: Answer = { kind: 'not published', types, reason: 'no broker' };
    const { registration, notes } = applyAnswer(publishing, answer, later, contract);
    expect(registration).toMatchObject({
      state: 'AWAITING_ACK',
      causation_id: node.causation_id,
      ack_deadline: plusSeconds(later, 30),
    });
    expect(notes[0]).toBe('gave up publishing NodeRegistrationAccepted, NodeBecameActive: no broker');
  });
});

describe('work that is settled', () => {
  const refreshing = withRefreshStarted(active.node);

  it('ends a refresh', () => {
    const { registration } = apply({ node: refreshing, now: active.now }, { kind: 'settled', purpose: 'refresh' });
    expect(registration).toEqual({ ...refreshing, refreshing: false });
  });

  it('of a registration means nothing by itself: its confirmations do', () => {
    const { registration } = apply({ node: refreshing, now: active.now }, { kind: 'settled', purpose: 'registration' });
    expect(registration).toBe(refreshing);
  });
});

describe('an answer that a backend holds a higher attempt', () => {
  const fenced: Answer = { kind: 'fenced', purpose: 'step', by: 7 };

  it('begins a new attempt above it', () => {
    expect(apply(active, fenced).registration).toMatchObject({ attempt: 8, reason: null });
  });

  it.each<[string, Registration]>([
    ['that is ending', after(introspect, wellGoes, ack, wellGoes, { ...introspect, of: 2, reason: 'shutdown' }).node],
    ['without data', withChanges(nobody, { attempt: 1 })],
  ])('begins none for a node %s, and the journal has it', (_, node) => {
    const turn = apply({ node, now: active.now }, fenced);
    expect(turn.registration).toBe(node);
    expect(turn.notes).toEqual(['a backend holds registration attempt 7, this is registration attempt 1']);
  });
});

describe('a confirmation', () => {
  const confirmed = (event_type: string, purpose: 'registration' | 'step'): Answer => ({
    kind: 'confirmed',
    purpose,
    event: { event_type, correlation_id: 'c-1' },
  });

  it('of the registration goes to the reducer', () => {
    const { registration, notes } = apply(registering, confirmed('consul.registered', 'registration'));
    expect(registration.reducer).toMatchObject({ status: 'partial', consul_confirmed: true });
    expect(notes).toEqual(['consul.registered']);
  });

  it.each([
    ['for a step', confirmed('consul.registered', 'step')],
    ['that the reducer does not know', confirmed('consul.passed', 'registration')],
  ])('%s is only noted', (_, answer) => {
    const { registration, notes } = apply(registering, answer);
    expect(registration).toBe(registering.node);
    expect(notes).toHaveLength(1);
  });

  it('of a node that nobody knows is ignored', () => {
    const { registration, notes } = apply(
      { node: nobody, now: active.now },
      confirmed('consul.registered', 'registration'),
    );
    expect(registration).toBe(nobody);
    expect(notes).toEqual(['ignored consul.registered of c-1']);
  });
});

describe('a refusal', () => {
  const refused = (purpose: 'registration' | 'step'): Answer => ({
    kind: 'refused',
    purpose,
    route,
    reason: 'consul: forbidden',
  });

  it('of a step ends it, and the node goes on as it is', () => {
    const { registration, notes } = apply(registering, refused('step'));
    expect(registration).toBe(registering.node);
    expect(notes).toEqual(['refused for good by consul: forbidden']);
  });

  it.each<[string, Registration, string]>([
    ['of the registration', registering.node, 'c-1'],
    ['where nobody knows the node', nobody, ''],
  ])('%s fails the reducer, once for each attempt and effect', (_, node, correlation_id) => {
    const { registration } = apply({ node, now: active.now }, refused('registration'));
    const id = derivedId(correlation_id, `${route.confirmation}.refused`, 'abc-123');
    expect(registration.reducer).toMatchObject({ status: 'failed', last_processed_event_id: id });
    expect(registration.reason).toBe('consul: forbidden');
    const again = apply({ node: registration, now: active.now }, refused('registration'));
    expect(again.registration).toBe(registration);
  });
});

describe('an attempt whose run is gone', () => {
  const lost = withChanges(active.node, { state: 'AWAITING_ACK', unfinished: true, attempt: 4 });

  it('begins again, as a new one, and the journal says why', () => {
    const { registration, notes } = beginAgain(lost, active.now, contract);
    expect(registration).toMatchObject({
      attempt: 5,
      unfinished: false,
      introspection: active.node.introspection,
      entering: { state: 'PENDING_REGISTRATION' },
      reducer: initialState(contract),
    });
    expect(notes).toEqual([
      'the run of registration attempt 4 is gone, and the attempt has not ended: it begins again',
      'reset: complete -> idle',
      'registration attempt 5 begins: introspection (startup) of 2026-01-01T00:00:00.000Z',
    ]);
  });

  it('without data of its node has nothing to begin with', () => {
    const unknown = withChanges(nobody, { attempt: 4, state: 'AWAITING_ACK', unfinished: true });
    const { registration, notes } = beginAgain(unknown, active.now, contract);
    expect(registration).toEqual({ ...unknown, ...NOTHING_YET });
    expect(notes).toEqual([]);
  });
});
