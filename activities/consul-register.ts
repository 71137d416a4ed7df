import type { Catalog } from '../src/registry/consul/catalog.js';
import type { Activities } from './api.js';
import { callConsul } from './failures.js';

/** Specification, Phase 3: HandlerConsulRegister. The node is in the catalog, and not yet discoverable. */
export function consulRegister(catalog: Catalog): Activities['consul.register'] {
  return (request) =>
    callConsul(
      catalog,
      request,
      (node) => `register ${node}`,
      (payload, signal) => catalog.register(request.attempt, payload, signal),
    );
}
