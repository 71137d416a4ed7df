import { describe, expect, it } from 'vitest';
import { compileContracts } from '../../../src/contracts/index.js';
import { loadContracts, type Contracts } from '../../../src/contracts/load.js';
import { contractDirectory, faultsOf, laidOver, type PartialContracts } from './contract-files.js';

/** Read in each test: what a module reads while it loads belongs to no test, for a mutation tool. */
const shipped = (): Contracts => loadContracts();

const timers = (row: string): PartialContracts => ({ orchestrator: `timers:\n  - { ${row} }\n` });
const event = (row: string): PartialContracts => ({ orchestrator: `published_events:\n  - { ${row} }\n` });
const effect = (row: string): PartialContracts => ({
  effect: `handler_routing:\n  handlers:\n    - { ${row} }\n`,
});
const pass = 'operation: "activate_node", backend: "consul"';

/** A key with its value, if an object has it at all. */
const held = (object: object | undefined, key: string) => Object.entries(object ?? {}).filter(([name]) => name === key);

describe('an edit of YAML alone', () => {
  // What is edited, the edit, what is looked at, what it becomes, and what it was.
  it.each<[string, PartialContracts, (contracts: Contracts) => unknown, unknown, unknown]>([
    ['a timeout', timers('timer: "ack", seconds: 5'), ({ compiled }) => compiled.timers['ack']?.seconds, 5, 30],
    ['the ack rounds', timers('timer: "ack", rounds: 7'), ({ compiled }) => compiled.timers['ack']?.rounds, 7, 3],
    [
      'what is asked before a timer fires',
      timers('timer: "liveness", verify: "acks_read"'),
      ({ compiled }) => compiled.timers['liveness']?.verify,
      'acks_read',
      'lease',
    ],
    [
      'what the check of Consul says in a state',
      { orchestrator: 'state_machine:\n  states:\n    - { state_name: "ACTIVE", check_output: "well" }\n' },
      ({ compiled: { orchestrator } }) =>
        ['ACTIVE', 'DRAINING', 'AWAITING_ACK'].map((state) => held(orchestrator.states[state], 'check_output')),
      [[['check_output', 'well']], [['check_output', 'draining: {reason}']], []],
      [[], [['check_output', 'draining: {reason}']], []],
    ],
    [
      'what is done on one way into a state',
      {
        orchestrator:
          'state_machine:\n  transitions:\n    - { from_state: "DRAINING", trigger: "undrain_requested", ' +
          'entry_actions: ["emit_became_active"] }\n',
      },
      ({ compiled: { orchestrator } }) =>
        ['undrain_requested', 'lease_expired'].map((trigger) =>
          held(orchestrator.states['DRAINING']?.transitions[trigger], 'entry_actions'),
        ),
      [[['entry_actions', ['emit_became_active']]], []],
      [[['entry_actions', ['emit_consul_pass_intent', 'emit_postgres_active_intent', 'emit_became_active']]], []],
    ],
    [
      'the topic of an event',
      event('action: "emit_became_active", topic: "alive"'),
      ({ compiled, topics }) => [compiled.events['emit_became_active']?.topic, topics['emit_became_active']],
      ['alive', 'alive'],
      Array(2).fill('{env}.{namespace}.onex.evt.node-became-active.v1'),
    ],
    [
      'whether ids stand at the top of an envelope',
      event('action: "emit_became_active", ids_at_top: true'),
      ({ compiled }) => compiled.events['emit_became_active']?.ids_at_top,
      true,
      false,
    ],
    [
      'that ids stand at the top of accepted',
      event('action: "emit_registration_accepted", ids_at_top: false'),
      ({ compiled }) => compiled.events['emit_registration_accepted']?.ids_at_top,
      false,
      true,
    ],
    [
      'that ids stand at the top of request-introspection',
      event('action: "request_introspection", ids_at_top: false'),
      ({ compiled }) => compiled.events['request_introspection']?.ids_at_top,
      false,
      true,
    ],
    [
      'tags and payload of request-introspection',
      event('action: "request_introspection", payload: { target_node_id: "{node_id}" }, tags: { why: "lost" }'),
      ({ compiled }) => [
        compiled.events['request_introspection']?.payload,
        compiled.events['request_introspection']?.tags,
      ],
      [{ target_node_id: '{node_id}' }, { why: 'lost' }],
      [{ target_node_id: '{node_id}' }, {}],
    ],
    [
      'event type and tags of a dead letter',
      event('action: "dead_letter", event_type: "Refused", tags: { team: "fleet" }'),
      ({ compiled }) => [compiled.events['dead_letter']?.event_type, compiled.events['dead_letter']?.tags],
      ['Refused', { team: 'fleet' }],
      ['NodeRegistrationDeadLetter', {}],
    ],
    [
      'which field a deadline is stamped into, and from which timer',
      {
        orchestrator:
          'timers:\n  - { timer: "grace", seconds: 7, trigger: "ack_timeout", verify: "acks_read" ' +
          '}\npublished_events:\n  - { action: "emit_registration_accepted", stamps: { ack_deadline: "grace" } ' +
          '}\n',
      },
      ({ compiled }) => compiled.events['emit_registration_accepted']?.stamps,
      { ack_deadline: 'grace' },
      { ack_deadline: 'ack' },
    ],
    [
      'which state is discoverable',
      {
        orchestrator:
          'state_machine:\n  states:\n    - { state_name: "ACTIVE", discoverable: false }\n    - { state_name: ' +
          '"ACCEPTED", discoverable: true }\n',
      },
      ({ compiled }) =>
        Object.entries(compiled.orchestrator.states).flatMap(([name, { discoverable }]) =>
          discoverable ? [name] : [],
        ),
      ['ACCEPTED'],
      ['ACTIVE'],
    ],
    [
      'the reason of a transition',
      {
        orchestrator:
          'state_machine:\n  transitions:\n    - { from_state: "ACTIVE", trigger: "lease_expired", reason: ' +
          '"silent" }\n',
      },
      ({ compiled }) => compiled.orchestrator.states['ACTIVE']?.transitions['lease_expired']?.reason,
      'silent',
      'no heartbeat within {window_seconds} s (last one: {last_heartbeat_at})',
    ],
    [
      'where an effect runs',
      effect(`${pass}, placement: "activity"`),
      ({ compiled }) => compiled.effects['consul.pass']?.placement,
      'activity',
      'local_first',
    ],
    [
      'how long an effect may take',
      effect(`${pass}, start_to_close_seconds: 3`),
      ({ compiled }) => compiled.effects['consul.pass']?.start_to_close_seconds,
      3,
      10,
    ],
    [
      'how an effect is retried',
      effect(
        `${pass}, retry: { initial_interval_seconds: 2, backoff_coefficient: 3, maximum_interval_seconds: 2, ` +
          'maximum_attempts: 5 }',
      ),
      ({ compiled }) => compiled.effects['consul.pass']?.retry,
      { initial_interval_seconds: 2, backoff_coefficient: 3, maximum_interval_seconds: 2, maximum_attempts: 5 },
      { initial_interval_seconds: 1, backoff_coefficient: 2, maximum_interval_seconds: 10 },
    ],
    [
      'which activity serves an intent',
      effect(`${pass}, handler: { name: "HandlerConsulRegister" }`),
      ({ compiled }) => compiled.effects['consul.pass']?.activity,
      'consul.register',
      'consul.pass',
    ],
    [
      'what an effect confirms',
      effect(`${pass}, confirmation: "consul.shown"`),
      ({ compiled }) => compiled.effects['consul.pass']?.confirmation,
      'consul.shown',
      'consul.passed',
    ],
    [
      'the local tries',
      {
        effect:
          'local_tries: { maximum_attempts: 3, initial_interval_seconds: 0.2, start_to_close_seconds: 2, ' +
          'schedule_to_close_seconds: 4 }\n',
      },
      ({ compiled }) => compiled.local_tries,
      {
        maximum_attempts: 3,
        initial_interval_seconds: 0.2,
        start_to_close_seconds: 2,
        schedule_to_close_seconds: 4,
      },
      {
        maximum_attempts: 2,
        initial_interval_seconds: 0.1,
        start_to_close_seconds: 1.5,
        schedule_to_close_seconds: 3,
      },
    ],
    [
      'how events are published',
      {
        effect:
          'calls:\n  - { call: "publish_events", placement: "activity", start_to_close_seconds: 4, retry: { ' +
          'maximum_attempts: 9 } }\n',
      },
      ({ compiled }) => compiled.calls.publish_events,
      {
        placement: 'activity',
        start_to_close_seconds: 4,
        retry: {
          initial_interval_seconds: 1,
          backoff_coefficient: 2,
          maximum_interval_seconds: 10,
          maximum_attempts: 9,
        },
      },
      {
        placement: 'local_first',
        start_to_close_seconds: 10,
        retry: { initial_interval_seconds: 1, backoff_coefficient: 2, maximum_interval_seconds: 10 },
      },
    ],
    [
      'how a question is asked',
      {
        effect: 'questions:\n  - { question: "verify_acks_read", start_to_close_seconds: 2, again_seconds: 9 }\n',
      },
      ({ compiled }) => compiled.questions,
      {
        verify_lease: { start_to_close_seconds: 1, again_seconds: 90 },
        verify_acks_read: { start_to_close_seconds: 2, again_seconds: 9 },
      },
      {
        verify_lease: { start_to_close_seconds: 1, again_seconds: 90 },
        verify_acks_read: { start_to_close_seconds: 1, again_seconds: 5 },
      },
    ],
    [
      'the execution mode, at the top and below',
      {
        effect:
          'execution_mode: "parallel"\nhandler_routing:\n  execution_mode: "sequential"\n  ' +
          'partial_failure_handling: false\n',
      },
      ({ compiled }) => [compiled.execution_mode, compiled.partial_failure_handling],
      ['parallel', false],
      ['parallel', true],
    ],
    [
      'the trigger and flag of a confirmation',
      {
        reducer:
          'confirmations:\n  - { event_type: "consul.passed", trigger: "consul_confirmed", sets: "shown_confirmed" }\n',
      },
      ({ compiled }) => compiled.confirmations['consul.passed'],
      { trigger: 'consul_confirmed', flag: 'shown_confirmed' },
      undefined,
    ],
    [
      'a confirmation without a flag',
      { reducer: 'confirmations:\n  - { event_type: "consul.passed", trigger: "consul_confirmed" }\n' },
      ({ compiled }) => compiled.confirmations['consul.passed'],
      { trigger: 'consul_confirmed', flag: null },
      undefined,
    ],
    [
      "an intent's payload",
      { reducer: 'intents:\n  - { action: "emit_consul_intent", payload: { tags: ["fleet"] } }\n' },
      ({ compiled }) => compiled.intents['emit_consul_intent']?.payload['tags'],
      ['fleet'],
      ['node_type:{node_type}', '{capabilities}'],
    ],
    [
      'what a refresh brings to the backends',
      { orchestrator: 'refresh_actions: ["emit_postgres_intent"]\n' },
      ({ compiled }) => compiled.refresh_actions,
      ['emit_postgres_intent'],
      ['emit_consul_refresh_intent', 'emit_postgres_refresh_intent'],
    ],
    [
      'who may come in',
      { orchestrator: 'admission:\n  - { require: "node_type in [effect, compute]", reason: "not here" }\n' },
      ({ compiled }) => compiled.admission,
      [{ require: { field: 'node_type', operator: 'in', value: ['effect', 'compute'] }, reason: 'not here' }],
      [],
    ],
    [
      'liveness, without its self-preservation',
      { orchestrator: 'liveness:\n  window_seconds: 45\n' },
      ({ compiled }) => compiled.liveness,
      { first_deadline_seconds: 30, window_seconds: 45, grace_seconds: 15, heartbeat_interval_seconds: 10 },
      { first_deadline_seconds: 30, window_seconds: 90, grace_seconds: 15, heartbeat_interval_seconds: 10 },
    ],
    [
      'self-preservation, the sweep and what is remembered',
      {
        orchestrator:
          'liveness:\n  brake: { floor: 9 }\nsweep:\n  interval_seconds: 5\nreconcile: null\n' +
          'retention:\n  ended_seconds: 604800\n',
      },
      ({ selfPreservation, sweep, reconcile, retention }) => [selfPreservation, sweep, reconcile, retention],
      [{ share: 0.45, max_hold_windows: 10, floor: 9 }, { interval_seconds: 5 }, null, { ended_seconds: 604800 }],
      [
        { share: 0.45, max_hold_windows: 10, floor: 5 },
        { interval_seconds: 2 },
        { interval_seconds: 60, again_after_seconds: 5, mends_per_second: 20 },
        { ended_seconds: 2592000 },
      ],
    ],
    [
      'where topics come from',
      { orchestrator: 'consumed_events:\n  - { topic: "beat", event_type: "NodeHeartbeat" }\n' },
      ({ consumed }) => consumed.find(({ event_type }) => event_type === 'NodeHeartbeat')?.topic,
      'beat',
      '{env}.{namespace}.onex.evt.node-heartbeat.v1',
    ],
  ])('changes %s', (_, files, seen, after, before) => {
    expect(seen(shipped())).toEqual(before);
    expect(seen(laidOver(files))).toEqual(after);
  });

  it('puts a new state between two others', () => {
    const { states } = laidOver({
      orchestrator: `
state_machine:
  states:
    - state_name: "QUARANTINED"
      timer: "quarantine"
  transitions:
    - { from_state: "ACK_RECEIVED", to_state: "QUARANTINED", trigger: "entry_done" }
    - { from_state: "QUARANTINED", to_state: "ACTIVE", trigger: "quarantine_over" }
timers:
  - { timer: "quarantine", seconds: 60, trigger: "quarantine_over" }
`,
    }).compiled.orchestrator;
    expect(states['ACK_RECEIVED']?.transitions['entry_done']?.to).toBe('QUARANTINED');
    expect(states['QUARANTINED']).toEqual({
      entry_actions: [],
      end_actions: [],
      timer: 'quarantine',
      terminal: false,
      discoverable: false,
      transitions: {
        quarantine_over: { to: 'ACTIVE', reason: null, conditions: [] },
        shutdown_received: { to: 'DEREGISTERED', reason: 'the node left', conditions: [] },
        run_cancelled: { to: 'DEREGISTERED', reason: 'its registration run was cancelled', conditions: [] },
        eviction_requested: { to: 'DEREGISTERED', reason: 'evicted by {reason}', conditions: [] },
      },
    });
  });

  it('may name a state with a digit, and it is what a timeout names as the state before', () => {
    const files = {
      orchestrator: `
state_machine:
  states:
    - { state_name: "AWAITING_ACK_2", timer: "ack", entry_actions: ["emit_registration_accepted"] }
  transitions:
    - { from_state: "ACCEPTED", to_state: "AWAITING_ACK_2", trigger: "entry_done" }
    - { from_state: "AWAITING_ACK_2", to_state: "ACK_TIMED_OUT", trigger: "ack_timeout" }
`,
    };
    expect(faultsOf(files)).toEqual([]);
  });

  it('has no number of tries where the contract has none', () => {
    expect(shipped().compiled.effects['consul.pass']?.retry).not.toHaveProperty('maximum_attempts');
  });

  it('leaves the conditions of a transition, which are compiled with it', () => {
    const { states } = shipped().compiled.orchestrator;
    expect(states['ACK_TIMED_OUT']?.transitions['entry_done']?.conditions).toEqual([
      { field: 'rounds_left', operator: '!=', value: 0 },
    ]);
  });

  it('may leave the initial state without entry actions', () => {
    const files = {
      orchestrator: 'state_machine:\n  states:\n    - { state_name: "PENDING_REGISTRATION", entry_actions: [] }\n',
    };
    expect(laidOver(files).compiled.orchestrator.states['PENDING_REGISTRATION']?.entry_actions).toEqual([]);
  });
});

