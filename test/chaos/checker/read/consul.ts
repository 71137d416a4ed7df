import pLimit from 'p-limit';
import type { CatalogNode } from '../snapshot.js';

interface Node {
  readonly Node: string;
  readonly Meta: Readonly<Record<string, string>> | null;
}

interface Services {
  readonly Services: Readonly<Record<string, Service>> | null;
}

interface Service {
  readonly Tags: readonly string[] | null;
  readonly Address: string;
  readonly Port: number;
  readonly Meta: Readonly<Record<string, string>> | null;
}

interface Check {
  readonly Status: string;
}

/** Consul takes 200 connections from an address (limits.http_max_conns_per_client), and there may be more nodes. */
const ASKED_AT_ONCE = 16;

/**
 * Reads what a registrar has put into Consul's catalog, by its HTTP API.
 *
 * @param isOurs whether a node_id, or the name of an entry without one, belongs to this installation
 */
export async function readCatalog(
  address: string,
  isOurs: (node_id: string) => boolean,
): Promise<readonly CatalogNode[]> {
  const nodes = await get<readonly Node[]>(address, '/v1/catalog/nodes?node-meta=registered-by:node-registrar');
  const limit = pLimit(ASKED_AT_ONCE);
  const entries = await limit.map(nodes, async ({ Node: name, Meta }): Promise<CatalogNode> => {
    const path = encodeURIComponent(name);
    const [catalog, checks] = await Promise.all([
      get<Services | null>(address, `/v1/catalog/node/${path}`),
      get<readonly Check[]>(address, `/v1/health/node/${path}`),
    ]);
    const [service] = Object.values(catalog?.Services ?? {});
    return {
      name,
      node_id: service?.Meta?.['node_id'] ?? null,
      attempt: Number(Meta?.['attempt'] ?? 0),
      status: checks[0]?.Status ?? null,
      node_version: service?.Meta?.['node_version'] ?? null,
      correlation_id: service?.Meta?.['correlation_id'] ?? null,
      address: service?.Address ?? '',
      port: service?.Port ?? 0,
      tags: service?.Tags ?? [],
    };
  });
  return entries.filter(({ name, node_id }) => isOurs(node_id ?? name.replace(/^onex-/, '')));
}

async function get<T>(address: string, path: string): Promise<T> {
  const response = await fetch(new URL(path, address), { signal: AbortSignal.timeout(10_000) });
  if (!response.ok) throw new Error(`${path} of Consul answers ${response.status}: ${await response.text()}`);
  return (await response.json()) as T;
}
