import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CompiledContract, State } from '../../../src/contracts/compiled.js';
import { loadContracts } from '../../../src/contracts/load.js';
import {
  canReset,
  initialState,
  reduce,
  restingState,
  type ReducerEvent,
  type ReducerState,
} from '../../../workflows/core/reducer.js';
import { assertProperty } from '../../run/properties.js';
import { FIXED_SEED, seeds } from '../../run/seeds.js';
import { laidOver } from '../contracts/contract-files.js';

const contract = loadContracts().compiled;
const idle = initialState(contract);
const event = (id: string, trigger: string): ReducerEvent => ({ id, trigger, node_id: 'abc-123' });
const run = (events: readonly ReducerEvent[], from: ReducerState = idle): ReducerState =>
  events.reduce((state, next) => reduce(state, next, contract).state, from);

const TRIGGERS = [
  'introspection_received',
  'validation_failed',
  'consul_confirmed',
  'postgres_confirmed',
  'error_received',
  'reset',
  'unheard_of',
];
const anyEvent = fc.record({
  id: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
  trigger: fc.constantFrom(...TRIGGERS),
  node_id: fc.constantFrom('abc-123', ''),
});
const anyEvents = fc.array(anyEvent, { maxLength: 12 });

describe('the reducer', () => {
  it('asks both backends when a node introduces itself', () => {
    const { state, intents } = reduce(idle, event('1', 'introspection_received'), contract);
    expect(state.status).toBe('pending');
    expect(intents).toEqual(['emit_consul_intent', 'emit_postgres_intent']);
  });

  it('is partial after the first backend and complete after the other', () => {
    const pending = run([event('1', 'introspection_received')]);
    const partial = run([event('2', 'postgres_confirmed')], pending);
    expect(partial).toMatchObject({ status: 'partial', postgres_confirmed: true, consul_confirmed: false });
    expect(run([event('3', 'postgres_confirmed')], partial)).toBe(partial);
    expect(run([event('4', 'consul_confirmed')], partial)).toMatchObject({
      status: 'complete',
      postgres_confirmed: true,
      consul_confirmed: true,
    });
  });

  it('does nothing for a node without an id', () => {
    expect(reduce(idle, { ...event('1', 'introspection_received'), node_id: '' }, contract)).toEqual({
      state: idle,
      intents: [],
    });
  });

  it('does nothing for a repeat, also where its contract would go on by the same trigger once more', () => {
    const twice = laidOver({
      reducer: `state_machine:
  transitions:
    - { from_state: "partial", to_state: "complete", trigger: "consul_confirmed", conditions: [] }
`,
    }).compiled;
    const pending = reduce(idle, event('1', 'introspection_received'), twice).state;
    const partial = reduce(pending, event('2', 'consul_confirmed'), twice).state;
    expect(reduce(partial, event('2', 'consul_confirmed'), twice)).toEqual({ state: partial, intents: [] });
    expect(reduce(partial, event('3', 'consul_confirmed'), twice).state.status).toBe('complete');
  });

  it('names the event that it has processed last, and all of this attempt; one that it ignored is none of them', () => {
    expect(idle).toMatchObject({ last_processed_event_id: null, seen_event_ids: [] });
    const events = [event('1', 'introspection_received'), event('2', 'consul_confirmed')];
    const processed = { last_processed_event_id: '2', seen_event_ids: ['1', '2'], node_id: 'abc-123' };
    expect(run(events.slice(0, 1))).toMatchObject({ last_processed_event_id: '1', seen_event_ids: ['1'] });
    expect(run(events)).toMatchObject(processed);
    expect(run([...events, event('3', 'unheard_of')])).toMatchObject(processed);
  });

  it('keeps the flag of the backend that succeeded when the other refuses', () => {
    const failed = run([
      event('1', 'introspection_received'),
      event('2', 'consul_confirmed'),
      event('3', 'error_received'),
    ]);
    expect(failed).toMatchObject({ status: 'failed', consul_confirmed: true, postgres_confirmed: false });
  });

  it.each(['failed', 'complete'])('begins anew from %s when it is reset', (status) => {
    expect(run([event('r', 'reset')], { ...idle, status, consul_confirmed: true })).toEqual(idle);
  });
});

