import { describe, expect, it } from 'vitest';
import { faultsOf, type PartialContracts } from './contract-files.js';

const orchestrator = (text: string): PartialContracts => ({ orchestrator: text });
const topic = (name: string): PartialContracts =>
  orchestrator(`consumed_events:\n  - { event_type: "NodeHeartbeat", topic: "${name}" }\n`);
const machine = (states: string, transitions: readonly string[] = []): PartialContracts =>
  orchestrator(
    `state_machine:\n  states:\n    - { ${states} }\n` +
      (transitions.length > 0 ? `  transitions:\n${transitions.map((row) => `    - { ${row} }\n`).join('')}` : ''),
  );
const move = (from: string, to: string, trigger: string): string =>
  `from_state: "${from}", to_state: "${to}", trigger: "${trigger}"`;

describe('a contract is accepted', () => {
  it.each<[string, PartialContracts]>([
    ['with a topic of 249 characters', topic('a'.repeat(249))],
    ['with a topic of letters, digits, dots, dashes and underscores', topic('Az09._-{env}-.{namespace}')],
    ['with a topic of one character', topic('a')],
    ['with a topic that is the environment', topic('{env}')],
    ['with a topic that is the namespace', topic('{namespace}')],
    [
      'with a topic of 249 characters once "dev" and "fleet" are filled in',
      topic(`{env}.{namespace}.${'a'.repeat(239)}`),
    ],
    ['with a lease that is just longer than two heartbeats', orchestrator('liveness: { window_seconds: 20.5 }\n')],
    ['with signatures as YAML writes a word', orchestrator('signing: { mode: off }\n')],
    ['with keys in a directory', orchestrator('signing: { mode: enforce, keys_directory: /etc/registrar/keys }\n')],
    ['with an end that is remembered for a week', orchestrator('retention: { ended_seconds: 604800 }\n')],
    [
      'without a sweep, with a timer as long as the lease duration',
      orchestrator('sweep: null\ntimers:\n  - { timer: "liveness", seconds: 90 }\n'),
    ],
    [
      'without a sweep, whatever the other timers last',
      orchestrator(
        'sweep: null\ntimers:\n  - { timer: "liveness", seconds: 90 }\n  - { timer: "ack", seconds: 900 }\n',
      ),
    ],
    [
      'with one local try that may last as long as all',
      { effect: 'local_tries: { schedule_to_close_seconds: 1.5 }\n' },
    ],
    [
      'with pauses between tries that do not grow',
      {
        effect:
          'calls:\n  - { call: "publish_events", retry: { initial_interval_seconds: 10, backoff_coefficient: 1 } }\n',
      },
    ],
    ['with an empty list of end actions anywhere', machine('state_name: "ACCEPTED", end_actions: []')],
    [
      'with an end that does no end actions',
      machine('state_name: "LEFT", terminal: true', [move('ACTIVE', 'LEFT', 'reducer_failed')]),
    ],
    [
      'with a timer in a state that something leaves on it',
      machine('state_name: "ACCEPTED", timer: "ack"', [move('ACCEPTED', 'DEREGISTERED', 'ack_timeout')]),
    ],
    [
      'with a dead letter that is called as an event is',
      orchestrator('published_events:\n  - { action: "dead_letter", event_type: "NodeBecameActive" }\n'),
    ],
    [
      'with a share of 1, which never holds',
      orchestrator('liveness:\n  brake: { share: 1, max_hold_windows: 0.5, floor: 1 }\n'),
    ],
    [
      'with an event of a state that an action of another state leads to',
      machine('state_name: "PAUSED", entry_actions: ["emit_liveness_expired"]', [
        move('ACTIVE', 'PAUSED', 'ack_received'),
      ]),
    ],
    [
      'with messages of both names',
      orchestrator('published_events:\n  - { action: "emit_became_active", event_type: "ModelNodeBecameActive" }\n'),
    ],
  ])('%s', (_, files) => {
    expect(faultsOf(files)).toEqual([]);
  });
});

