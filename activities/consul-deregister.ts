import type { Catalog } from '../src/registry/consul/catalog.js';
import type { Activities } from './api.js';
import { askingConsul } from './failures.js';

/** The attempt has ended: the node leaves the catalog, unless a newer attempt holds it. */
export function consulDeregister(catalog: Catalog): Activities['consul.deregister'] {
  return (request) =>
    askingConsul(catalog, request, 'deregister', (payload, signal) =>
      catalog.deregister(request.attempt, payload.node_id, signal),
    );
}
