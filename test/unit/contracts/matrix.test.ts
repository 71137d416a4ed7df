import { describe, expect, it } from 'vitest';
import type { MatrixRow } from '../../../src/contracts/compiled.js';
import { loadContracts } from '../../../src/contracts/load.js';
import { overlap } from '../../../src/contracts/matrix.js';
import { faultsOf, laidOver } from './contract-files.js';

const MODEL = 'ModelNodeIntrospectionEvent';
const rows = (...lines: string[]): string =>
  [
    'handler_routing:',
    '  handlers:',
    `    - event_model: { name: "${MODEL}" }`,
    '      state_decision_matrix:',
    ...lines.map((line) => `        - { ${line} }`),
    '',
  ].join('\n');
/** What a file's rows put before the shipped ones. */
const added = (...lines: string[]): string[] => {
  const matrix = laidOver({ orchestrator: rows(...lines) }).compiled.handlers[MODEL]?.matrix ?? [];
  const shipped = loadContracts().compiled.handlers[MODEL]?.matrix ?? [];
  expect(matrix.slice(-shipped.length)).toEqual(shipped);
  return matrix
    .slice(0, -shipped.length)
    .map(({ states, reason, incarnation, action }) =>
      [states === 'any' ? 'any' : states.map(String).join('|'), reason ?? '-', incarnation ?? '-', action].join(' '),
    );
};

describe('rows that an overlay adds', () => {
  it('come before every shipped row, the least specific one too', () => {
    expect(added('current_state: any, action: no_op')).toEqual(['any - newer no_op']);
  });

  it('decide the most specific first: state, then reason', () => {
    expect(
      added(
        'current_state: any, action: no_op',
        'current_state: any, reason: startup, action: no_op',
        'current_state: ACTIVE, action: no_op',
        'current_state: [ACTIVE, ACCEPTED], reason: startup, action: refresh',
      ),
    ).toEqual([
      'ACTIVE|ACCEPTED startup newer refresh',
      'ACTIVE - newer no_op',
      'any startup newer no_op',
      'any - newer no_op',
    ]);
  });

  it('speak of newer incarnations unless they name another', () => {
    expect(added('current_state: ACTIVE, incarnation: duplicate, action: refresh')).toEqual([
      'ACTIVE - duplicate refresh',
    ]);
  });

  it('that repeat a shipped row change nothing', () => {
    expect(added('current_state: null, action: emit_registration_initiated, incarnation: newer')).toEqual([]);
  });

  it('that repeat a shipped row change nothing beside a more general row that is about other messages', () => {
    expect(
      added(
        'current_state: any, incarnation: stale, action: no_op',
        'current_state: any, reason: shutdown, action: deregister',
      ),
    ).toEqual(['any - stale no_op']);
  });

  it('that repeat a shipped row of a state stay where a row for every state has a reason', () => {
    expect(
      added(
        'current_state: any, reason: startup, action: no_op',
        'current_state: null, action: emit_registration_initiated',
      ),
    ).toEqual(['null - newer emit_registration_initiated', 'any startup newer no_op']);
  });

  it('that repeat a shipped row stay where they are an exception to a more general row of their file', () => {
    expect(
      added('current_state: any, action: no_op', 'current_state: any, reason: shutdown, action: deregister'),
    ).toEqual(['any shutdown newer deregister', 'any - newer no_op']);
  });
});

describe('two rows of one file', () => {
  it('that say equally much about one message are refused, in whatever order their states stand', () => {
    expect(
      faultsOf({
        orchestrator: rows(
          'current_state: [ACTIVE, null], action: no_op',
          'current_state: [ACCEPTED, null], action: emit_registration_initiated',
        ),
      }),
    ).toEqual([
      '6:11: this row and the one at contract.yaml:5 match the same messages in no attempt: keep one of them',
    ]);
    expect(
      faultsOf({
        orchestrator: rows(
          'current_state: any, action: no_op',
          'current_state: any, action: emit_registration_initiated',
        ),
      }),
    ).toEqual(['6:11: this row and the one at contract.yaml:5 match the same messages in any state: keep one of them']);
  });

  it('that differ in a state, a reason or an incarnation are not', () => {
    expect(
      faultsOf({
        orchestrator: rows(
          'current_state: ACTIVE, action: no_op',
          'current_state: ACCEPTED, action: no_op',
          'current_state: ACTIVE, reason: startup, action: no_op',
          'current_state: ACTIVE, reason: shutdown, action: no_op',
          'current_state: ACTIVE, reason: shutdown, incarnation: stale, action: no_op',
          'current_state: ACTIVE, incarnation: stale, action: no_op',
        ),
      }),
    ).toEqual([]);
  });
});

describe('the states in which two rows match one message', () => {
  const row = (states: MatrixRow['states'], more: Partial<MatrixRow> = {}): MatrixRow => ({
    states,
    reason: null,
    incarnation: 'newer',
    action: 'no_op',
    ...more,
  });

  it.each<[MatrixRow['states'], MatrixRow['states'], readonly (string | null)[]]>([
    ['any', 'any', ['any']],
    ['any', ['A', null], ['A', null]],
    [['A', null], 'any', ['A', null]],
    [
      ['A', 'B', null],
      ['C', 'B', null],
      ['B', null],
    ],
    [['A'], ['B'], []],
  ])('of %j and %j are %j', (one, other, both) => {
    expect(overlap(row(one), row(other))).toEqual(both);
  });

  it('are none where the reasons or the incarnations differ', () => {
    expect(overlap(row('any', { reason: 'startup' }), row('any'))).toEqual(['any']);
    expect(overlap(row('any', { reason: 'startup' }), row('any', { reason: 'shutdown' }))).toEqual([]);
    expect(overlap(row('any'), row('any', { incarnation: 'stale' }))).toEqual([]);
  });
});

describe('topics of one event', () => {
  const topics = (orchestrator: string): string[] =>
    laidOver({ orchestrator }).consumed.map(({ event_type, topic }) => `${event_type} ${topic}`);

  it('in an overlay replace the shipped one, all of them', () => {
    expect(
      topics(
        'consumed_events:\n  - { topic: "old", event_type: "NodeHeartbeat" }\n  - { topic: "new", event_type: ' +
          '"NodeHeartbeat" }\n',
      ),
    ).toEqual([
      'NodeIntrospectionEvent {env}.{namespace}.onex.evt.node-introspection.v1',
      'NodeRegistrationAcked {env}.{namespace}.onex.cmd.node-registration-acked.v1',
      'NodeHeartbeat old',
      'NodeHeartbeat new',
      'NodeDrainRequested {env}.{namespace}.onex.cmd.node-drain-requested.v1',
    ]);
  });
});
