import { describe, expect, it } from 'vitest';
import type { CompiledContract, Machine } from '../../../src/contracts/compiled.js';
import { loadContracts } from '../../../src/contracts/load.js';
import type { Introspection } from '../../../src/protocol/introspection.js';
import { decide } from '../../../workflows/core/decide.js';
import { beginAttempt } from '../../../workflows/core/attempt.js';
import { applyOutput } from '../../../workflows/core/handle.js';
import { HANDLERS, type Handler, type Handlers } from '../../../workflows/core/handlers/index.js';
import { ignore, output } from '../../../workflows/core/handlers/output.js';
import { matchRow } from '../../../workflows/core/matrix.js';
import { eventsOf } from '../../../workflows/core/outgoing.js';
import { initialState } from '../../../workflows/core/reducer.js';
import { unknownNode, withChanges, type Registration } from '../../../workflows/core/registration.js';
import { contractDirectory, laidOver } from '../contracts/contract-files.js';
import { A_STARTUP } from './a-startup.js';

const contract = loadContracts().compiled;

const startup: Introspection = A_STARTUP;
const nobody = unknownNode('abc-123', null, contract);
/** The node of `startup` in one of its states. */
const inState = (state: string, from: Introspection = startup): Registration =>
  withChanges(
    beginAttempt(nobody, { introspection: from, attempt: 1, refusal: null }, from.at, contract).registration,
    { state, entering: null },
  );
const send = (registration: Registration, changes: Partial<Introspection>) =>
  decide(
    registration,
    {
      event_model: 'ModelNodeIntrospectionEvent',
      payload: { ...startup, correlation_id: 'c-2', at: '2026-01-01T00:00:20.000Z', ...changes },
    },
    contract,
  );

const RUNNING = ['PENDING_REGISTRATION', 'ACCEPTED', 'AWAITING_ACK', 'ACK_RECEIVED', 'ACK_TIMED_OUT', 'ACTIVE'];