describe("the contract's version", () => {
  const version = (files: PartialContracts): string => laidOver(files).compiled.version;

  it('names the versions of all three contracts', () => {
    expect(shipped().compiled.version).toMatch(/^1\.0\.0\+r1\.0\.0\.e1\.0\.0\.[0-9a-f]{8}$/);
    const files = {
      orchestrator: 'contract_version: "1.2.0"\n',
      reducer: 'contract_version: "2.0.1"\n',
      effect: 'contract_version: "3.0.0"\n',
    };
    expect(version(files)).toMatch(/^1\.2\.0\+r2\.0\.1\.e3\.0\.0\.[0-9a-f]{8}$/);
  });

  it('has a digest of the behaviour and of every contract_version', () => {
    const digest = (files: PartialContracts): string => version(files).slice(-8);
    const digests = [
      {},
      { orchestrator: 'contract_version: "1.0.1"\n' },
      { reducer: 'contract_version: "1.0.1"\n' },
      { effect: 'contract_version: "1.0.1"\n' },
      timers('timer: "ack", seconds: 5'),
      effect(`${pass}, placement: "activity"`),
    ].map(digest);
    expect(new Set(digests).size).toBe(digests.length);
    expect(digest({})).toBe(shipped().compiled.version.slice(-8));
  });
});

