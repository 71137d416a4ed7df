import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { NodeHub, RegisteredNode } from '../../../src/node/index.js';

/** Nodes of the project's SDK in a process of their own. */
export interface SdkNodes {
  readonly ids: readonly string[];
  readonly process: ChildProcess;
}

/** @param onActive called once all of them are active */
export function startSdkNodes(
  ids: readonly string[],
  { env, brokers }: { readonly env: string; readonly brokers: readonly string[] },
  onActive: () => void,
): SdkNodes {
  const child = fork(fileURLToPath(import.meta.url), [env, brokers.join(','), ...ids], {
    execArgv: ['--import', 'tsx'],
    env: { ...process.env, LOG_LEVEL: 'silent' },
  });
  child.once('message', onActive);
  return { ids, process: child };
}

/** What runs in the child. It ends with its parent. */
async function main([env = '', brokers = '', ...ids]: readonly string[]): Promise<void> {
  process.once('disconnect', () => process.exit(0));
  const hub = new NodeHub({ brokers: brokers.split(','), env });
  const nodes = ids.map(
    (node_id) =>
      new RegisteredNode({
        hub,
        node_id,
        node_type: 'compute',
        version: '1.0.0',
        endpoints: { health: 'http://10.0.0.2:8080/health' },
        capabilities: ['computing'],
      }),
  );
  await Promise.all(nodes.map((node) => node.start()));
  process.send?.('active');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));
