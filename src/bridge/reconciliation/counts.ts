import type { StoredReconciliation } from '../../registry/reconciliations.js';
import type { Reconciliation } from './reconcile.js';

/** A reconciliation in numbers. */
export type ReconciliationCounts = Omit<StoredReconciliation, 'failure' | 'at'> & { readonly at: string };

/** The numbers of a reconciliation. */
export function countsOf({ at, seconds, rows, entries, differences, mended }: Reconciliation): ReconciliationCounts {
  return {
    at,
    seconds,
    rows,
    entries,
    differences: countBy(differences.map(({ kind }) => kind)),
    outcomes: countBy(mended.map(({ outcome }) => outcome)),
  };
}

function countBy(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
