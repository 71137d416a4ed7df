import type { ConsulClient } from './client.js';
import {
  checkId,
  isOurs,
  REGISTERED_BY,
  type CatalogCheck,
  type CatalogNode,
  type CatalogService,
} from './operations.js';

/** A catalog node that a registrar has written, as Consul shows it. */
export interface CatalogEntry {
  /** The catalog node's name. */
  readonly name: string;
  /** null: no service of a registrar is left on it, and the catalog node does not say whose it is. */
  readonly node_id: string | null;
  /** The environment of the registrar that wrote it; null: a version that did not say. */
  readonly environment: string | null;
  readonly attempt: number;
  /** The registrar's own service; null: somebody has taken it out. */
  readonly service:
    (Pick<CatalogService, 'ID' | 'Service' | 'Address' | 'ModifyIndex'> & { readonly Port: number }) | null;
  /** Others find the node. */
  readonly passing: boolean;
  /** Somebody else has registered a service on this catalog node. */
  readonly shared: boolean;
  readonly ModifyIndex: number;
}

interface Health {
  readonly Node: CatalogNode;
  readonly Service: CatalogService;
  readonly Checks: readonly CatalogCheck[];
}

/** Options that the package takes and its types leave out. */
const ours = (options: object): object => ({ 'node-meta': `registered-by:${REGISTERED_BY}`, ...options });

/** Every catalog node that a registrar has written: one call for the nodes, and one for each service name. */
export async function readCatalogEntries(client: ConsulClient, signal?: AbortSignal): Promise<CatalogEntry[]> {
  const [nodes, services] = await Promise.all([
    client.call<readonly CatalogNode[]>((consul, options) => consul.catalog.node.list(ours(options)), signal),
    client.call<Record<string, readonly string[]>>(
      (consul, options) => consul.catalog.service.list(ours(options)),
      signal,
    ),
  ]);
  const byNode = new Map<string, Health[]>();
  for (const service of Object.keys(services)) {
    const found = await client.call<readonly Health[]>(
      (consul, options) => consul.health.service({ service, ...ours(options) }),
      signal,
    );
    for (const health of found) byNode.set(health.Node.Node, [...(byNode.get(health.Node.Node) ?? []), health]);
  }
  return nodes.map((node) => entryOf(node, byNode.get(node.Node) ?? []));
}

function entryOf(node: CatalogNode, found: readonly Health[]): CatalogEntry {
  const own = found.find(({ Service }) => isOurs(Service));
  const node_id = own?.Service.Meta?.['node_id'] ?? node.Meta?.['node_id'] ?? null;
  const check = own?.Checks.find(({ CheckID }) => node_id !== null && CheckID === checkId(node_id));
  return {
    name: node.Node,
    node_id,
    environment: node.Meta?.['environment'] ?? null,
    attempt: Number(node.Meta?.['attempt'] ?? 0),
    service: own === undefined ? null : { ...own.Service, Port: own.Service.Port ?? 0 },
    passing: check?.Status === 'passing',
    shared: found.some(({ Service }) => !isOurs(Service)),
    ModifyIndex: node.ModifyIndex,
  };
}

/**
 * Takes a node out of the catalog, if it is still as it was read: a later attempt has written another one. What others
 * have registered on it stays.
 *
 * @throws ConsulError, `stale` where it has changed since
 */
export async function removeEntry(
  client: ConsulClient,
  { name, ModifyIndex, service, shared }: CatalogEntry,
  signal?: AbortSignal,
): Promise<void> {
  const whole = { Node: { Verb: 'delete-cas', Node: { Node: name, ModifyIndex } } };
  const own = { Service: { Verb: 'delete-cas', Node: name, Service: service } };
  const operations = shared ? [own] : [whole];
  await client.transact(operations, signal);
}
