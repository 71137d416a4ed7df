import { expect, it } from 'vitest';
import { actionsOf } from '../../../../src/bridge/reconciliation/actions.js';
import type { Mended, MendOutcome } from '../../../../src/bridge/reconciliation/mend.js';

const mended = (node_id: string, outcome: MendOutcome): Mended => ({
  kind: 'not_in_consul',
  node_id,
  what: 'ACTIVE in the registry (attempt 1), and Consul does not show it',
  mend: 'repair',
  node: null,
  entry: null,
  outcome,
  why: null,
});

it('keeps what was done for each node, and nothing of what was only looked at', () => {
  const all = (['signalled', 'removed', 'replaced', 'held', 'failed'] as const).map((one) => mended(one, one));
  expect(actionsOf(all)).toEqual(
    [
      ['signalled', 'its run writes it again'],
      ['removed', 'it is removed from Consul'],
      ['replaced', 'its run was ended, and another goes on from the registry row'],
    ].map(([node_id, done]) => ({
      node_id,
      what: `ACTIVE in the registry (attempt 1), and Consul does not show it: ${done}`,
    })),
  );
});

it('of a whole fleet in one line', () => {
  const many = (count: number) => actionsOf(Array.from({ length: count }, (_, n) => mended(`n-${n}`, 'signalled')));
  expect(many(20)).toHaveLength(20);
  expect(many(21)).toEqual([
    { node_id: null, what: '21 nodes differed in Consul and in the registry, and are written again.' },
  ]);
});
