import type Consul from 'consul';
import type { ConsulClient } from '../../../../src/registry/consul/client.js';
import { ConsulError } from '../../../../src/registry/consul/error.js';
import { checkId, nodeName } from '../../../../src/registry/consul/operations.js';

/** A node as a test has it in Consul. */
export interface Shown {
  readonly node_id: string;
  readonly attempt?: number;
  /** null: it names none. */
  readonly environment?: string | null;
  readonly passing?: boolean;
  /** Its entry does not say whose it is, and has no service. */
  readonly isNameless?: boolean;
  readonly address?: string;
}

interface Options {
  readonly ['node-meta']?: string;
  readonly service?: string;
}

const node = ({ node_id, attempt = 1, environment = 'dev', isNameless = false }: Shown) => ({
  Node: nodeName(node_id),
  Address: '10.0.0.1',
  Meta: {
    'registered-by': 'node-registrar',
    ...(environment === null ? {} : { environment }),
    ...(isNameless ? {} : { node_id }),
    attempt: String(attempt),
  },
  ModifyIndex: 7,
});

const service = ({ node_id, address = '10.0.0.1' }: Shown) => ({
  ID: `onex-effect-${node_id}`,
  Service: 'onex-effect',
  Tags: [],
  Address: address,
  Port: 8080,
  Meta: { node_id, correlation_id: 'c' },
  ModifyIndex: 7,
});

/**
 * A catalog of effect nodes that a registrar has written. It refuses questions that do not ask for those alone, and
 * takes out only what is as it was read.
 *
 * @param later what it shows from the second list of nodes on
 */
export function fakeConsul(shown: Shown[], later?: readonly Shown[]) {
  const calls: string[] = [];
  const away: { error: Error | null } = { error: null };
  const answer = <T>(name: string, { 'node-meta': meta }: Options, body: () => T): Promise<[object, T]> => {
    if (name === 'nodes' && calls.includes(name) && later !== undefined) shown.splice(0, shown.length, ...later);
    calls.push(name);
    if (meta !== 'registered-by:node-registrar') throw new Error(`${name} asks for everybody's nodes`);
    return Promise.resolve([{ headers: {} }, body()]);
  };
  const consul = {
    catalog: {
      node: { list: (options: Options) => answer('nodes', options, () => shown.map(node)) },
      service: {
        list: (options: Options) => answer('services', options, () => (shown.length > 0 ? { 'onex-effect': [] } : {})),
      },
    },
    health: {
      service: (options: Options) =>
        answer('health', options, () =>
          shown
            .filter(({ isNameless }) => isNameless !== true)
            .map((one) => ({
              Node: node(one),
              Service: service(one),
              Checks: [{ CheckID: checkId(one.node_id), Status: one.passing === false ? 'critical' : 'passing' }],
            })),
        ),
    },
    transaction: {
      create([{ Node: operation }]: [{ Node: { Verb: string; Node: { Node: string; ModifyIndex: number } } }]) {
        const at = shown.findIndex(({ node_id }) => nodeName(node_id) === operation.Node.Node);
        if (operation.Verb !== 'delete-cas' || at < 0 || operation.Node.ModifyIndex !== 7)
          return Promise.reject(new ConsulError('index is stale', 'stale'));
        shown.splice(at, 1);
        return Promise.resolve([{ headers: {} }, {}]);
      },
    },
  };
  const call = async <T>(
    send: (consul: never, options: never) => Promise<unknown>,
    signal?: AbortSignal,
  ): Promise<T> => {
    signal?.throwIfAborted();
    if (away.error !== null) throw away.error;
    const [, body] = (await send(consul as never, {} as never)) as [unknown, T];
    return body;
  };
  const transact: ConsulClient['transact'] = (operations, signal) =>
    call((given, options) => (given as Consul).transaction.create(operations as never, options), signal);
  const client = { call, transact, close: () => undefined } as unknown as ConsulClient;
  return { client, calls, away };
}
