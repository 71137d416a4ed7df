import type { RegistrarAction } from '../../registry/registrar-actions.js';
import { OUTCOME_WORDS, type Mended, type MendOutcome } from './mend.js';

/** More than so many in one pass are one line. */
const MOST_LINES = 20;

/** After these nothing was done. */
const UNDONE: readonly MendOutcome[] = ['held', 'failed'];

/** What a reconciliation has done, for the history: a line a node, or one for all where they are many. */
export function actionsOf(mended: readonly Mended[]): Pick<RegistrarAction, 'node_id' | 'what'>[] {
  const done = mended
    .filter(({ outcome }) => !UNDONE.includes(outcome))
    .map(({ node_id, what, outcome }) => ({ node_id, what: `${what}: ${OUTCOME_WORDS[outcome]}` }));
  if (done.length <= MOST_LINES) return done;
  return [
    { node_id: null, what: `${done.length} nodes differed in Consul and in the registry, and are written again.` },
  ];
}
