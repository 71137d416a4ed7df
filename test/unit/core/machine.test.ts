import { describe, expect, it } from 'vitest';
import type { CompiledContract, State } from '../../../src/contracts/compiled.js';
import { loadContracts } from '../../../src/contracts/load.js';
import { derivedId } from '../../../src/protocol/ids.js';
import { enter, fire, reduceAndFire, stepDone } from '../../../workflows/core/machine.js';
import { initialState } from '../../../workflows/core/reducer.js';
import { unknownNode, withChanges, type Registration } from '../../../workflows/core/registration.js';
import { plusSeconds } from '../../../workflows/core/time.js';
import { laidOver } from '../contracts/contract-files.js';
import { Life, type LifeStep } from './life.js';

/** The orchestrator's machine, also under contracts that do not ship. */

const shipped = loadContracts().compiled;

const introspect: LifeStep = { do: 'introspect', of: 1, reason: 'startup', epoch: false, data: 0 };
const wellGoes: LifeStep = { do: 'all goes well' };
const ack: LifeStep = { do: 'ack', of: 'current', late: false };
function after(contract: CompiledContract, ...steps: readonly LifeStep[]): Life {
  const life = new Life(contract);
  for (const one of steps) life.step(one);
  return life;
}
/** The shipped contract with a state of the orchestrator changed. */
function withState(name: string, changes: (state: State) => Partial<State>): CompiledContract {
  const { orchestrator } = shipped;
  const state = orchestrator.states[name] ?? expect.fail();
  return {
    ...shipped,
    orchestrator: { ...orchestrator, states: { ...orchestrator.states, [name]: { ...state, ...changes(state) } } },
  };
}
const transition = (to: string) => ({ to, reason: null, conditions: [] });
const { node: active, now } = after(shipped, introspect, wellGoes, ack, wellGoes);

describe('the way into a state', () => {
  it('that the contract does not have is at its end at once, and the run goes on', () => {
    const { registration, notes } = enter(active, 'NOWHERE', now, shipped);
    expect(registration).toMatchObject({ state: 'NOWHERE', entering: null, ended: false, timer_due: active.timer_due });
    expect(notes).toEqual(['ACTIVE -> NOWHERE']);
  });

  it('without entry actions goes on to the next state, and what the one before was is over', () => {
    // Terminal, unless a transition leads on.
    const contract = withState('AWAITING_ACK', () => ({ entry_actions: [] }));
    const late: LifeStep = { do: 'time passes', seconds: 31, finding: { fires: true } };
    const { node } = after(contract, introspect, wellGoes, late, wellGoes);
    expect(node).toMatchObject({ state: 'AWAITING_ACK', round: 2, entering: null, ended: false });
  });

  it('does not go on where the introduction has led elsewhere', () => {
    const onward = withState('PENDING_REGISTRATION', ({ transitions }) => ({
      transitions: { ...transitions, entry_done: transition('ACCEPTED') },
    }));
    const contract = {
      ...onward,
      admission: [{ require: { field: 'node_type', operator: '==', value: 'x' } as const, reason: 'no' }],
    };
    const { node } = after(contract, introspect, { do: 'answer publish', how: 'published' });
    expect(node).toMatchObject({ state: 'PENDING_REGISTRATION', entering: { state: 'REJECTED' }, reason: 'no' });
  });
});

