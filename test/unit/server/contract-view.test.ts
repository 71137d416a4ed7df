import { expect, test } from 'vitest';
import { loadContracts } from '../../../src/contracts/load.js';
import type { CompiledContract } from '../../../src/contracts/compiled.js';
import type { Drawing } from '../../../src/server/api/contract.js';
import { drawMachine } from '../../../src/server/contract/drawing.js';
import { stateViews } from '../../../src/server/contract/states.js';

const { compiled } = loadContracts();

/** The shipped contract with a state in which a node lives on, out of discovery. */
function withDraining(): CompiledContract {
  const { orchestrator } = compiled;
  const active = orchestrator.states.ACTIVE;
  if (active === undefined) throw new Error('the shipped contract has no ACTIVE');
  const to = (state: string) => ({ to: state, reason: null, conditions: [] });
  return {
    ...compiled,
    orchestrator: {
      ...orchestrator,
      states: {
        ...orchestrator.states,
        ACTIVE: { ...active, transitions: { ...active.transitions, drain_requested: to('DRAINING') } },
        DRAINING: {
          ...active,
          discoverable: false,
          transitions: { ...active.transitions, undrain_requested: to('ACTIVE') },
        },
      },
    },
  };
}

test('colour, sign and group of a state follow from what the contract says of it', () => {
  const looks = stateViews(compiled).map(({ name, tone, shape, group }) => `${name} ${tone} ${shape} ${group}`);
  expect(looks).toEqual([
    'PENDING_REGISTRATION working half on_the_way',
    'ACCEPTED working target on_the_way',
    'AWAITING_ACK waiting diamond on_the_way',
    'ACK_RECEIVED waiting diamond-full on_the_way',
    'ACTIVE active dot registered',
    'DRAINING draining down registered',
    'ACK_TIMED_OUT timed-out hour ended',
    'REJECTED rejected ban ended',
    'LIVENESS_EXPIRED expired cross ended',
    'DEREGISTERED left bar ended',
  ]);
});

test('a state that an overlay adds, in which a node lives by its lease too, is drawn as draining', () => {
  const views = stateViews(withDraining());
  expect(views.find(({ name }) => name === 'DRAINING')).toEqual({
    name: 'DRAINING',
    tone: 'draining',
    shape: 'down',
    group: 'registered',
  });
  expect(new Set(views.map(({ tone, shape }) => `${tone} ${shape}`)).size).toBe(views.length);
});

function overlaps({ boxes }: Drawing): string[] {
  return boxes.flatMap((a, at) =>
    boxes
      .slice(at + 1)
      .filter((b) => a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height)
      .map((b) => `${a.name} ${b.name}`),
  );
}

test.each([
  ['shipped', compiled],
  ['with DRAINING', withDraining()],
])('%s: every state and every transition is drawn, no two boxes overlap, and all stays inside', (_, contract) => {
  for (const machine of [contract.orchestrator, contract.reducer]) {
    const { across, upright } = drawMachine(machine);
    for (const drawing of [across, upright]) {
      expect(drawing.boxes.map(({ name }) => name).sort()).toEqual(Object.keys(machine.states).sort());
      const drawn = drawing.edges.flatMap(({ from, to, triggers }) =>
        triggers.map((trigger) => `${from} ${trigger} ${to}`),
      );
      const said = Object.entries(machine.states).flatMap(([from, { transitions }]) =>
        Object.entries(transitions).map(([trigger, { to }]) => `${from} ${trigger} ${to}`),
      );
      expect(drawn.sort()).toEqual(said.sort());
      expect(overlaps(drawing)).toEqual([]);
      const numbers = drawing.edges.flatMap(({ path }) =>
        [...path.matchAll(/[ML](-?[\d.]+) (-?[\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)] as const),
      );
      for (const [x, y] of numbers) {
        expect(x).toBeGreaterThanOrEqual(0);
        expect(y).toBeGreaterThanOrEqual(0);
        expect(x).toBeLessThanOrEqual(drawing.width);
        expect(y).toBeLessThanOrEqual(drawing.height);
      }
    }
  }
});

test('the way that a registration goes is one straight line', () => {
  const { across, upright } = drawMachine(compiled.orchestrator);
  const line = ['PENDING_REGISTRATION', 'ACCEPTED', 'AWAITING_ACK', 'ACK_RECEIVED', 'ACTIVE'].map((name) =>
    across.boxes.find((box) => box.name === name),
  );
  expect(new Set(line.map((box) => box?.y)).size).toBe(1);
  expect(line.map((box) => box?.x)).toEqual(line.map((box) => box?.x).sort((a, b) => (a ?? 0) - (b ?? 0)));
  // Leaving leads to its end from every state: one note instead of as many lines.
  expect(across.note?.lines).toEqual(['from any state: shutdown_received, run_cancelled, eviction_requested']);
  // On a narrow screen it is as wide as the drawing, and no wider.
  expect(upright.note?.lines).toEqual(['from any state: shutdown_received, run_cancelled,', 'eviction_requested']);
  expect(across.edges.filter(({ only_when_taken }) => !only_when_taken).some(({ to }) => to === 'DEREGISTERED')).toBe(
    false,
  );
});
