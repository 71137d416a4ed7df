import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { check } from '../../../src/contracts/check/index.js';
import { compile } from '../../../src/contracts/compile.js';
import { readSources, SHIPPED_CONTRACTS } from '../../../src/contracts/read.js';
import type { ContractSources } from '../../../src/contracts/sources.js';
import { contractDirectory, faultsOf } from './contract-files.js';

type Mutable<T> = { -readonly [key in keyof T]: T[key] extends object ? Mutable<T[key]> : T[key] };

/**
 * The faults of the shipped contracts once something is changed in them, each with what stands at its place: a
 * directory that lies over them can take nothing out.
 */
function faultsWith(change: (sources: Mutable<ContractSources>) => void): string[] {
  const sources = readSources(SHIPPED_CONTRACTS);
  change(sources as unknown as Mutable<ContractSources>);
  return check(sources).map(({ file, line, column, message }) => {
    const text = (readFileSync(file, 'utf8').split('\n')[line - 1] ?? '').slice(column - 1);
    return `${text}: ${message}`;
  });
}
const without = <T>(list: T[], is: (item: T) => boolean): void => {
  const at = list.findIndex(is);
  if (at < 0) throw new Error('it is not there');
  list.splice(at, 1);
};

describe('the shipped contracts', () => {
  it('hold together', () => {
    expect(faultsWith(() => undefined)).toEqual([]);
  });

  it.each<[string, (sources: Mutable<ContractSources>) => void, string]>([
    [
      'a call',
      ({ effect }) => without(effect.calls, () => true),
      'calls:: nothing says how "publish_events" is called: add a row for it',
    ],
    [
      'a question',
      ({ effect }) => without(effect.questions, ({ question }) => question === 'verify_lease'),
      'questions:: nothing says how "verify_lease" is asked: add a row for it',
    ],
    [
      'the other question',
      ({ effect }) => without(effect.questions, ({ question }) => question === 'verify_acks_read'),
      'questions:: nothing says how "verify_acks_read" is asked: add a row for it',
    ],
    ...(['dead_letter', 'request_introspection'] as const).map(
      (name): [string, (sources: Mutable<ContractSources>) => void, string] => [
        `the topic of ${name}`,
        ({ orchestrator }) => without(orchestrator.published_events, ({ action }) => action === name),
        `published_events:: the bridge needs a topic for "${name}": add a row with that action`,
      ],
    ),
    ...(['NodeIntrospectionEvent', 'NodeRegistrationAcked', 'NodeHeartbeat'] as const).map(
      (name): [string, (sources: Mutable<ContractSources>) => void, string] => [
        `the topic of ${name}`,
        ({ orchestrator }) => without(orchestrator.consumed_events, ({ event_type }) => event_type === name),
        `consumed_events:: no topic is named for "${name}": add a row with its topic`,
      ],
    ),
  ])('are refused without %s', (_, change, fault) => {
    expect(faultsWith(change)).toEqual([fault]);
  });
});

