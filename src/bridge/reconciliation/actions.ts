import type { RegistrarAction } from '../../registry/registrar-actions.js';
import type { Mended, MendOutcome } from './mend.js';

/** More than so many in one pass are one line. */
const MOST_LINES = 20;

/** Of what was held or failed, nothing was done. */
const DONE: Readonly<Partial<Record<MendOutcome, string>>> = {
  signalled: 'its run writes it again',
  removed: 'it is removed from Consul',
  replaced: 'its run was ended, and another goes on from the registry row',
};

/** What a reconciliation has done, for the history: a line a node, or one for all where they are many. */
export function actionsOf(mended: readonly Mended[]): Pick<RegistrarAction, 'node_id' | 'what'>[] {
  const done = mended.flatMap(({ node_id, what, outcome }) => {
    const words = DONE[outcome];
    return words === undefined ? [] : [{ node_id, what: `${what}: ${words}` }];
  });
  if (done.length <= MOST_LINES) return done;
  return [
    { node_id: null, what: `${done.length} nodes differed in Consul and in the registry, and are written again.` },
  ];
}
