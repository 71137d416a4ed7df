import type { Pool } from 'pg';
import type { CompiledContract } from '../../contracts/compiled.js';
import type { ConsulClient } from '../../registry/consul/client.js';
import { readCatalogEntries, type CatalogEntry } from '../../registry/consul/fleet.js';
import { findLeasesWithoutRow, pageLasting } from '../../registry/rows/page-lasting.js';
import { readRegistryRows } from '../../registry/rows/read-registry-rows.js';
import type { StuckRun } from '../../runs/stuck-runs.js';
import { temporalErrorText } from '../../runs/temporal-errors.js';
import {
  differenceOf,
  keyOfEntry,
  keyOfNode,
  leftoverOf,
  stuckRun,
  unknownLease,
  type Difference,
} from './differences.js';

/** Registry rows compared at once. */
const PAGE = 500;

/** What is compared. */
export interface Compared {
  readonly pool: Pool;
  readonly consul: ConsulClient;
  readonly contract: CompiledContract;
  /** The environment in whose name this registrar writes to Consul. */
  readonly environment: string;
  /** Finds the runs that cannot go on. */
  readonly stuckRuns: (signal: AbortSignal) => Promise<readonly StuckRun[]>;
}

/** One look at Consul, at the registry and at the runs. */
export interface Look {
  /** Attempts of the registry that last. */
  readonly rows: number;
  /** Nodes that Consul shows, of this environment. */
  readonly entries: number;
  readonly differences: readonly Difference[];
  /** Why Temporal could not be asked for runs that cannot go on; null where it was. The rest is compared without. */
  readonly runs_failure: string | null;
}

/** Compares all that Consul shows with the registry, a page after the other, and finds stuck runs. Changes nothing. */
export async function look(
  { pool, consul, contract, environment, stuckRuns }: Compared,
  signal: AbortSignal,
): Promise<Look> {
  const fleet = await readCatalogEntries(consul, signal);
  // Another environment may have a node of the same id: nothing of it is looked at.
  const ofUs = fleet.filter((entry) => entry.environment === environment || entry.environment === null);
  const left = new Map(ofUs.map((entry) => [keyOfEntry(entry), entry]));
  const runs = await askRuns(stuckRuns, signal);
  const stuck = new Map(runs.stuck.map((run) => [run.node_id, run]));
  const differences: Difference[] = [];
  let rows = 0;
  for (let after: string | undefined = ''; after !== undefined;) {
    signal.throwIfAborted();
    const page = await pageLasting(pool, { after, limit: PAGE });
    for (const row of page) {
      const key = keyOfNode(row.node_id);
      const run = stuck.get(row.node_id);
      // Nothing else of it can be mended before: its run would have to do that.
      const found =
        run === undefined ? differenceOf(row, left.get(key) ?? null, contract.orchestrator.states) : stuckRun(run, row);
      stuck.delete(row.node_id);
      left.delete(key);
      if (found !== null) differences.push(found);
    }
    rows += page.length;
    after = page.length < PAGE ? undefined : page.at(-1)?.node_id;
  }
  for (const node_id of await findLeasesWithoutRow(pool, PAGE)) {
    differences.push(unknownLease(node_id, left.get(keyOfNode(node_id)) ?? null));
    left.delete(keyOfNode(node_id));
  }
  for (const run of stuck.values()) differences.push(stuckRun(run, null));
  differences.push(...(await leftovers(pool, [...left.values()], environment, signal)));
  const entries = fleet.filter((entry) => entry.environment === environment).length;
  return { rows, entries, differences, runs_failure: runs.failure };
}

async function askRuns(stuckRuns: Compared['stuckRuns'], signal: AbortSignal) {
  try {
    return { stuck: await stuckRuns(signal), failure: null };
  } catch (error) {
    signal.throwIfAborted();
    return { stuck: [], failure: temporalErrorText(error) };
  }
}

/** What Consul shows of nodes without an attempt that lasts. */
async function leftovers(
  pool: Pool,
  entries: readonly CatalogEntry[],
  environment: string,
  signal: AbortSignal,
): Promise<Difference[]> {
  const found: Difference[] = [];
  for (let from = 0; from < entries.length; from += PAGE) {
    signal.throwIfAborted();
    const page = entries.slice(from, from + PAGE);
    const rows = await readRegistryRows(
      pool,
      page.flatMap(({ node_id }) => node_id ?? []),
    );
    const attempts = new Map(rows.map((row) => [row.node_id, row]));
    for (const entry of page) {
      const row = attempts.get(entry.node_id ?? '');
      // It came back between the two questions: the next look sees it.
      if (row?.ended_at === null) continue;
      const difference = leftoverOf(entry, row?.attempt ?? null, environment);
      if (difference !== null) found.push(difference);
    }
  }
  return found;
}