describe('an introspection', () => {
  it('of an unknown node begins an attempt, whatever its reason but shutdown', () => {
    for (const reason of ['startup', 'request', 'heartbeat', 'health_change', 'capability_change'] as const)
      expect(send(nobody, { reason }).action).toBe('emit_registration_initiated');
    expect(send(nobody, { reason: 'shutdown' }).action).toBe('no_op');
  });

  it.each(RUNNING)('of a new incarnation supersedes %s', (state) => {
    expect(send(inState(state), {}).events).toMatchObject([{ event: 'attempt_requested', refusal: null }]);
  });

  it.each(RUNNING)('that is a duplicate or stale does nothing in %s', (state) => {
    expect(send(inState(state), { correlation_id: 'c-1' }).events).toEqual([]);
    expect(send(inState(state), { at: '2026-01-01T00:00:09.999Z' }).events).toEqual([]);
    expect(send(inState(state), { at: '2026-01-01T00:00:09.999Z', reason: 'shutdown' }).events).toEqual([]);
  });

  it('that does nothing is named with its reason, and with where the node is', () => {
    expect(send(nobody, { reason: 'shutdown' }).ignored).toBe('a newer introspection (reason shutdown) in state none');
    expect(send(inState('ACTIVE'), { at: '2026-01-01T00:00:09.999Z' }).ignored).toBe(
      'a stale introspection (reason startup) in state ACTIVE',
    );
  });

  it('has the same data with its endpoints in another order', () => {
    const endpoints = { health: 'http://10.0.0.1/health', api: 'http://10.0.0.1/api' };
    const reversed = Object.fromEntries(Object.entries(endpoints).reverse());
    const known = inState('ACTIVE', { ...startup, endpoints });
    expect(send(known, { reason: 'request', endpoints: reversed }).events).toMatchObject([{ changed: false }]);
  });

  it('of a node without data has changed them, where a contract lets it refresh', () => {
    const refreshing = laidOver({
      orchestrator: `handler_routing:
  handlers:
    - event_model: { name: "ModelNodeIntrospectionEvent" }
      handler: { name: "HandlerNodeIntrospected" }
      state_decision_matrix: [{ current_state: null, action: "refresh", reason: "request" }]
`,
    }).compiled;
    const payload = { ...startup, reason: 'request' };
    const decided = decide(nobody, { event_model: 'ModelNodeIntrospectionEvent', payload }, refreshing);
    expect(decided.events).toMatchObject([{ event: 'introspected_again', changed: true }]);
  });

  it.each(RUNNING)('for another reason changes no state in %s, and says whether the data differ', (state) => {
    expect(send(inState(state), { reason: 'request' }).events).toMatchObject([
      { event: 'introspected_again', changed: false },
    ]);
    expect(send(inState(state), { reason: 'health_change', endpoints: {} }).events).toMatchObject([
      { event: 'introspected_again', changed: true },
    ]);
    expect(
      send(inState(state), { reason: 'capability_change', capabilities: ['storage', 'batch'] }).events,
    ).toMatchObject([{ changed: true }]);
  });

  it.each(RUNNING)('that says shutdown ends the node in %s', (state) => {
    expect(send(inState(state), { reason: 'shutdown' }).events).toMatchObject([
      { event: 'triggered', trigger: 'shutdown_received' },
    ]);
  });

  it('is ordered by epoch when both carry one, else by the time of its record', () => {
    const known = inState('ACTIVE', { ...startup, epoch: 7 });
    expect(send(known, { epoch: 8, at: '2025-01-01T00:00:00.000Z' }).action).toBe('emit_registration_initiated');
    expect(send(known, { epoch: 6 }).action).toBe('no_op');
    expect(send(known, { epoch: 7 }).action).toBe('emit_registration_initiated');
    expect(send(known, { epoch: null }).action).toBe('emit_registration_initiated');
  });

  it.each(RUNNING)("counts under its startup's own correlation_id in %s, unless it is a startup", (state) => {
    const again = { correlation_id: 'c-1' };
    expect(send(inState(state), { ...again, reason: 'startup' }).ignored).toContain('a duplicate introspection');
    expect(
      send(inState(state), { ...again, reason: 'capability_change', capabilities: ['batch'] }).events,
    ).toMatchObject([{ event: 'introspected_again', changed: true }]);
    expect(send(inState(state), { ...again, reason: 'shutdown' }).events).toMatchObject([
      { event: 'triggered', trigger: 'shutdown_received' },
    ]);
    expect(send(inState(state), { ...again, reason: 'shutdown', at: '2026-01-01T00:00:09.999Z' }).events).toEqual([]);
  });

  it('that says startup again for a superseded attempt is a repeat while the newer attempt runs', () => {
    const first = inState('ACTIVE');
    const { registration } = applyOutput(first, send(first, {}), '2026-01-01T00:00:20.000Z', contract);
    const repeat = { correlation_id: 'c-1', at: '2026-01-01T00:00:30.000Z' };
    expect(registration.attempt).toBe(2);
    expect(send(registration, repeat).ignored).toContain('a duplicate introspection');
    expect(send(registration, { ...repeat, correlation_id: 'c-3' }).action).toBe('emit_registration_initiated');
    expect(send(withChanges(registration, { ended: true }), repeat).action).toBe('emit_registration_initiated');
  });

  it('after an end begins an attempt with a later startup, also with a lower epoch', () => {
    const ended = withChanges(inState('DEREGISTERED', { ...startup, epoch: 5 }), { ended: true });
    expect(send(ended, { epoch: 1 }).action).toBe('emit_registration_initiated');
    expect(send(ended, { epoch: 1, at: startup.at }).action).toBe('no_op');
    expect(send(ended, { epoch: 9, at: '2026-01-01T00:00:09.999Z' }).action).toBe('no_op');
    expect(send(ended, { epoch: 1, reason: 'heartbeat' }).action).toBe('no_op');
    expect(send(ended, { epoch: 9, reason: 'shutdown' }).action).toBe('no_op');
  });

  it('delivered again after the run has ended resurrects nobody', () => {
    const record = {
      attempt: 3,
      correlation_id: 'c-1',
      epoch: null,
      introspected_at: startup.at,
      state: 'LIVENESS_EXPIRED',
      reducer_status: 'complete',
      reason: null,
      introspection: startup,
      lasting: null,
      unfinished: false,
    };
    const fresh = unknownNode('abc-123', record, contract);
    expect(send(fresh, { correlation_id: 'c-1', at: startup.at }).action).toBe('no_op');
    expect(send(fresh, { correlation_id: 'c-0', at: '2026-01-01T00:00:01.000Z' }).action).toBe('no_op');
    expect(send(fresh, {}).action).toBe('emit_registration_initiated');
  });

  it('of a node that is banned begins an attempt that is refused with the reason of the ban', () => {
    const decided = (ban: string | null) =>
      decide(withChanges(nobody, { ban }), { event_model: 'ModelNodeIntrospectionEvent', payload: startup }, contract)
        .events;
    expect(decided('no thanks')).toMatchObject([{ event: 'attempt_requested', refusal: 'no thanks' }]);
    expect(decided(null)).toMatchObject([{ event: 'attempt_requested', refusal: null }]);
  });

  it('that fails an admission rule begins an attempt that is refused with the reason of the rule', () => {
    const strict = loadContracts(
      contractDirectory({
        orchestrator:
          'admission:\n  - require: "node_version at_least 2.0.0"\n    reason: "version {node_version} of ' +
          '{node_id} is too old"\n',
      }),
    ).compiled;
    const decided = decide(nobody, { event_model: 'ModelNodeIntrospectionEvent', payload: startup }, strict);
    expect(decided.events).toMatchObject([
      { event: 'attempt_requested', refusal: 'version 1.2.3 of abc-123 is too old' },
    ]);
  });
});