describe('a contract whose rows are others', () => {
  const rowsOf = ({ orchestrator }: Mutable<ContractSources>, model: string) => {
    const found = orchestrator.handler_routing.handlers.find(({ event_model }) => event_model.name === model);
    if (found === undefined) throw new Error(`no handler of ${model}`);
    return found;
  };

  it('may have a handler without rows: it decides nothing', () => {
    const sources = readSources(SHIPPED_CONTRACTS);
    delete rowsOf(sources as unknown as Mutable<ContractSources>, 'ModelRepairRequested').state_decision_matrix;
    expect(check(sources)).toEqual([]);
    expect(compile(sources).handlers['ModelRepairRequested']).toEqual({
      handler: 'HandlerRepairRequested',
      matrix: [],
    });
  });

  it('is refused where a row for every state raises what nothing leaves on', () => {
    const faults = faultsWith((sources) => {
      const { transitions } = sources.orchestrator.state_machine;
      without(transitions, ({ trigger }) => trigger === 'run_cancelled');
    });
    expect(faults).toEqual([
      expect.stringMatching(/"deregister" does nothing in any state: no transition leaves it on "run_cancelled"/),
    ]);
  });

  it('is refused where a row for one state leads to an event by a transition from every state', () => {
    const faults = faultsWith((sources) => {
      const { state_machine } = sources.orchestrator;
      for (const model of ['ModelRunCancelled', 'ModelNodeEvictionRequested'])
        for (const row of rowsOf(sources, model).state_decision_matrix ?? []) row.current_state = 'ACTIVE';
      for (const row of rowsOf(sources, 'ModelNodeIntrospectionEvent').state_decision_matrix ?? [])
        if (row.action === 'deregister') row.current_state = 'ACTIVE';
      const left = state_machine.states.find(({ state_name }) => state_name === 'DEREGISTERED');
      if (left !== undefined) left.entry_actions = ['emit_liveness_expired'];
    });
    expect(faults).toEqual([
      expect.stringMatching(/HandlerNodeIntrospected leads to NodeLivenessExpired \("deregister" enters/),
      expect.stringMatching(/HandlerRunCancelled leads to NodeLivenessExpired \("deregister" enters/),
      expect.stringMatching(/HandlerEvictionRequested leads to NodeLivenessExpired \("evict" enters/),
    ]);
  });

  it('may have states that follow from each other for ever', () => {
    const orchestrator =
      'state_machine:\n  transitions:\n    - { from_state: "ACTIVE", to_state: "ACK_RECEIVED", trigger: ' +
      '"entry_done", conditions: [{ expression: "rounds_left == 7" }] }\n';
    expect(faultsOf({ orchestrator })).toEqual([]);
  });
});

describe('the faults of a file', () => {
  it('stand in the order of lines and columns, whatever finds them first', () => {
    const one = '{ "admission": [{ "require": "x", "reason": "r" }], "refresh_actions": ["y"],\n "retention": ';
    const faults = faultsOf({
      orchestrator: `${one}{ "ended_seconds": 1 }, "timers": [{ "timer": "ack", "seconds": 5 }] }`,
    });
    expect(faults.map((fault) => fault.split(': ')[0])).toEqual(['1:19', '1:73', '2:17']);
  });

  it('stand in that file, whatever stands at the same place of another one that has changed', () => {
    const orchestrator =
      'state_machine:\n  states:\n    - { state_name: "AWAITING_ACK", entry_actions: ["emit_registration_accepted", ' +
      '"emit_postgres_active_intent"] }\n';
    // The third transition of the reducer. The third one of the orchestrator is what leads there.
    const reducer =
      'state_machine:\n  transitions:\n    - { from_state: "pending", to_state: "partial", trigger: ' +
      '"consul_confirmed" }\n';
    expect(faultsOf({ orchestrator, reducer })).toEqual([
      expect.stringMatching(/^shipped postgres\.update_registration would be refused on the way from "ACCEPTED" into/),
    ]);
  });

  it('that follow from an unknown word are left out', () => {
    const orchestrator = 'state_machine:\n  states:\n    - { state_name: "QUARANTINED", timer: "coffee" }\n';
    expect(faultsOf({ orchestrator })).toEqual([expect.stringMatching(/^3:36: unknown timer "coffee"/)]);
  });
});

describe('a file of a directory', () => {
  it('that is missing is the shipped one, in any part', () => {
    const sources = readSources(contractDirectory({ reducer: 'contract_version: "2.0.0"\n' }));
    expect(sources.layers.orchestrator).toHaveLength(1);
    expect(sources.layers.reducer).toHaveLength(2);
    expect(sources.files.reducer).toBe(sources.layers.reducer[1]);
    expect(sources.files.effect).toBe(sources.layers.effect[0]);
    expect(sources.reducer.contract_version).toBe('2.0.0');
  });

  it('is named as it is seen from here, and from elsewhere by its whole path', () => {
    const { layers } = readSources(contractDirectory({ effect: 'contract_version: "2.0.0"\n' }));
    expect(layers.effect).toEqual([
      'contracts/node_registry_effect/contract.yaml',
      expect.stringMatching(/^\/.*\/node_registry_effect\/contract\.yaml$/),
    ]);
    expect(readSources('contracts').layers.effect).toHaveLength(1);
  });

  it.each([
    ['text', 'text'],
    ['nothing', ''],
    ['a list', '- 1'],
    ['a number', '7'],
  ])('that holds %s is refused', (_, text) => {
    expect(faultsOf({ effect: text })).toEqual(['1:1: a contract is a map of keys: this file holds something else']);
  });

  it('is read whole even if another cannot be read', () => {
    expect(
      faultsOf({ orchestrator: 'a: [', reducer: 'intents: [{ action: "x" }, { action: "x" }]', effect: '7' }),
    ).toEqual([
      expect.stringMatching(/^1:5: This is not valid YAML/),
      '1:28: "x" stands twice in intents, here and in line 1: keep one of them',
      '1:1: a contract is a map of keys: this file holds something else',
    ]);
  });
});
