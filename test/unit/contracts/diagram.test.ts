import { describe, expect, it } from 'vitest';
import type { Condition, Machine, State } from '../../../src/contracts/compiled.js';
import { mermaidOf } from '../../../src/contracts/diagram.js';
import { loadContracts } from '../../../src/contracts/load.js';

type Leads = Readonly<Record<string, readonly [string, ...Condition[]]>>;

/** States by name, each with where its triggers lead; a name that ends in "!" is terminal. */
function machine(states: Readonly<Record<string, Leads>>): Machine {
  const all = Object.entries(states).map(([name, leads]): [string, State] => [
    name.replace('!', ''),
    {
      entry_actions: [],
      end_actions: [],
      timer: null,
      terminal: name.endsWith('!'),
      discoverable: false,
      transitions: Object.fromEntries(
        Object.entries(leads).map(([trigger, [to, ...conditions]]) => [trigger, { to, reason: null, conditions }]),
      ),
    },
  ]);
  return { name: 'fsm', initial: all[0]?.[0] ?? '', states: Object.fromEntries(all) };
}

const drawn = (states: Readonly<Record<string, Leads>>): string[] => mermaidOf(machine(states)).split('\n');

describe('a state machine as a diagram', () => {
  it('begins in the initial state, has an arrow for each transition, and ends in its terminal states', () => {
    expect(drawn({ A: { go: ['B'], back: ['A'] }, 'B!': { again: ['A'] }, 'C!': {} })).toEqual([
      'stateDiagram-v2',
      '    [*] --> A',
      '    A --> B: go',
      '    A --> A: back',
      '    B --> A: again',
      '    B --> [*]',
      '    C --> [*]',
    ]);
  });

  it('shows the conditions of a transition', () => {
    const conditions: Condition[] = [
      { field: 'node_id', operator: 'is_present' },
      { field: 'rounds_left', operator: '!=', value: 0 },
      { field: 'node_type', operator: 'in', value: ['effect', 'compute'] },
    ];
    expect(drawn({ A: { go: ['B', ...conditions] }, 'B!': {} })[2]).toBe(
      '    A --> B: go [node_id is_present, rounds_left != 0, node_type in [effect, compute]]',
    );
  });

  it('draws what leads from every open state to one and the same from a note, where there are more than two', () => {
    const leave: Leads = { leave: ['GONE'] };
    const states = { A: { go: ['B'], ...leave }, B: { go: ['C'], ...leave }, C: leave, 'GONE!': {} } as const;
    expect(drawn(states)).toEqual([
      'stateDiagram-v2',
      '    [*] --> A',
      '    A --> B: go',
      '    B --> C: go',
      '    GONE --> [*]',
      '    note right of GONE: from every state that is not terminal, on leave',
    ]);
    const two = drawn({ A: leave, B: leave, 'GONE!': {} });
    expect(two).toContain('    B --> GONE: leave');
    expect(two.join()).not.toContain('note');
  });

  it.each([
    ['one of them leads elsewhere', { A: { x: ['D'] }, B: { x: ['D'] }, C: { x: ['A'] }, 'D!': {} }],
    ['one of them has no such trigger', { A: { x: ['D'] }, B: { x: ['D'] }, C: { y: ['D'] }, 'D!': {} }],
  ] satisfies [string, Record<string, Leads>][])('draws each arrow where %s', (_, states) => {
    const lines = drawn(states);
    expect(lines).toContain('    A --> D: x');
    expect(lines.join()).not.toContain('note');
  });

  it('of a machine without states is empty', () => {
    expect(mermaidOf({ name: 'none', initial: 'A', states: {} })).toBe('stateDiagram-v2\n    [*] --> A');
  });

  it('draws the shipped machines', () => {
    const { orchestrator, reducer } = loadContracts().compiled;
    expect(mermaidOf(orchestrator)).toContain('    ACK_TIMED_OUT --> AWAITING_ACK: entry_done [rounds_left != 0]');
    expect(mermaidOf(orchestrator)).toContain(
      '    note right of DEREGISTERED: from every state that is not terminal, on shutdown_received',
    );
    expect(mermaidOf(reducer)).toContain('    pending --> partial: consul_confirmed');
  });
});