describe('two processes with one id', () => {
  const first = inState('ACTIVE', { ...startup, instance_id: 'p-1' });
  const { registration } = applyOutput(
    first,
    send(first, { instance_id: 'p-2' }),
    '2026-01-01T00:00:20.000Z',
    contract,
  );
  const second = withChanges(registration, { state: 'ACTIVE', entering: null });
  const later = { at: '2026-01-01T00:00:30.000Z', correlation_id: 'c-3' };

  it('have the one whose startup is newer registered, under its own events', () => {
    expect(second).toMatchObject({ attempt: 2, incarnation: { instance_id: 'p-2', superseded: ['c-1'] } });
    expect(eventsOf(second, ['emit_became_active'], contract)).toMatchObject([
      { correlation_id: 'c-2', instance_id: 'p-2', supersedes: ['c-1'] },
    ]);
    expect(eventsOf(inState('ACTIVE'), ['emit_became_active'], contract)[0]).not.toHaveProperty('supersedes');
  });

  it.each(['shutdown', 'request', 'heartbeat', 'health_change', 'capability_change'] as const)(
    'leave what the other one sends (%s) without effect, and say whose it was',
    (reason) => {
      const { events, ignored } = send(second, { ...later, reason, instance_id: 'p-1', endpoints: {} });
      expect(events).toEqual([]);
      expect(ignored).toBe(
        `a stale introspection (reason ${reason}) of process p-1, while process p-2 holds the id, in state ACTIVE`,
      );
      expect(send(second, { ...later, reason, instance_id: 'p-2', endpoints: {} }).events).toHaveLength(1);
      expect(send(second, { ...later, reason, endpoints: {} }).events, 'of an unknown process').toHaveLength(1);
    },
  );

  it('let the other one come back after an end', () => {
    const over = withChanges(second, { ended: true });
    expect(send(over, { ...later, reason: 'request', instance_id: 'p-1' }).action).toBe('emit_registration_initiated');
    expect(send(over, { ...later, instance_id: 'p-1' }).action).toBe('emit_registration_initiated');
  });

  it('have only the acks of the registered one count', () => {
    const waiting = withChanges(second, { state: 'AWAITING_ACK' });
    const ack = { message_id: 'a-1', node_id: 'abc-123', correlation_id: 'c-2', at: '2026-01-01T00:00:30.000Z' };
    const of = (instance_id: string) =>
      decide(waiting, { event_model: 'ModelNodeRegistrationAcked', payload: { ...ack, instance_id } }, contract);
    expect(of('p-1').ignored).toBe('an ack of process p-1, while process p-2 holds the id');
    expect(of('p-2').events).toHaveLength(1);
  });
});

