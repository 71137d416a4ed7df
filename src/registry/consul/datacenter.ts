import type { ConsulClient } from './client.js';
import { ConsulError } from './error.js';

/**
 * The datacenter of the Consul that answers: of those that it knows, the nearest (catalog/datacenters). No right is
 * needed to ask.
 *
 * @throws ConsulError
 */
export async function datacenterOf(client: ConsulClient): Promise<string> {
  const [own] = await client.call<readonly string[]>((consul, options) => consul.catalog.datacenters(options));
  if (own === undefined) throw new ConsulError('Consul knows of no datacenter', 'away');
  return own;
}
