import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { simulateFleet } from '../../src/node/index.js';

/** Nodes in a process of their own, so that all of them can be killed, or frozen, at one moment. */
export interface FleetProcess {
  readonly ids: readonly string[];
  readonly process: ChildProcess;
}

/** Starts it; resolves when all its nodes are active. A node that is not in time ends it, and is named on stderr. */
export async function startFleet(
  nodes: number,
  { env, brokers }: { readonly env: string; readonly brokers: readonly string[] },
): Promise<FleetProcess> {
  const child = fork(fileURLToPath(import.meta.url), [String(nodes), env, brokers.join(',')], {
    execArgv: ['--import', 'tsx'],
    env: { ...process.env, LOG_LEVEL: 'silent' },
  });
  const ids = await new Promise<string[]>((resolve, reject) => {
    child.once('message', (message) => resolve(message as string[]));
    child.once('exit', (code) =>
      reject(new Error(`the fleet's process ended with ${code} before its nodes were active`)),
    );
  });
  return { ids, process: child };
}

/** What runs in the child. It ends with its parent, or when it is signalled; its nodes leave on SIGTERM. */
async function main([nodes = '', env = '', brokers = '']: readonly string[]): Promise<void> {
  const fleet = simulateFleet({ nodes: Number(nodes), env, brokers: brokers.split(',') });
  process.once('disconnect', () => process.exit(0));
  process.once('SIGTERM', () => void fleet.stop().then(() => process.exit(0)));
  await fleet.start({ timeoutMs: 120_000 });
  process.send?.(fleet.members.map(({ node }) => node.node_id));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));
