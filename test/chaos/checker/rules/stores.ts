import { LIVING, type NodeFacts } from '../facts.js';
import type { CatalogNode, RegistryRow, Snapshot } from '../snapshot.js';

/**
 * PostgreSQL's row, Consul's entry, the lease and Temporal's run are of one mind: all four show a node that lives with
 * the same attempt and the node's newest data, and of a node that has ended only the row is left.
 */
export function storesAgree(node: NodeFacts, snapshot: Snapshot): readonly string[] {
  const { node_id, row, runs } = node;
  const open = runs.filter(({ status }) => status === 'RUNNING');
  const entry = snapshot.catalog.find((one) => one.node_id === node_id);
  const lease = snapshot.leases.find((one) => one.node_id === node_id);
  if (row === undefined || row.ended_at !== null) {
    const is = row === undefined ? 'not in the registry' : `${row.state} in the registry`;
    return [
      ...open.map(({ run_id, state }) => `is ${is}, and run ${run_id} is open in ${state ?? 'no state'}`),
      ...(entry === undefined ? [] : [`is ${is}, and ${entry.status ?? 'without check'} in Consul`]),
      ...(lease === undefined ? [] : [`is ${is}, and has a lease`]),
    ];
  }
  if (LIVING[row.state] === undefined) return [];
  return [
    ...(open.length === 0 && !wasTerminated(node) ? [`is ${row.state} in the registry, and no run is open`] : []),
    ...open
      .filter(({ state }) => state !== row.state)
      .map(({ state }) => `is ${row.state} in the registry, and ${state ?? 'nothing'} in Temporal`),
    ...(lease === undefined ? [`is ${row.state} in the registry, and has no lease`] : []),
    ...(lease !== undefined && lease.attempt !== row.attempt
      ? [`is ${row.state} in attempt ${row.attempt}, and its lease is of attempt ${lease.attempt}`]
      : []),
    ...(lease !== undefined && lease.expired_at !== null
      ? [`is ${row.state} in the registry, and its lease has expired`]
      : []),
    ...(entry === undefined ? [`is ${row.state} in the registry, and not in Consul`] : entryDiffers(row, entry)),
    ...newestData(node, row),
  ];
}

/**
 * Somebody has ended its newest run. A living node then has none, until it says something of itself or its lease is
 * over: nothing is to be done for it before. (That it is found again is the rule about the dead.)
 */
function wasTerminated({ runs }: NodeFacts): boolean {
  return [...runs].sort((a, b) => a.started_at - b.started_at).at(-1)?.status === 'TERMINATED';
}

function entryDiffers(row: RegistryRow, entry: CatalogNode): readonly string[] {
  const pairs = [
    ['check', LIVING[row.state], entry.status],
    ['attempt', row.attempt, entry.attempt],
    ['correlation_id', row.correlation_id, entry.correlation_id],
    ['version', row.node_version, entry.node_version],
    ['address', addressOf(row), `${entry.address}:${entry.port}`],
  ] as const;
  const missing = row.capabilities.filter((capability) => !entry.tags.includes(capability));
  return [
    ...pairs
      .filter(([, registry, consul]) => registry !== consul)
      .map(
        ([what, registry, consul]) => `${what}: ${registry ?? 'none'} by the registry, ${consul ?? 'none'} in Consul`,
      ),
    ...missing.map((capability) => `capability ${capability} of the registry is missing in Consul`),
  ];
}

/** The load's nodes have one endpoint. */
function addressOf({ endpoints }: RegistryRow): string {
  const [first = ''] = Object.values(endpoints);
  const { hostname, port } = new URL(first);
  return `${hostname}:${port}`;
}

/** What the node has said of itself last has arrived. */
function newestData({ introspections }: NodeFacts, row: RegistryRow): readonly string[] {
  const newest = introspections.findLast(({ reason }) => reason !== 'shutdown');
  if (newest === undefined || newest.node_version === row.node_version) return [];
  return [`its newest version is ${newest.node_version}, the registry has ${row.node_version}`];
}

/** Whatever the registrar has put into the catalog belongs to a node whose registration has not ended. */
export function catalogHoldsNobodyElse({ catalog, rows }: Snapshot): readonly string[] {
  return catalog
    .filter(({ node_id }) => !rows.some((row) => row.node_id === node_id && row.ended_at === null))
    .map(({ name, status }) => `${name} is ${status ?? 'without check'} in Consul, and no node of the registry`);
}
