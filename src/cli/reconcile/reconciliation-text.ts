import { DIFFERENCE_KINDS } from '../../bridge/reconciliation/differences.js';
import { OUTCOME_WORDS } from '../../bridge/reconciliation/mend.js';
import type { Reconciliation } from '../../bridge/reconciliation/reconcile.js';
import type { StoredReconciliation } from '../../registry/reconciliations.js';
import { columns, counted, shown, since } from '../terminal/format.js';

/** What differed and what was done about it, for a person. */
export function reconciliationText(
  { rows, entries, differences, mended, runs_failure }: Reconciliation,
  dryRun: boolean,
): string {
  const without =
    runs_failure === null ? '' : ` Temporal could not be asked for runs that cannot go on: ${shown(runs_failure)}.`;
  const compared =
    `Compared ${counted(rows, 'node')} of the registry with ${counted(entries, 'node')} in Consul.` + without;
  if (differences.length === 0) return `${compared} They agree.`;
  const lines = dryRun
    ? differences.map(({ node_id, kind, what }) => [node_id, kind, what, 'not changed: a dry run'])
    : mended.map(({ node_id, kind, what, outcome, why }) => [
        node_id,
        kind,
        what,
        why === null ? OUTCOME_WORDS[outcome] : `${OUTCOME_WORDS[outcome]}: ${shown(why)}`,
      ]);
  return [compared, '', columns(['node', 'kind', 'what differs', 'what was done'], lines)].join('\n');
}

/** How many nodes differed and were not mended. */
export function openOf({ outcomes }: StoredReconciliation): number {
  return (outcomes['held'] ?? 0) + (outcomes['failed'] ?? 0);
}

/** The last comparison on one line. */
export function reconciliationLine(last: StoredReconciliation | null): string {
  if (last === null) return 'not compared so far';
  const failed = last.failure === null ? '' : `; since then it could not be compared: ${shown(last.failure)}`;
  if (last.at === null) return `never compared${failed}`;
  const kinds = Object.keys(DIFFERENCE_KINDS).flatMap((kind) => {
    const count = last.differences[kind] ?? 0;
    return count === 0 ? [] : [`${count} ${kind}`];
  });
  const became = Object.entries(last.outcomes).map(([outcome, count]) => `${count} ${outcome}`);
  const found =
    kinds.length === 0 ? 'they agree' : `${kinds.join(', ')}; ${became.length === 0 ? 'waits' : became.join(', ')}`;
  return `compared ${since(last.at)} ago: ${last.rows} in the registry, ${last.entries} in Consul, ${found}${failed}`;
}
