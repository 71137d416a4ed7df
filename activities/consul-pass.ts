import type { Catalog } from '../src/registry/consul/catalog.js';
import type { Activities } from './api.js';
import { callConsul } from './failures.js';

/** The node is discoverable from now on: its check passes. */
export function consulPass(catalog: Catalog): Activities['consul.pass'] {
  return (request) =>
    callConsul(
      catalog,
      request,
      (node) => `set the check to passing of ${node}`,
      (payload, signal) => catalog.pass(request.attempt, payload, signal),
    );
}
