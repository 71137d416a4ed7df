import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { shownNode, summarise, type NodeSide } from '../../../../src/cli/demo/fleet-state.js';
import { statesOf } from '../../../../src/cli/terminal/states.js';
import { SHIPPED_CONTRACTS, loadContracts } from '../../../../src/contracts/load.js';
import { lineScreen } from '../../../../src/cli/demo/screen.js';
import { stepLines, viewText, type View } from '../../../../src/cli/demo/view.js';
import type { NodeState } from '../../../../src/node/index.js';
import type { RegistryRow } from '../../../../src/registry/rows/read-registry-row.js';

const states = statesOf(loadContracts(SHIPPED_CONTRACTS).compiled);
const AT = '2026-01-31T12:00:00.000Z';
const NOW = Date.parse(AT) + 5_000;
const side = (state: NodeState): NodeSide => ({ node_id: 'a', node_type: 'effect', state, since: AT, steps: {} });
const row = (state: string, ended = false): RegistryRow =>
  ({
    node_id: 'a',
    state,
    attempt: 3,
    state_since: '2026-01-31T11:59:00.000Z',
    reason: null,
    ended_at: ended ? AT : null,
  }) as RegistryRow;

describe('a node’s row', () => {
  test.each<readonly [NodeState, RegistryRow | undefined, string]>([
    ['connecting', undefined, 'STARTING'],
    ['introducing', undefined, 'INTRODUCED'],
    ['introducing', row('PENDING_REGISTRATION'), 'PENDING_REGISTRATION'],
    ['accepted', row('PENDING_REGISTRATION'), 'AWAITING_ACK'],
    ['acknowledged', row('PENDING_REGISTRATION'), 'ACK_RECEIVED'],
    ['acknowledged', row('ACTIVE'), 'ACTIVE'],
    ['active', row('ACTIVE'), 'ACTIVE'],
    ['waiting', row('LIVENESS_EXPIRED', true), 'LIVENESS_EXPIRED'],
    ['leaving', row('ACTIVE'), 'LEAVING'],
    ['left', row('DEREGISTERED', true), 'DEREGISTERED'],
  ])('a node that is %s is shown by the registry, unless it knows more itself', (state, registered, shown) => {
    expect(shownNode(side(state), registered, states).state).toBe(shown);
  });

  test('has the registry’s attempt and time', () => {
    expect(shownNode(side('active'), row('ACTIVE'), states)).toMatchObject({
      attempt: 3,
      since: '2026-01-31T11:59:00.000Z',
    });
  });
});

describe('the summary', () => {
  const node = (introduced: number, active?: number) => ({
    steps: { introduced, ...(active === undefined ? {} : { active }) },
  });

  test('counts, and measures from the command’s start to the last one', () => {
    expect(summarise([node(1_000, 1_200), node(1_000, 1_400), node(1_010, 1_310)], 0)).toEqual({
      nodes: 3,
      active: 3,
      failed: 0,
      seconds: 1.4,
    });
  });

  test('has no time while one is missing', () => {
    expect(summarise([node(1_000, 1_200), node(1_000)], 0)).toMatchObject({
      nodes: 2,
      active: 1,
      failed: 1,
      seconds: null,
    });
  });

  test('counts those that did not leave as failed', () => expect(summarise([node(0, 1)], 0, 1).failed).toBe(1));
});

describe('the picture', () => {
  const nodes = (count: number): View['nodes'] =>
    Array.from({ length: count }, (_, index) => ({
      node_id: `node-${index}`,
      node_type: 'effect',
      state: index === count - 1 ? 'PENDING_REGISTRATION' : 'ACTIVE',
      attempt: 1,
      since: AT,
      reason: null,
    }));
  const view = (count: number): View => ({
    nodes: nodes(count),
    states,
    summary: {
      nodes: count,
      active: count - 1,
      failed: 1,
      seconds: null,
    },
    shown: {
      node_id: 'node-0',
      steps: Array.from({ length: 30 }, (_, index) => ({ at: NOW + index * 100, what: `step ${index}` })),
    },
    links: [
      ['Temporal', 'http://t'],
      ['Consul', 'http://c'],
    ],
    line: 'Ctrl-C lets them leave',
  });

  test.each([
    [10, 24],
    [10, 40],
    [10, 80],
    [50, 24],
    [200, 50],
  ])('of %i nodes fits a terminal of %i lines', (count, rows) => {
    const lines = viewText(view(count), { columns: 120, rows }, NOW).split('\n');
    expect(lines.length).toBeLessThan(rows);
    expect(lines.filter((line) => line.includes('step '))).not.toHaveLength(0);
    expect(lines.at(-1)).toContain('http://c');
  });

  test('shows first who needs a look, and counts the others', () => {
    const text = viewText(view(50), { columns: 120, rows: 24 }, NOW);
    expect(text.split('\n')[3]).toContain('PENDING_REGISTRATION');
    expect(text).toMatch(/and \d+ more, \d+ ACTIVE/);
    expect(text).toContain('50 nodes, 49 ACTIVE');
  });

  test('shortens ids on a narrow terminal', () => {
    const id = '6c6ac320-e73d-4430-90a6-3b4645144b6c';
    const narrow = viewText(
      { ...view(1), nodes: nodes(1).map((node) => ({ ...node, node_id: id })), shown: null },
      { columns: 80, rows: 24 },
      NOW,
    );
    expect(narrow).not.toContain(id);
    expect(Math.max(...narrow.split('\n').map((line) => line.length))).toBeLessThan(80);
  });

  test('no line of it is wider than the terminal, however long a reason is; only addresses are whole', () => {
    const reason = `Consul refused to register it:\n${'a word '.repeat(60)}`;
    const one = { ...view(1), nodes: nodes(1).map((node) => ({ ...node, state: 'REJECTED', reason })) };
    const url = `http://t/${'x'.repeat(100)}`;
    const text = viewText(
      { ...one, line: `the registry does not answer: ${reason}`, links: [['Temporal', url]] },
      { columns: 80, rows: 30 },
      NOW,
    );
    const lines = stripVTControlCharacters(text).split('\n');
    expect(lines.find((line) => line.includes('REJECTED'))).toMatch(/Consul refused.*…$/);
    expect(Math.max(...lines.slice(0, -1).map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(lines.at(-1)).toContain(url);
  });

  test('steps have their distance from the first one', () => {
    expect(
      stepLines(
        'a',
        [
          { at: 1_000, what: 'x' },
          { at: 1_035, what: 'y' },
        ],
        9,
      ).slice(1),
    ).toEqual(['    +0 ms  x', '   +35 ms  y']);
  });

  test('without a terminal there is a line for every state that a node does not know by itself', () => {
    const lines: string[] = [];
    const screen = lineScreen((line) => lines.push(line));
    const rejected = { ...view(1), nodes: nodes(1).map((node) => ({ ...node, state: 'REJECTED', reason: 'too old' })) };
    screen.draw(() => view(1));
    screen.draw(() => rejected);
    screen.draw(() => rejected);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('REJECTED: too old');
    screen.draw(() => ({
      ...rejected,
      nodes: rejected.nodes.map((node) => ({ ...node, node_id: 'b', reason: `no\n${'x'.repeat(500)}` })),
    }));
    expect(lines[1]).toMatch(/REJECTED.*: no x+…$/);
  });
});