describe('what can be known where a template is filled', () => {
  const inEvent = (action: string, payload: string, more = ''): string[] =>
    faultsOf({ orchestrator: `published_events:\n  - { action: "${action}", payload: { ${payload} } }\n${more}` });

  it('a deadline that is stamped is known after its publish, not within it', () => {
    // Published together with accepted, and one publish later.
    const together =
      'state_machine:\n  states:\n    - { state_name: "AWAITING_ACK", entry_actions: ' +
      '["emit_registration_accepted", "emit_ack_received"] }\n';
    const later =
      'state_machine:\n  states:\n    - { state_name: "AWAITING_ACK", entry_actions: ' +
      '["emit_registration_accepted", "emit_consul_intent", "emit_ack_received"] }\n';
    expect(inEvent('emit_ack_received', 'liveness_deadline: "{ack_deadline}"', together)).toEqual([
      expect.stringMatching(
        /NodeRegistrationAckReceived would be refused on the way from "ACCEPTED" into "AWAITING_ACK": .*\{ack_deadline\} can be null there/,
      ),
    ]);
    expect(
      inEvent('emit_ack_received', 'liveness_deadline: "{ack_deadline}"', later).filter((fault) =>
        fault.includes('AWAITING_ACK'),
      ),
    ).toEqual([]);
  });

  it('a reason is known after a transition that has one, and no more after a message', () => {
    expect(inEvent('emit_registration_rejected', 'rejection_reason: "{reason}"')).toEqual([]);
    const left = (transition: string): string[] =>
      faultsOf({
        orchestrator: `state_machine:
  states:
    - { state_name: "DEREGISTERED", entry_actions: ["emit_registration_rejected"] }
  transitions:
    - { from_state: "ACTIVE", to_state: "DEREGISTERED", ${transition} }
    - { from_state: "*", to_state: "LIVENESS_EXPIRED", trigger: "shutdown_received", reason: "left" }
    - { from_state: "*", to_state: "LIVENESS_EXPIRED", trigger: "run_cancelled", reason: "cancelled" }
    - { from_state: "*", to_state: "LIVENESS_EXPIRED", trigger: "eviction_requested", reason: "evicted" }
handler_routing:
  handlers:
    - event_model: { name: "ModelNodeIntrospectionEvent" }
      output_events: ["NodeRegistrationInitiated", "NodeLivenessExpired"]
    - event_model: { name: "ModelRunCancelled" }
      output_events: ["NodeLivenessExpired"]
    - event_model: { name: "ModelNodeEvictionRequested" }
      output_events: ["NodeLivenessExpired"]
timers:
  - { timer: "tired", seconds: 1, trigger: "tired" }
`,
      });
    expect(left('trigger: "tired", reason: "tired"')).toEqual([]);
    expect(left('trigger: "tired"')).toEqual([
      expect.stringMatching(/NodeRegistrationRejected would be refused on the way from "ACTIVE" into "DEREGISTERED"/),
    ]);
  });

  it('the state before is not known to a run that adopts an attempt', () => {
    const refreshed = (payload: string): string[] =>
      faultsOf({ reducer: `intents:\n  - { action: "emit_postgres_intent", payload: { ${payload} } }\n` });
    expect(refreshed('state: "{state}"')).toEqual([]);
    expect(refreshed('state: "{previous_state}"')).toEqual([
      expect.stringMatching(/\{previous_state\} can be null there/),
    ]);
  });
});

describe('compileContracts', () => {
  it('is what the workflow runs, deeply frozen', () => {
    const compiled = compileContracts();
    expect(compiled).toEqual(shipped().compiled);
    const unfrozen = (value: unknown): boolean =>
      typeof value === 'object' && value !== null && (!Object.isFrozen(value) || Object.values(value).some(unfrozen));
    expect(unfrozen(compiled)).toBe(false);
    expect(compileContracts(contractDirectory(timers('timer: "ack", seconds: 5'))).timers['ack']?.seconds).toBe(5);
  });
});
