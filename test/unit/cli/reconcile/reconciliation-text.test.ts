import { describe, expect, it } from 'vitest';
import type { Mended } from '../../../../src/bridge/reconciliation/mend.js';
import type { Reconciliation } from '../../../../src/bridge/reconciliation/reconcile.js';
import { openOf, reconciliationLine, reconciliationText } from '../../../../src/cli/reconcile/reconciliation-text.js';
import type { StoredReconciliation } from '../../../../src/registry/reconciliations.js';

const difference = {
  kind: 'ended',
  node_id: 'n-1',
  what: 'it has ended',
  mend: 'remove',
  node: null,
  entry: null,
} as const;
const reconciliation = (...mended: Mended[]): Reconciliation => ({
  at: '2026-01-31T12:00:00.000Z',
  seconds: 5,
  rows: 2,
  entries: 1,
  differences: mended.length === 0 ? [difference] : mended,
  mended,
  runs_failure: null,
});
const stored = (changes: Partial<StoredReconciliation> = {}): StoredReconciliation => ({
  at: new Date(Date.now() - 5_000).toISOString(),
  seconds: 1,
  rows: 3,
  entries: 2,
  differences: {},
  outcomes: {},
  failure: null,
  ...changes,
});

describe('a reconciliation by hand, for a person', () => {
  it('says that both agree', () => {
    expect(reconciliationText({ ...reconciliation(), differences: [] }, false)).toBe(
      'Compared 2 nodes of the registry with 1 node in Consul. They agree.',
    );
  });

  it('says where Temporal could not be asked', () => {
    const text = reconciliationText({ ...reconciliation(), differences: [], runs_failure: 'no such attribute' }, false);
    expect(text).toContain('Temporal could not be asked for runs that cannot go on: no such attribute. They agree.');
  });

  it('says that a dry run has changed nothing', () => {
    const lines = reconciliationText(reconciliation(), true).split('\n');
    expect(lines[0]).toBe('Compared 2 nodes of the registry with 1 node in Consul.');
    expect(lines.at(-1)).toMatch(/^n-1 +ended +it has ended +not changed: a dry run$/);
  });

  it.each([
    ['signalled', null, 'its run writes it again'],
    ['removed', null, 'it is removed from Consul'],
    ['replaced', null, 'its run was ended, and another goes on from the registry row'],
    ['held', 'they are many', 'left as it is: they are many'],
    ['failed', 'index is stale', 'not mended: index is stale'],
    ['failed', `500:\n${'x'.repeat(500)}`, `not mended: 500: ${'x'.repeat(194)}…`],
  ] as const)('says what became of a difference: %s', (outcome, why, words) => {
    const text = reconciliationText(reconciliation({ ...difference, outcome, why }), false);
    expect(text.split('\n').at(-1)?.endsWith(words)).toBe(true);
  });
});

describe('the last reconciliation on one line', () => {
  it.each([
    ['that there was none', null, /^not compared so far$/],
    ['that none could be done', stored({ at: null, failure: 'away' }), /^never compared; since then .*: away$/],
    ['that both agree', stored(), /^compared 5 s ago: 3 in the registry, 2 in Consul, they agree$/],
    ['what waits', stored({ differences: { ended: 2 } }), /in Consul, 2 ended; waits$/],
    [
      'what was done',
      stored({ differences: { ended: 2 }, outcomes: { removed: 1, failed: 1 } }),
      /; 1 removed, 1 failed$/,
    ],
    [
      'why it could not be repeated',
      stored({ failure: 'away' }),
      /they agree; since then it could not be compared: away$/,
    ],
  ])('says %s', (_, last, line) => {
    expect(reconciliationLine(last)).toMatch(line);
  });

  it('counts as open what was left as it is, and what failed', () => {
    expect(openOf(stored({ outcomes: { held: 2, failed: 3, removed: 4 } }))).toBe(5);
    expect(openOf(stored())).toBe(0);
  });
});
