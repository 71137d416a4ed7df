import { setTimeout as delay } from 'node:timers/promises';
import type { Reconcile } from '../../contracts/compiled.js';
import { sameDifference, type Difference } from './differences.js';
import { look, type Compared, type Look } from './look.js';
import { mend, type Mended, type Mending } from './mend.js';

/** One reconciliation: what differed, and what became of it. */
export interface Reconciliation extends Look {
  /** ISO 8601. */
  readonly at: string;
  readonly seconds: number;
  /** What differed in both looks. */
  readonly differences: readonly Difference[];
  /** Empty where nothing was to be done, as in a dry run. */
  readonly mended: readonly Mended[];
}

export interface ReconcileOptions extends Compared, Omit<Mending, 'entries' | 'rows' | 'per_second'> {
  readonly rule: Reconcile;
  /** Which of the differences are to be mended now. */
  readonly mends: (differences: readonly Difference[]) => readonly Difference[];
}

/**
 * Looks at Consul, at the registry and at the runs. What differs is looked at again, since nodes come and go meanwhile;
 * what differs then, too, is mended.
 *
 * @throws ConsulError, or the database's error, where one of them does not answer
 */
export async function reconcile({ rule, mends, ...options }: ReconcileOptions): Promise<Reconciliation> {
  const began = Date.now();
  const first = await look(options, options.signal);
  const again = first.differences.length === 0 ? first : await secondLook(options, rule);
  const differences = again.differences.filter((one) => first.differences.some((seen) => sameDifference(seen, one)));
  const { rows, entries, runs_failure } = again;
  const mended = await mend(mends(differences), { ...options, per_second: rule.mends_per_second, entries, rows });
  return {
    at: new Date(began).toISOString(),
    seconds: (Date.now() - began) / 1_000,
    rows,
    entries,
    differences,
    runs_failure,
    mended,
  };
}

async function secondLook(options: Omit<ReconcileOptions, 'rule' | 'mends'>, rule: Reconcile) {
  await delay(rule.again_after_seconds * 1_000, undefined, { signal: options.signal });
  return look(options, options.signal);
}