describe('a contract is refused', () => {
  it.each<[string, PartialContracts, readonly RegExp[]]>([
    ['with a topic of 250 characters', topic('a'.repeat(250)), [/^2:36: "a+" is no topic/]],
    [
      'with two handlers for one intent type, with the place of the other',
      {
        effect:
          'handler_routing:\n  handlers:\n' +
          ['one', 'two']
            .map(
              (name) =>
                `    - { operation: "${name}", handler: { name: "HandlerConsulPass" }, backend: "consul", intent_type: "x", ` +
                'confirmation: "x", placement: "activity", start_to_close_seconds: 1, retry: { ' +
                'initial_interval_seconds: 1, backoff_coefficient: 2, maximum_interval_seconds: 10 } }\n',
            )
            .join(''),
      },
      [/^4:7: two handlers serve intent "x", this one and the one at contract\.yaml:3: keep one of them$/],
    ],
    [
      'with two transitions for one trigger, with the place of the other',
      machine('state_name: "ACCEPTED"', [
        move('ACCEPTED', 'ACTIVE', 'reducer_idle'),
        move('*', 'DEREGISTERED', 'reducer_idle'),
      ]),
      [/^6:7: "ACCEPTED" has two transitions for "reducer_idle", here and at contract\.yaml:5: keep one of them/],
    ],
    [
      'with another mode of signatures, or keys at a relative path',
      orchestrator('signing:\n  mode: "strict"\n  keys_directory: "keys"\n'),
      [/^2:3: signing\.mode: .*"off"\|"warn"\|"enforce"/, /^3:3: signing\.keys_directory: an absolute path$/],
    ],
    [
      'with one local try that lasts longer than all, where that stands',
      { effect: 'local_tries:\n  start_to_close_seconds: 9\n' },
      [/^2:3: all local tries together \(3 s\) get less time than one of them \(9 s\)/],
    ],
    [
      'with a confirmation that no effect sends, where it stands in its row',
      { reducer: 'confirmations:\n  - { trigger: "consul_confirmed", event_type: "etcd.registered" }\n' },
      [/^2:36: no effect confirms with event "etcd\.registered"/],
    ],
    [
      'with a condition of an unknown field, where it stands in its row',
      orchestrator('admission:\n  - { reason: "x", require: "colour is_present" }\n'),
      [/^2:20: unknown field "colour"/],
    ],
    [
      'with a condition of the reducer that asks for more than the node, the status and the flags there are',
      {
        reducer:
          'confirmations:\n  - { event_type: "consul.passed", trigger: "consul_confirmed" }\n' +
          'state_machine:\n  transitions:\n    - { from_state: "partial", trigger: "reset", to_state: "idle", ' +
          'conditions: [{ expression: "colour is_present" }] }\n',
      },
      [
        /^5:83: unknown field "colour" in "colour is_present": use one of node_id, status, consul_confirmed, postgres_confirmed$/,
      ],
    ],
    [
      'with a condition of a transition, where it stands',
      machine('state_name: "ACCEPTED"', [
        'from_state: "ACTIVE", trigger: "lease_expired", conditions: [{ expression: "colour is_present" }]',
      ]),
      [/^5:72: unknown field "colour"/],
    ],
    [
      'with a way into every state',
      machine('state_name: "ACCEPTED"', [move('ACTIVE', '*', 'reducer_idle')]),
      [/^5:31: unknown state "\*"/],
    ],
    [
      'with a way out of a state that is none',
      machine('state_name: "ACCEPTED"', [move('NOWHERE', 'ACTIVE', 'reducer_idle')]),
      [/^5:9: unknown state "NOWHERE"/],
    ],
    [
      'with a version that is none',
      orchestrator('contract_version: "1.0"\n'),
      [/^1:1: contract_version: a version such as "1\.0\.0"$/],
    ],
    [
      'with a flag of a confirmation that is not called one',
      { reducer: 'confirmations:\n  - { event_type: "consul.passed", trigger: "consul_confirmed", sets: "shown" }\n' },
      [/^2:65: confirmations\.2\.sets: a flag whose name ends in _confirmed$/],
    ],
    ['with a topic that ends in a blank', topic('a '), [/^2:36: "a " is no topic/]],
    ['with a topic that begins with one', topic(' a'), [/^2:36: " a" is no topic/]],
    [
      'with a topic that two environments could share',
      topic('{env}-{namespace}.beat'),
      [/^2:36: .* can be the topic of two environments: put a dot between \{env\} and \{namespace\}$/],
    ],
    ['with such a topic the other way round', topic('{namespace}{env}'), [/^2:36: .* of two environments/]],
    ['with a topic that names the environment twice', topic('{env}.{env}'), [/^2:36: .* is no topic/]],
    [
      'with heartbeats that are too rare, where they stand',
      orchestrator('liveness:\n  heartbeat_interval_seconds: 45\n'),
      [/^2:3: a lease of 90 s ends before two heartbeats of every 45 s are missed: use more than 90/],
    ],
    [
      'with an end that is remembered for less than a week',
      orchestrator('retention: { ended_seconds: 604799 }\n'),
      [/^1:14: a node that is forgotten after 604799 s/],
    ],
    [
      'with a state that only leads to itself',
      {
        reducer: `state_machine:
  states:
    - { state_name: "stuck" }
  transitions:
    - { ${move('partial', 'stuck', 'reset')} }
    - { ${move('stuck', 'stuck', 'error_received')} }
`,
      },
      [/^3:7: "stuck" is a dead end/],
    ],
    [
      'with two states that lead only to each other',
      {
        reducer: `state_machine:
  states:
    - { state_name: "one" }
    - { state_name: "two" }
  transitions:
    - { ${move('one', 'two', 'reset')} }
    - { ${move('two', 'one', 'reset')} }
`,
      },
      [/^3:7: no transition leads to "one"/, /^4:7: no transition leads to "two"/],
    ],
    [
      'with a timer that fires in a state that nothing leaves on it',
      machine('state_name: "ACCEPTED", timer: "ack"'),
      [/^3:33: timer "ack" does nothing in "ACCEPTED": add a transition from it on "ack_timeout"/],
    ],
    [
      'with an event behind a state that an action leads to at once',
      machine('state_name: "PAUSED", entry_actions: ["emit_liveness_expired"]', [
        move('DEREGISTERED', 'PAUSED', 'entry_done'),
      ]),
      [
        /^3:47: HandlerNodeIntrospected leads to NodeLivenessExpired \("deregister" enters "PAUSED"\)/,
        /^3:47: HandlerRunCancelled leads to NodeLivenessExpired/,
        /^3:47: HandlerEvictionRequested leads to NodeLivenessExpired \("evict" enters "PAUSED"\)/,
      ],
    ],
    [
      'with a row that leads to an event which its handler does not list, where that row stands',
      orchestrator(`state_machine:
  states:
    - { state_name: "DEREGISTERED", entry_actions: ["emit_liveness_expired"] }
handler_routing:
  handlers:
    - event_model: { name: "ModelNodeIntrospectionEvent" }
      state_decision_matrix:
        - { current_state: "ACTIVE", reason: "shutdown", action: "deregister" }
`),
      [
        /^3:53: HandlerNodeIntrospected leads to NodeLivenessExpired \("deregister" enters "DEREGISTERED"\)/,
        /^3:53: HandlerRunCancelled leads to NodeLivenessExpired/,
        /^3:53: HandlerEvictionRequested leads to NodeLivenessExpired/,
        /^8:11: HandlerNodeIntrospected leads to NodeLivenessExpired/,
      ],
    ],
    [
      'with an event that the first state has more than its handlers list',
      machine(
        'state_name: "PENDING_REGISTRATION", entry_actions: ["emit_registration_initiated", "emit_became_active"]',
      ),
      [/HandlerNodeIntrospected leads to NodeBecameActive/, /HandlerRegistrationReset leads to NodeBecameActive/],
    ],
    [
      'with what any state is to do and none does',
      orchestrator(`handler_routing:
  handlers:
    - event_model: { name: "ModelNodeRegistrationAcked" }
      state_decision_matrix:
        - { current_state: ["ACTIVE", "AWAITING_ACK"], action: "accept_ack" }
`),
      [/^5:11: "accept_ack" does nothing in "ACTIVE"/],
    ],
  ])('%s', (_, files, faults) => {
    expect(faultsOf(files)).toEqual(faults.map((fault) => expect.stringMatching(fault) as string));
  });
});
