import type { Config } from '../../config/index.js';
import { ConsulClient } from '../../registry/consul/client.js';
import { ConsulError } from '../../registry/consul/error.js';
import { unreachable } from '../connect.js';
import { errorText } from '../../error-text.js';
import { ANSWER_WITHIN_MS, failed, verdict, type Check } from './check.js';

/** Consul answers, has a leader, and lets us write nodes and services. */
export async function checkConsul(config: Config): Promise<Check[]> {
  const { address } = config.consul;
  const answers = { about: 'consul', what: `answers at ${address}, with a leader` } as const;
  const client = new ConsulClient({ ...config.consul, timeoutMs: ANSWER_WITHIN_MS });
  try {
    const leader = await client.call<string>((consul, options) => consul.status.leader(options));
    if (leader === '') {
      const todo = 'A cluster without a leader takes no writes: see its own logs.';
      return [{ ...answers, ok: false, found: 'it answers, but has no leader', todo }];
    }
    return [{ ...answers, ok: true, found: leader, todo: null }, await checkConsulWrites(client)];
  } catch (error) {
    if (isMisconfigured(error)) return [{ ...answers, ok: false, found: error.message, todo: SCHEME_OR_TOKEN }];
    return [failed(answers, unreachable(config, 'consul', address, error))];
  } finally {
    client.close();
  }
}

const isMisconfigured = (error: unknown): error is ConsulError =>
  error instanceof ConsulError && error.kind === 'misconfigured';

const SCHEME_OR_TOKEN =
  'Are scheme and certificates right (CONSUL_HTTP_ADDR, CONSUL_HTTP_SSL, CONSUL_CACERT, CONSUL_CLIENT_CERT), and ' +
  'does Consul know the token (CONSUL_HTTP_TOKEN, CONSUL_HTTP_TOKEN_FILE)?';

const TOKEN =
  'Set CONSUL_HTTP_TOKEN, or what CONSUL_HTTP_TOKEN_FILE names, to a token with node:write and service:write on ' +
  '"onex-". A community Consul has no CONSUL_NAMESPACE and no CONSUL_PARTITION: unset them.';

/**
 * Asks for a deletion that cannot happen, of what is not there: Consul looks at
 * the permission first, and nothing is written.
 */
async function checkConsulWrites(client: ConsulClient): Promise<Check> {
  const name = 'onex-doctor';
  const operations = [
    { Node: { Verb: 'delete-cas', Node: { Node: name, ModifyIndex: 1 } } },
    { Service: { Verb: 'delete-cas', Node: name, Service: { ID: name, Service: name, ModifyIndex: 1 } } },
  ];
  try {
    await client.transact(operations);
  } catch (error) {
    if (isMisconfigured(error)) return verdict('consul', 'may write nodes and services', false, error.message, TOKEN);
    if (!/stale|doesn't exist|not found|missing/i.test(errorText(error))) throw error;
  }
  return verdict('consul', 'may write nodes and services', true, 'yes', '');
}
