import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadContracts } from '../../../src/contracts/load.js';
import { REASONS, type Introspection } from '../../../src/protocol/introspection.js';
import { plusSeconds } from '../../../workflows/core/time.js';
import * as core from '../../../workflows/core/index.js';
import type { Message, ReducerEvent, ReducerState, Registration } from '../../../workflows/core/index.js';
import { assertProperty } from '../../run/properties.js';

/** "node-registrar/core": plain data in, frozen plain data out; nothing that is given is changed. */

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}

/** Paths at which a value is not frozen. */
function unfrozen(value: unknown, path: string): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return [
    ...(Object.isFrozen(value) ? [] : [path]),
    ...Object.entries(value).flatMap(([key, inner]) => unfrozen(inner, `${path}.${key}`)),
  ];
}

const contract = deepFreeze(loadContracts().compiled);
const START = '2026-01-01T00:00:00.000Z';
const REGISTER = ['emit_consul_intent', 'emit_postgres_intent', 'emit_consul_pass_intent', 'emit_postgres_end_intent'];
const TRIGGERS = [
  'introspection_received',
  'validation_failed',
  'error_received',
  'reset',
  'consul_confirmed',
  'postgres_confirmed',
];

const seconds = fc.integer({ min: 0, max: 90 });
const time = seconds.map((after) => plusSeconds(START, after));
const id = fc.constantFrom('c-1', 'c-2', 'c-3');
const introspection: fc.Arbitrary<Introspection> = fc.record({
  message_id: fc.uuid(),
  correlation_id: id,
  node_id: fc.constant('abc-123'),
  node_type: fc.constantFrom('effect', 'compute'),
  node_version: fc.constantFrom('1.0.0', '2.0.0-rc.1'),
  endpoints: fc.dictionary(fc.constantFrom('health', 'api'), fc.webUrl()),
  capabilities: fc.array(fc.constantFrom('storage', 'batch'), { maxLength: 2 }),
  reason: fc.constantFrom(...REASONS),
  epoch: fc.option(fc.nat(3), { nil: null }),
  at: time,
});
const message: fc.Arbitrary<Message> = fc.oneof(
  fc.record({ event_model: fc.constant('ModelNodeIntrospectionEvent' as const), payload: introspection }),
  fc.record({
    event_model: fc.constant('ModelNodeRegistrationAcked' as const),
    payload: fc.record({ message_id: fc.uuid(), node_id: fc.constant('abc-123'), correlation_id: id, at: time }),
  }),
  fc.record({
    event_model: fc.constant('ModelRegistrationReset' as const),
    payload: fc.record({ message_id: fc.uuid() }),
  }),
);
const reducerEvent: fc.Arbitrary<ReducerEvent> = fc.record({
  id,
  trigger: fc.constantFrom(...TRIGGERS),
  node_id: fc.constantFrom('abc-123', ''),
});

const purpose = fc.constantFrom('registration' as const, 'step' as const, 'refresh' as const);
const answer: fc.Arbitrary<core.Answer> = fc.oneof(
  fc.record({
    kind: fc.constant('confirmed' as const),
    purpose,
    event: fc.record({
      event_type: fc.constantFrom(...Object.keys(contract.confirmations), 'consul.passed'),
      correlation_id: id,
    }),
  }),
  fc.record({
    kind: fc.constant('refused' as const),
    purpose,
    route: fc.constantFrom(...Object.values(contract.effects)),
    reason: fc.string(),
  }),
  fc.record({ kind: fc.constant('fenced' as const), purpose, by: fc.integer({ min: 0, max: 9 }) }),
  fc.record({ kind: fc.constant('settled' as const), purpose }),
  fc.record({
    kind: fc.constant('published' as const),
    types: fc.constant(['NodeBecameActive']),
    refused: fc.constant([]),
    sent_at: time,
    last_id: fc.uuid(),
  }),
  fc.record({
    kind: fc.constant('not published' as const),
    types: fc.constant(['NodeBecameActive']),
    reason: fc.string(),
  }),
);
const finding: fc.Arbitrary<core.Finding> = fc.oneof(
  fc.record({ fires: fc.constant(true as const), last_heartbeat_at: fc.option(time, { nil: null }) }),
  fc.record({
    fires: fc.constant(false as const),
    again_in_seconds: fc.integer({ min: -5, max: 100 }),
    why: fc.option(fc.string(), { nil: null }),
  }),
);
const flight = fc.constantFrom('none' as const, 'in flight' as const, 'cancelled' as const);
const surroundings: fc.Arbitrary<core.Surroundings> = fc.record({
  now: time,
  inbox: fc.array(message, { maxLength: 3 }),
  answered: fc.boolean(),
  effects: flight,
  publish: flight,
  suspected: fc.boolean(),
  everybodyAnswered: fc.boolean(),
  continueAsNew: fc.boolean(),
});

