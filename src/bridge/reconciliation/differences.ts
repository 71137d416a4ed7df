import type { CompiledContract } from '../../contracts/compiled.js';
import type { CatalogEntry } from '../../registry/consul/fleet.js';
import { nodeName } from '../../registry/consul/operations.js';
import { serviceAddress } from '../../registry/consul/service-address.js';
import type { LastingRow } from '../../registry/rows/page-lasting.js';
import type { StuckRun } from '../../runs/stuck-runs.js';
import type { StartedNode } from '../run-options.js';

/** How Consul and the registry can differ about a node. */
export const DIFFERENCE_KINDS = {
  not_in_consul: 'discoverable in the registry, and not in Consul',
  not_passing: 'discoverable in the registry, and its check in Consul does not pass',
  other_data: 'Consul shows another registration attempt or another address than the registry has',
  passing_early: 'its check in Consul passes, and the registry does not call it discoverable',
  ended: 'in Consul, and the registry says that its attempt has ended',
  no_row: 'in Consul or with a lease, and the registry has no row of it',
  stuck_run: 'its run cannot go on with its history',
} as const;
type Kind = keyof typeof DIFFERENCE_KINDS;

/**
 * A node about which Consul and the registry differ.
 * - repair: its run writes both again; a run is started where it has none.
 * - remove: it leaves Consul, since the registry knows that it has ended.
 * - ask: its run writes both again; it leaves Consul where it has none.
 * - replace: its run is ended, and another goes on from the registry row.
 */
export interface Difference {
  readonly kind: Kind;
  readonly node_id: string;
  /** What differs, in words. */
  readonly what: string;
  readonly mend: 'repair' | 'remove' | 'ask' | 'replace';
  /** With which a run can be started; null where the registry does not know the node. */
  readonly node: StartedNode | null;
  /** As Consul shows it; null where it does not. */
  readonly entry: CatalogEntry | null;
  /** The run that is to be replaced. */
  readonly run?: StuckRun;
}

type States = CompiledContract['orchestrator']['states'];

/** What Consul should show of an attempt that lasts, and does not; null where they agree. */
export function differenceOf(row: LastingRow, entry: CatalogEntry | null, states: States): Difference | null {
  const { node_id, state, attempt } = row;
  const known = states[state];
  if (known === undefined) return null;
  const differ = (kind: Kind, what: string): Difference => ({
    kind,
    node_id,
    what: `${state} in the registry (attempt ${attempt}), and ${what}`,
    mend: 'repair',
    node: row,
    entry,
  });
  if (!known.discoverable) return entry?.passing === true ? differ('passing_early', 'Consul shows it passing') : null;
  if (entry === null || entry.service === null) return differ('not_in_consul', 'Consul does not show it');
  if (!entry.passing) return differ('not_passing', 'its check in Consul does not pass');
  if (entry.attempt !== attempt) return differ('other_data', `Consul shows attempt ${entry.attempt}`);
  const shown = `${entry.service.Address}:${entry.service.Port}`;
  const wanted = addressOf(row);
  return wanted === null || wanted === shown ? null : differ('other_data', `Consul shows ${shown}, not ${wanted}`);
}

/**
 * The difference of a node that Consul shows and that has no attempt that lasts. Null where there is nothing to mend
 * for this registrar: others wrote the entry, or nothing of a registrar is left on it.
 *
 * @param ended the attempt with which the registry's row has ended; null: it has no row
 */
export function leftoverOf(entry: CatalogEntry, ended: number | null, environment: string): Difference | null {
  const { node_id, attempt, service, shared } = entry;
  if (service === null && shared) return null;
  const about = { node_id: node_id ?? entry.name, node: null, entry };
  const mayBeOurs = entry.environment === environment || entry.environment === null;
  if (ended !== null && attempt <= ended)
    return mayBeOurs
      ? { ...about, kind: 'ended', what: `attempt ${ended} has ended, and Consul still shows it`, mend: 'remove' }
      : null;
  // What no registrar of this environment has written may be another registry's.
  if (entry.environment !== environment) return null;
  const what = `Consul shows its attempt ${attempt}, and the registry has no row of it`;
  return { ...about, kind: 'no_row', what, mend: 'ask' };
}

/** A node that has a lease and no row. */
export function unknownLease(node_id: string, entry: CatalogEntry | null): Difference {
  return {
    kind: 'no_row',
    node_id,
    what: 'it has a lease, and the registry has no row of it',
    mend: 'ask',
    node: null,
    entry,
  };
}

/**
 * A run whose workflow task fails again and again.
 *
 * @param row the node's attempt that lasts; null: none does, and nothing is to go on
 */
export function stuckRun(run: StuckRun, row: LastingRow | null): Difference {
  const what = `the worker cannot go on with the history of its run: ${run.failure}`;
  return { kind: 'stuck_run', node_id: run.node_id, what, mend: 'replace', node: row, entry: null, run };
}

/** Two looks saw the same difference. */
export function sameDifference(one: Difference, other: Difference): boolean {
  const seen = ({ node_id, kind, entry, run }: Difference) => [node_id, kind, entry?.attempt, run?.run_id].join(' ');
  return seen(one) === seen(other);
}

/** Consul ignores the case of names. */
export const entryKey = (name: string): string => name.toLowerCase();
/** An entry whose node is known is found by that, since its own name may be another one. */
export const keyOfEntry = ({ name, node_id }: Pick<CatalogEntry, 'name' | 'node_id'>): string =>
  node_id === null ? entryKey(name) : keyOfNode(node_id);
export const keyOfNode = (node_id: string): string => entryKey(nodeName(node_id));

function addressOf({ endpoints }: LastingRow): string | null {
  try {
    const { address, port } = serviceAddress(endpoints);
    return `${address}:${port}`;
  } catch {
    // Consul never gets such an address: its node is refused.
    return null;
  }
}