/** The shipped contract with no transitions but these from one status of the reducer. */
function withTransitions(status: string, transitions: State['transitions']): CompiledContract {
  const { states } = contract.reducer;
  const state = states[status] ?? expect.fail();
  return { ...contract, reducer: { ...contract.reducer, states: { ...states, [status]: { ...state, transitions } } } };
}
const transition = (to: string) => ({ to, reason: null, conditions: [] });

describe('a reset', () => {
  const reset = event('r', 'reset');

  it.each(['failed', 'complete', 'pending', 'partial', 'idle', 'unheard_of'])('leads on from %s', (status) => {
    expect(canReset({ ...idle, status }, reset, contract)).toBe(true);
  });

  it.each([
    ['has no transition', {}],
    ['leads elsewhere', { reset: transition('partial') }],
  ])('that %s does not', (_, transitions) => {
    expect(canReset({ ...idle, status: 'failed' }, reset, withTransitions('failed', transitions))).toBe(false);
  });
});

describe('the state of an attempt of which only the status is known', () => {
  it.each([
    ['failed', 'failed'],
    ['complete', 'complete'],
    ['idle', 'idle'],
    ['pending', 'idle'],
    ['partial', 'idle'],
    ['unheard_of', 'idle'],
  ])('is, of one that was %s, %s', (status, expected) => {
    expect(restingState(status, contract)).toEqual({ ...idle, status: expected });
  });
});

describe('a contract', () => {
  it('may have confirmations without a flag, and states without actions', () => {
    const confirmations = { ...contract.confirmations, 'metrics.noted': { trigger: 'noted', flag: null } };
    const odd = { ...withTransitions('pending', { noted: transition('elsewhere') }), confirmations };
    expect(Object.keys(initialState(odd))).toEqual(Object.keys(idle));
    const after = reduce({ ...idle, status: 'pending' }, event('1', 'noted'), odd);
    expect(after).toMatchObject({ state: { status: 'elsewhere', consul_confirmed: false }, intents: [] });
    const lost = reduce(after.state, event('2', 'noted'), odd);
    expect(lost).toEqual({ state: after.state, intents: [] });
  });
});

describe('whatever the event, the reducer', () => {
  const deepFrozen = (value: unknown): boolean =>
    typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(deepFrozen));

  it('answers with frozen data, changes nothing that it was given, and always the same', () => {
    assertProperty(
      fc.property(anyEvents, anyEvent, (before, next) => {
        const state = run(before);
        const copy = JSON.stringify(state);
        const first = reduce(state, Object.freeze(next), contract);
        expect(reduce(state, next, contract)).toEqual(first);
        expect(JSON.stringify(state)).toBe(copy);
        expect(deepFrozen(first.state)).toBe(true);
      }),
    );
  });

  it('does nothing for a repeat, whatever an event with an id that was seen says', () => {
    let moving = 0;
    assertProperty(
      fc.property(anyEvents, anyEvent, (before, next) => {
        const state = run(before);
        for (const id of state.seen_event_ids) {
          const repeat = { ...next, id };
          // With an id of its own, the same event would change something.
          if (reduce(state, { ...repeat, id: 'new' }, contract).state !== state) moving += 1;
          const after = reduce(state, repeat, contract);
          expect(after.state).toBe(state);
          expect(after.intents).toEqual([]);
        }
      }),
      { numRuns: 500 },
    );
    if (seeds().includes(FIXED_SEED)) expect(moving).toBeGreaterThan(20);
  });

  it('stays within its declared states, each of which has a way out', () => {
    assertProperty(
      fc.property(anyEvents, (events) => {
        const { status } = run(events);
        expect(Object.keys(contract.reducer.states[status]?.transitions ?? {})).not.toEqual([]);
      }),
    );
  });

  it('ends the same in whatever order the backends confirm', () => {
    const confirmations = [
      event('c', 'consul_confirmed'),
      event('p', 'postgres_confirmed'),
      event('c', 'consul_confirmed'),
      event('p', 'postgres_confirmed'),
    ];
    assertProperty(
      fc.property(fc.shuffledSubarray(confirmations, { minLength: 4 }), (order) => {
        const {
          seen_event_ids: _,
          last_processed_event_id: __,
          ...end
        } = run(order, run([event('1', 'introspection_received')]));
        expect(end).toEqual({
          status: 'complete',
          node_id: 'abc-123',
          consul_confirmed: true,
          postgres_confirmed: true,
        });
      }),
    );
  });
});