describe('an ack', () => {
  const ack = { message_id: 'a-1', node_id: 'abc-123', correlation_id: 'c-1', at: '2026-01-01T00:00:30.000Z' };
  const sendAck = (registration: Registration, changes: Partial<typeof ack> = {}) =>
    decide(registration, { event_model: 'ModelNodeRegistrationAcked', payload: { ...ack, ...changes } }, contract);
  const waiting = withChanges(inState('AWAITING_ACK'), { ack_deadline: '2026-01-01T00:00:40.000Z' });

  it('counts while it is waited for, up to its deadline, and sets the first liveness deadline 30 s later', () => {
    expect(sendAck(waiting).events).toEqual([
      {
        event: 'triggered',
        trigger: 'ack_received',
        causation_id: 'a-1',
        learnt: { liveness_deadline: '2026-01-01T00:01:00.000Z' },
      },
    ]);
    expect(sendAck(waiting, { at: '2026-01-01T00:00:40.000Z' }).events).toHaveLength(1);
    expect(sendAck(waiting, { at: '2026-01-01T00:00:40.001Z' }).ignored).toContain('after its deadline');
  });

  it('of another attempt, or in another state, is ignored and says why', () => {
    expect(sendAck(waiting, { correlation_id: 'c-0' }).ignored).toContain('c-0');
    for (const state of ['PENDING_REGISTRATION', 'ACK_TIMED_OUT', 'ACTIVE'])
      expect(sendAck(inState(state)).ignored).toContain(state);
    expect(sendAck(nobody).ignored).toBe('an ack in state none');
  });

  it('of a node that has no attempt is ignored, also where a contract accepts acks without one', () => {
    const row = { states: [null], reason: null, incarnation: null, action: 'accept_ack' };
    const route = { handler: 'HandlerNodeRegistrationAcked', matrix: [row] };
    const accepting = { ...contract, handlers: { ...contract.handlers, ModelNodeRegistrationAcked: route } };
    for (const correlation_id of ['c-1', 'none']) {
      const message = { event_model: 'ModelNodeRegistrationAcked', payload: { ...ack, correlation_id } };
      expect(decide(nobody, message, accepting).ignored).toBe(
        `an ack with correlation_id ${correlation_id}; the one of this attempt is none`,
      );
    }
  });
});

describe("an operator's retry", () => {
  const retry = { event_model: 'ModelRegistrationReset', payload: { message_id: 'r-1' } };
  const rejected = withChanges(inState('REJECTED'), {
    ended: true,
    reducer: { ...initialState(contract), status: 'failed' },
  });

  it('begins an attempt with the last introspection', () => {
    expect(decide(rejected, retry, contract).events).toEqual([
      { event: 'attempt_requested', introspection: { ...startup, message_id: 'r-1' }, refusal: null },
    ]);
  });

  it('of a node that fails an admission rule begins an attempt that is refused with the reason of the rule', () => {
    const strict = laidOver({
      orchestrator: 'admission:\n  - { require: "node_version at_least 2.0.0", reason: "{node_version} is too old" }\n',
    }).compiled;
    expect(decide(rejected, retry, strict).events).toMatchObject([
      { event: 'attempt_requested', refusal: '1.2.3 is too old' },
    ]);
  });

  it('of a node that is well has it written again', () => {
    expect(decide(inState('ACTIVE'), retry, contract)).toMatchObject({
      action: 'refresh',
      events: [{ event: 'refresh_requested' }],
      ignored: null,
    });
  });

  it('is ignored in words where there is nothing to retry', () => {
    expect(decide(nobody, retry, contract).ignored).toBe('a retry: this node has never introduced itself');
    const matrixless = { handler: 'HandlerRegistrationReset', matrix: [] };
    const never = { ...contract, handlers: { ...contract.handlers, ModelRegistrationReset: matrixless } };
    for (const [state, node] of [
      ['ACTIVE', inState('ACTIVE')],
      ['none', withChanges(rejected, { state: null })],
    ] as const)
      expect(decide(node, retry, never).ignored).toBe(`a retry in state ${state}: there is nothing to retry`);
  });

  it.each(['pending', 'partial', 'unknown'])(
    'begins an attempt while the one before is under way: its reducer (%s) needs no reset',
    (status) => {
      const under = withChanges(inState('PENDING_REGISTRATION'), {
        reducer: { ...initialState(contract), status },
      });
      expect(decide(under, retry, contract).ignored).toBeNull();
    },
  );

  it("is refused in words where the reducer's reset never holds", () => {
    const never = laidOver({
      reducer: `state_machine:
  transitions:
    - { from_state: "failed", to_state: "idle", trigger: "reset", conditions: [{ expression: "node_id == nobody" }] }
`,
    }).compiled;
    const refused = decide(rejected, retry, never);
    expect(refused.ignored).toBe('a retry: the reducer\'s contract has no transition on reset from "failed"');
    expect(refused.events).toEqual([]);
    // Only where it never holds: from "complete" it is as shipped.
    const complete = withChanges(rejected, { reducer: { ...rejected.reducer, status: 'complete' } });
    expect(decide(complete, retry, never).ignored).toBeNull();
  });
});