describe('an introduction', () => {
  const initiated: LifeStep = { do: 'answer publish', how: 'published' };

  it('gives the reducer the introspection, by its correlation_id', () => {
    const { node } = after(shipped, introspect, initiated);
    expect(node.reducer).toMatchObject({ status: 'pending', seen_event_ids: ['c-1'] });
  });

  it('of a node without an incarnation has no id', () => {
    const { node } = after(shipped, introspect);
    const sent = { sent_at: now, last_id: 'event' };
    const { registration } = stepDone(withChanges(node, { incarnation: null }), now, shipped, sent);
    expect(registration.reducer).toMatchObject({ status: 'pending', seen_event_ids: [''] });
  });

  it("that does not meet the conditions of the reducer's contract is refused in words", () => {
    const contract = laidOver({
      reducer: `state_machine:
  transitions: [{ from_state: "idle", to_state: "pending", trigger: "introspection_received", conditions: [{ expression: "node_id == nobody" }] }]
`,
    }).compiled;
    expect(after(contract, introspect, initiated).node).toMatchObject({
      entering: { state: 'REJECTED' },
      reason: "the introspection does not meet the conditions of the reducer's contract",
      reducer: { status: 'failed', last_processed_event_id: derivedId('c-1', 'validation_failed') },
    });
  });

  it('comes with the first state alone: a node that leaves before is not introduced', () => {
    const life = after(shipped, introspect, { ...introspect, of: 2, reason: 'shutdown' });
    expect(life.node).toMatchObject({ state: 'DEREGISTERED', reducer: { status: 'idle' } });
  });

  it('comes once: a way back into the initial state is none', () => {
    const contract = withState('ACTIVE', ({ transitions }) => ({
      transitions: { ...transitions, again: transition('PENDING_REGISTRATION') },
    }));
    const reducer = initialState(contract);
    const { registration } = fire(withChanges(active, { reducer }), 'again', now, contract);
    const { registration: back, intents } = stepDone(registration, now, contract, { sent_at: now, last_id: 'event' });
    expect(back).toMatchObject({ state: 'PENDING_REGISTRATION', reducer });
    expect(intents).toEqual([]);
  });
});

describe('a trigger for the reducer that it has no transition for', () => {
  it('changes nothing, whatever its reason', () => {
    const { registration } = reduceAndFire(active, { id: 'e', trigger: 'unheard_of', reason: 'why' }, now, shipped);
    expect(registration).toBe(active);
  });
});

describe('a deadline that is stamped at the send', () => {
  const sent = { sent_at: plusSeconds(now, -5), last_id: 'event' };
  /** A node whose accepted is being published, with these stamps. */
  function accepted(stamps: Readonly<Record<string, string>>): [Registration, CompiledContract] {
    const event = shipped.events['emit_registration_accepted'] ?? expect.fail();
    const contract = {
      ...shipped,
      events: { ...shipped.events, emit_registration_accepted: { ...event, stamps } },
    };
    const before = withChanges(active, { state: 'ACCEPTED', timer_due: null, ack_deadline: null });
    return [enter(before, 'AWAITING_ACK', now, contract).registration, contract];
  }

  it("is the acks' deadline, and the state's own timer counts from there", () => {
    const [node, contract] = accepted({ ack_deadline: 'ack' });
    const due = plusSeconds(sent.sent_at, 30);
    expect(stepDone(node, now, contract, sent).registration).toMatchObject({
      state: 'AWAITING_ACK',
      ack_deadline: due,
      timer_due: due,
      causation_id: 'event',
    });
  });

  it.each([
    ['by the timer of another state', { looked_at: 'liveness' }],
    ['by a timer that the contract does not have', { looked_at: 'nothing' }],
  ])('%s is neither', (_, stamps) => {
    const [node, contract] = accepted(stamps);
    expect(stepDone(node, now, contract, sent).registration).toMatchObject({
      state: 'AWAITING_ACK',
      ack_deadline: null,
      timer_due: plusSeconds(now, 30),
    });
  });
});

describe('a step that is done', () => {
  it('is done also where the contract has neither its state nor its event any more', () => {
    const steps = [{ kind: 'publish', actions: ['emit_nothing', 'emit_registration_accepted'] }] as const;
    const node = withChanges(active, { entering: { state: 'NOWHERE', steps, ending: false }, timer_due: null });
    const { registration } = stepDone(node, now, shipped, { sent_at: now, last_id: 'event' });
    expect(registration).toMatchObject({ state: 'NOWHERE', ack_deadline: plusSeconds(now, 30), timer_due: null });
  });

  it('of a node that is on no way changes nothing', () => {
    expect(stepDone(active, now, shipped, { sent_at: now, last_id: 'event' }).registration).toBe(active);
    const nobody = unknownNode('abc-123', null, shipped);
    expect(fire(nobody, 'shutdown_received', now, shipped).registration).toBe(nobody);
  });
});
