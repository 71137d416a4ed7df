import { setTimeout as delay } from 'node:timers/promises';
import { REPAIR_SIGNAL } from '../../../workflows/messages.js';
import type { SelfPreservationRule } from '../../contracts/compiled.js';
import { errorText } from '../../error-text.js';
import type { ConsulClient } from '../../registry/consul/client.js';
import { removeEntry } from '../../registry/consul/fleet.js';
import type { BridgeContext } from '../context.js';
import { endStuckRun } from '../../runs/stuck-runs.js';
import { temporalErrorText } from '../../runs/temporal-errors.js';
import { signalWorkflow } from '../signal-workflow.js';
import type { Difference } from './differences.js';

/**
 * What became of a difference. held: nothing was done, since so many nodes have one that something else is likely
 * wrong.
 */
export type MendOutcome = 'signalled' | 'removed' | 'replaced' | 'held' | 'failed';

/** The same for people. */
export const OUTCOME_WORDS: Readonly<Record<MendOutcome, string>> = {
  signalled: 'its run writes it again',
  removed: 'it is removed from Consul',
  replaced: 'its run was ended, and another goes on from the registry row',
  held: 'left as it is',
  failed: 'not mended',
};

/** A difference, and what was done about it. */
export interface Mended extends Difference {
  readonly outcome: MendOutcome;
  /** Why not; null where it was done. */
  readonly why: string | null;
}

export interface Mending {
  readonly context: Pick<BridgeContext, 'temporalClient' | 'runs' | 'temporal' | 'logger'>;
  readonly consul: ConsulClient;
  /** Nodes mended in a second. */
  readonly per_second: number;
  /**
   * Nodes that the registry does not know are removed only up to this share of what Consul shows, and runs that cannot
   * go on are replaced only up to this share of the attempts that last.
   */
  readonly selfPreservation: Pick<SelfPreservationRule, 'share' | 'floor'>;
  /** Nodes that Consul shows. */
  readonly entries: number;
  /** Attempts of the registry that last. */
  readonly rows: number;
  readonly signal: AbortSignal;
}

/** Mends differences: runs first, which know how their nodes are, and then what has no run. */
export async function mend(differences: readonly Difference[], mending: Mending): Promise<Mended[]> {
  const asked = differences.filter(({ mend: how }) => how === 'repair' || how === 'ask');
  const mended = await paced(asked, mending, (one) => signalled(one, mending));
  const unknown = mended.flatMap(({ one, outcome }) => (outcome === 'no_run' ? [one] : []));
  const tooMany = areTooMany(unknown.length, mending.entries, mending);
  const why = `${unknown.length} of ${mending.entries} nodes in Consul are unknown here: is this the right database?`;
  const removable = [...differences.filter((one) => one.mend === 'remove'), ...(tooMany ? [] : unknown)];
  const removed = await paced(removable, mending, (one) => remove(one, mending));
  return [
    ...mended.flatMap(({ one, outcome, why }): Mended[] => (outcome === 'no_run' ? [] : [{ ...one, outcome, why }])),
    ...(tooMany ? unknown.map((one): Mended => ({ ...one, outcome: 'held', why })) : []),
    ...removed.map(({ one, ...became }): Mended => ({ ...one, ...became })),
    ...(await replaceRuns(differences, mending)),
  ];
}

function areTooMany(count: number, all: number, { selfPreservation: { share, floor } }: Mending): boolean {
  return count >= floor && count > share * all;
}

/** Runs that cannot go on. Where they are many, it is the worker's code, and not their histories. */
async function replaceRuns(differences: readonly Difference[], mending: Mending): Promise<Mended[]> {
  const stuck = differences.filter((one) => one.mend === 'replace');
  if (areTooMany(stuck.length, mending.rows, mending)) {
    const why = `${stuck.length} runs for ${mending.rows} nodes cannot go on: is this the right version of the worker?`;
    return stuck.map((one): Mended => ({ ...one, outcome: 'held', why }));
  }
  const replaced = await paced(stuck, mending, (one) => replaceRun(one, mending));
  return replaced.map(({ one, ...became }): Mended => ({ ...one, ...became }));
}

async function replaceRun(one: Difference, mending: Mending): Promise<Became> {
  const { context, signal } = mending;
  try {
    if (one.run !== undefined) await endStuckRun(context.temporalClient, one.run);
  } catch (error) {
    signal.throwIfAborted();
    return { outcome: 'failed', why: temporalErrorText(error) };
  }
  // Without an attempt that lasts there is nothing to go on with: the node's next introspection starts a run.
  if (one.node === null) return { outcome: 'replaced', why: null };
  const { outcome, why } = await signalled({ ...one, mend: 'repair' }, mending);
  return outcome === 'signalled' ? { outcome: 'replaced', why } : { outcome: 'failed', why };
}

interface Became<O = MendOutcome> {
  readonly outcome: O;
  readonly why: string | null;
}

async function signalled(
  { node_id, node, mend: how }: Difference,
  { context, signal }: Mending,
): Promise<Became<MendOutcome | 'no_run'>> {
  const starts = how === 'repair' && node !== null ? { starts: node } : {};
  const result = await signalWorkflow(context, node_id, { name: REPAIR_SIGNAL, args: [], ...starts }, signal);
  if (result.outcome === 'refused') return { outcome: 'failed', why: result.reason };
  return { outcome: result.outcome === 'delivered' ? 'signalled' : 'no_run', why: null };
}

async function remove({ entry }: Difference, { consul, signal }: Mending): Promise<Became> {
  // Without an entry it has a lease alone, which nobody finds: it runs out, and is deleted with what ended long ago.
  if (entry === null) return { outcome: 'removed', why: null };
  try {
    await removeEntry(consul, entry, signal);
    return { outcome: 'removed', why: null };
  } catch (error) {
    signal.throwIfAborted();
    return { outcome: 'failed', why: errorText(error) };
  }
}

/** So many in a second at most. */
async function paced<R extends object>(
  all: readonly Difference[],
  { per_second, signal }: Mending,
  work: (one: Difference) => Promise<R>,
): Promise<(R & { readonly one: Difference })[]> {
  const results: (R & { readonly one: Difference })[] = [];
  const atOnce = Math.max(1, Math.floor(per_second));
  for (let from = 0; from < all.length; from += atOnce) {
    if (from > 0) await delay((1_000 * atOnce) / per_second, undefined, { signal });
    const some = all.slice(from, from + atOnce);
    results.push(...(await Promise.all(some.map(async (one) => ({ ...(await work(one)), one })))));
  }
  return results;
}