/** The walk goes on from what a turn led to. */
function went(walk: Walk, turn: core.Turn): core.Turn {
  walk.node = turn.registration;
  return turn;
}

/** One call with random arguments, of which each is deeply frozen; the answers are looked at, and walked on from. */
interface Walk {
  node: Registration;
  reducer: ReducerState;
}
type Draw = <T>(from: fc.Arbitrary<T>) => T;
const CALLS: Readonly<Record<keyof typeof core, (walk: Walk, draw: Draw) => unknown>> = {
  decide: ({ node }, draw) => core.decide(node, draw(message), contract),
  applyOutput(walk, draw) {
    const output = core.decide(walk.node, draw(message), contract);
    return went(walk, core.applyOutput(walk.node, output, draw(time), contract));
  },
  beginAttempt(walk, draw) {
    const refusal = draw(fc.option(fc.constant('too old'), { nil: null }));
    const beginning = { introspection: draw(introspection), attempt: walk.node.attempt + 1, refusal };
    return went(walk, core.beginAttempt(walk.node, beginning, draw(time), contract));
  },
  beginAgain: (walk, draw) => went(walk, core.beginAgain(walk.node, draw(time), contract)),
  applyAnswer: (walk, draw) => went(walk, core.applyAnswer(walk.node, draw(answer), draw(time), contract)),
  timerChecked: (walk, draw) => went(walk, core.timerChecked(walk.node, draw(finding), draw(time), contract)),
  next: ({ node }, draw) => core.next(node, draw(surroundings), contract),
  fire(walk, draw) {
    const turn = core.fire(
      walk.node,
      draw(fc.constantFrom('ack_timeout', 'lease_expired', 'entry_done', 'shutdown_received', 'ack_received')),
      draw(time),
      contract,
    );
    walk.node = turn.registration;
    return turn;
  },
  stepDone(walk, draw) {
    const published = draw(fc.option(fc.record({ sent_at: time, last_id: fc.uuid() }), { nil: undefined }));
    const turn =
      published === undefined
        ? core.stepDone(walk.node, draw(time), contract)
        : core.stepDone(walk.node, draw(time), contract, published);
    walk.node = turn.registration;
    return turn;
  },
  eventsOf: ({ node }) => core.eventsOf(node, Object.keys(contract.events), contract),
  intentsOf: ({ node }) => core.intentsOf(node, REGISTER, contract),
  initialState: (walk) => (walk.reducer = core.initialState(contract)),
  reduce(walk, draw) {
    const output = core.reduce(walk.reducer, draw(reducerEvent), contract);
    walk.reducer = output.state;
    return output;
  },
  withConfirmed: (walk) => core.withConfirmed(walk.reducer, 'consul_confirmed'),
  withStatus: (walk, draw) => core.withStatus(walk.reducer, 'partial', draw(reducerEvent)),
  isOver: ({ node }) => core.isOver(node),
  livesByLease: ({ node }) => core.livesByLease(node.state, contract),
  unknownNode(_, draw) {
    const known = draw(introspection);
    const { correlation_id, epoch, at } = known;
    return core.unknownNode(
      'abc-123',
      deepFreeze({
        attempt: 3,
        correlation_id,
        epoch,
        introspected_at: at,
        state: 'REJECTED',
        reducer_status: 'failed',
        reason: null,
        introspection: known,
        lasting: null,
        unfinished: false,
      }),
      contract,
    );
  },
};

describe('the core, whatever it is given', () => {
  it('is covered here: each function that it exports', () => {
    expect(Object.keys(CALLS).sort()).toEqual(Object.keys(core).sort());
  });

  it('changes nothing, and answers with data that is frozen through and through', () => {
    const called = new Set<string>();
    assertProperty(
      fc.property(
        fc.array(fc.constantFrom(...(Object.keys(CALLS) as (keyof typeof core)[])), { minLength: 1, maxLength: 30 }),
        fc.gen(),
        (names, gen) => {
          const draw: Draw = (from) => deepFreeze(gen(() => from));
          const walk: Walk = {
            node: core.unknownNode('abc-123', null, contract),
            reducer: core.initialState(contract),
          };
          for (const name of names) {
            called.add(name);
            // A change of what is given would throw: it is frozen.
            const answer = CALLS[name](walk, draw);
            for (const each of [answer, walk.node, walk.reducer]) expect(unfrozen(each, name)).toEqual([]);
          }
        },
      ),
      { numRuns: 500 },
    );
    expect([...called].sort()).toEqual(Object.keys(core).sort());
  });
});
