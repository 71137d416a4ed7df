import type { Catalog } from '../src/registry/consul/catalog.js';
import type { Activities } from './api.js';
import { askingConsul } from './failures.js';

/** The node is ACTIVE: whoever looks for passing instances finds it from now on. */
export function consulPass(catalog: Catalog): Activities['consul.pass'] {
  return (request) =>
    askingConsul(catalog, request, 'let pass', (payload, signal) => catalog.pass(request.attempt, payload, signal));
}
