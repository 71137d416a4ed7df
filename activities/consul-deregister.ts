import type { Catalog } from '../src/registry/consul/catalog.js';
import type { Activities } from './api.js';
import { callConsul } from './failures.js';

/** The registration attempt has ended: the node leaves the catalog, unless a higher attempt holds it. */
export function consulDeregister(catalog: Catalog): Activities['consul.deregister'] {
  return (request) =>
    callConsul(
      catalog,
      request,
      (node) => `deregister ${node}`,
      (payload, signal) => catalog.deregister(request.attempt, payload.node_id, signal),
    );
}