describe.each([
  ['a repair', 'ModelRepairRequested', 'a repair', ': there is nothing to write again'],
  ['the cancellation of a run', 'ModelRunCancelled', 'the cancellation of the run', ''],
])('%s', (_, event_model, named, why) => {
  const decided = (node: Registration) => decide(node, { event_model, payload: { message_id: 'r-1' } }, contract);

  it('that leads to nothing is ignored in words', () => {
    expect(decided(nobody).ignored).toBe(`${named} in state none${why}`);
    const over = withChanges(inState('REJECTED'), { ended: true });
    expect(decided(over)).toEqual({ action: 'no_op', events: [], ignored: `${named} in state REJECTED${why}` });
  });

  it('of an active node leads to its event', () => {
    const leaving = { event: 'triggered', trigger: 'run_cancelled', causation_id: 'r-1', learnt: {} };
    const event = event_model === 'ModelRunCancelled' ? leaving : { event: 'refresh_requested' };
    expect(decided(inState('ACTIVE')).events).toEqual([event]);
  });
});

it('a message whose model no handler has rows for matches none', () => {
  expect(matchRow(contract, 'ModelNobody', inState('ACTIVE'), {})).toBe('no_op');
});

describe('the table of handlers', () => {
  /** What another event model leads to: a row of the matrix, and a transition. */
  const quarantining: CompiledContract = {
    ...contract,
    handlers: {
      ...contract.handlers,
      ModelNodeQuarantined: {
        handler: 'HandlerNodeQuarantined',
        matrix: [{ states: ['ACTIVE'], reason: null, incarnation: null, action: 'quarantine' }],
      },
    },
    orchestrator: withTransition('ACTIVE', 'node_quarantined', 'AWAITING_ACK'),
  };
  function withTransition(from: string, trigger: string, to: string): Machine {
    const { states } = contract.orchestrator;
    const state = states[from] ?? expect.fail();
    const transitions = { ...state.transitions, [trigger]: { to, reason: 'in quarantine', conditions: [] } };
    return { ...contract.orchestrator, states: { ...states, [from]: { ...state, transitions } } };
  }
  const HandlerNodeQuarantined: Handler = (registration, { event_model, payload }, under) => {
    const action = matchRow(under, event_model, registration, {});
    if (action === 'no_op') return ignore(`a quarantine in state ${registration.state}`);
    const { message_id } = payload as { message_id: string };
    return output(action, { event: 'triggered', trigger: 'node_quarantined', causation_id: message_id });
  };
  const table: Handlers = { ...HANDLERS, HandlerNodeQuarantined };
  const message = { event_model: 'ModelNodeQuarantined', payload: { message_id: 'q-1' } };
  const decided = (registration: Registration) => {
    const made = decide(registration, message, quarantining, table);
    return applyOutput(registration, made, startup.at, quarantining).registration;
  };

  it('is where a new event model finds its handler: a pure function, a row, and the state changes', () => {
    expect(decided(inState('ACTIVE'))).toMatchObject({
      previous_state: 'ACTIVE',
      reason: 'in quarantine',
      causation_id: 'q-1',
      entering: { state: 'AWAITING_ACK', steps: [{ kind: 'publish', actions: ['emit_registration_accepted'] }] },
    });
  });

  it("decides by the new handler's own rows", () => {
    const waiting = inState('AWAITING_ACK');
    expect(decide(waiting, message, quarantining, table).ignored).toBe('a quarantine in state AWAITING_ACK');
    expect(decided(waiting)).toBe(waiting);
  });

  it('without the handler, or a contract without the event model, leaves the message ignored in words', () => {
    expect(decide(inState('ACTIVE'), message, quarantining).ignored).toBe(
      'ModelNodeQuarantined: there is no handler HandlerNodeQuarantined',
    );
    expect(decide(inState('ACTIVE'), message, contract, table).ignored).toBe(
      'ModelNodeQuarantined: the contract routes no handler to it',
    );
  });
});
