import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Contracts } from '../../../src/contracts/load.js';
import { loadContracts } from '../../../src/contracts/load.js';
import { decide } from '../../../workflows/core/decide.js';
import { unknownNode, withChanges } from '../../../workflows/core/registration.js';
import { faultsOf, laidOver, type Part } from './contract-files.js';
import { A_STARTUP } from '../core/a-startup.js';

const SNIPPETS = join(import.meta.dirname, '../../fixtures/specification');
const partOf = (file: string): Part => (file.split('-')[0] ?? '') as Part;
const snippet = (file: string): string => readFileSync(join(SNIPPETS, file), 'utf8');
/** Read in each test: what a module reads while it loads belongs to no test, for a mutation tool. */
const shipped = (): Contracts => loadContracts();
function behaviourOf({ compiled: { version: _, ...behaviour } }: Contracts) {
  return behaviour;
}

const ROUTING = 'orchestrator-handler-routing.yaml';
const MODEL = 'ModelNodeIntrospectionEvent';

describe("the specification's YAML", () => {
  it.each(readdirSync(SNIPPETS).filter((file) => file !== ROUTING))(
    '%s, laid over, changes nothing that the shipped contracts decide',
    (file) => {
      const { compiled, ...rest } = laidOver({ [partOf(file)]: snippet(file) });
      expect(compiled).toEqual({ ...behaviourOf(shipped()), version: expect.any(String) as string });
      expect(rest).toEqual({ ...shipped(), compiled: undefined });
    },
  );

  it(`${ROUTING}, laid over, adds the row ACTIVE: no_op before the shipped ones and changes nothing else`, () => {
    const { compiled } = laidOver({ orchestrator: snippet(ROUTING) });
    const behaviour = behaviourOf(shipped());
    const introspected = behaviour.handlers[MODEL];
    expect(compiled).toEqual({
      ...behaviour,
      version: expect.any(String) as string,
      handlers: {
        ...behaviour.handlers,
        [MODEL]: {
          ...introspected,
          matrix: [
            { states: ['ACTIVE'], reason: null, incarnation: 'newer', action: 'no_op' },
            ...(introspected?.matrix ?? []),
          ],
        },
      },
    });
  });

  // Each snippet with one value changed: its own value counts, and not the shipped one.
  it.each<[string, string, string, (contracts: Contracts) => unknown, unknown]>([
    [
      'reducer-state-machine.yaml',
      'registration_fsm',
      'other_fsm',
      ({ compiled }) => [compiled.orchestrator.name, compiled.reducer.name],
      ['registration_orchestrator_fsm', 'other_fsm'],
    ],
    [
      'effect-parallel-execution.yaml',
      'partial_failure_handling: true',
      'partial_failure_handling: false',
      ({ compiled }) => compiled.partial_failure_handling,
      false,
    ],
    [
      'effect-parallel-execution.yaml',
      '"parallel"',
      '"sequential"',
      ({ compiled }) => compiled.execution_mode,
      'sequential',
    ],
    [
      'effect-handler-routing.yaml',
      'execution_mode: "parallel"',
      'execution_mode: "sequential"',
      ({ compiled }) => compiled.execution_mode,
      'sequential',
    ],
    [
      'orchestrator-consumed-events.yaml',
      'node-introspection.v1',
      'node-introspection.v2',
      ({ consumed }) => consumed.map(({ topic }) => topic.split('.').slice(-2).join('.')),
      ['node-introspection.v2', 'node-registration-acked.v1', 'node-heartbeat.v1', 'node-drain-requested.v1'],
    ],
    [
      ROUTING,
      'current_state: "ACTIVE"',
      'current_state: "ACCEPTED"',
      ({ compiled }) => compiled.handlers[MODEL]?.matrix[0],
      { states: ['ACCEPTED'], reason: null, incarnation: 'newer', action: 'no_op' },
    ],
  ])('%s with %s as %s is followed', (file, from, to, seen, expected) => {
    expect(snippet(file)).toContain(from);
    expect(seen(laidOver({ [partOf(file)]: snippet(file).replace(from, to) }))).toEqual(expected);
  });

  it('orchestrator-ack-routing.yaml without an event that the handler leads to is refused', () => {
    const text = snippet('orchestrator-ack-routing.yaml');
    expect(faultsOf({ orchestrator: text })).toEqual([]);
    expect(faultsOf({ orchestrator: text.replace('        - "ModelNodeBecameActive"\n', '') })).toEqual([
      '6:7: HandlerNodeRegistrationAcked leads to NodeBecameActive ("accept_ack" enters "ACTIVE"), which its ' +
        'output_events do not list: add it',
    ]);
  });
});

describe('a startup in ACTIVE', () => {
  const startup = {
    ...A_STARTUP,
    message_id: 'm-2',
    correlation_id: 'c-2',
    at: '2026-01-01T00:00:20.000Z',
  } as const;
  const decideUnder = ({ compiled }: Contracts, state: string | null, reason: typeof startup.reason | 'shutdown') => {
    const node = withChanges(unknownNode('abc-123', null, compiled), {
      state,
      attempt: state === null ? 0 : 1,
      incarnation: {
        correlation_id: 'c-1',
        epoch: null,
        at: '2026-01-01T00:00:10.000Z',
        seen: ['c-1'],
      },
    });
    return decide(node, { event_model: MODEL, payload: { ...startup, reason } }, compiled);
  };

  it("is a new attempt under the shipped contract, and nothing under the specification's own row", () => {
    const withRow = laidOver({ orchestrator: snippet(ROUTING) });
    expect(decideUnder(shipped(), 'ACTIVE', 'startup').action).toBe('emit_registration_initiated');
    expect(decideUnder(withRow, 'ACTIVE', 'startup')).toMatchObject({ action: 'no_op', events: [] });
    expect(decideUnder(withRow, 'AWAITING_ACK', 'startup').action).toBe('emit_registration_initiated');
  });

  it("leaves a goodbye of a node that was never seen without effect under the specification's row for no state", () => {
    const withRow = laidOver({ orchestrator: snippet(ROUTING) });
    expect(decideUnder(withRow, null, 'startup').action).toBe('emit_registration_initiated');
    expect(decideUnder(withRow, null, 'shutdown').action).toBe('no_op');
  });
});
