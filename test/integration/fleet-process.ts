import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { simulateFleet } from '../../src/node/index.js';

/** Nodes in a process of their own, so that all of them can be killed, or frozen, at one moment. */
export interface FleetProcess {
  readonly ids: readonly string[];
  readonly process: ChildProcess;
}

const ACTIVE_WITHIN_MS = 120_000;

/** Starts it; resolves when all its nodes are active, and fails with the states of those that are not in time. */
export async function startFleet(
  nodes: number,
  { env, brokers }: { readonly env: string; readonly brokers: readonly string[] },
): Promise<FleetProcess> {
  const child = fork(fileURLToPath(import.meta.url), [String(nodes), env, brokers.join(',')], {
    execArgv: ['--import', 'tsx'],
    env: { ...process.env, LOG_LEVEL: 'silent' },
  });
  const ids = await new Promise<string[]>((resolve, reject) => {
    child.once('message', ({ active, others }: Started) => {
      if (others.length === 0) resolve(active);
      else reject(new Error(`not active within ${ACTIVE_WITHIN_MS} ms: ${others.join(', ')}`));
    });
    child.once('exit', (code) =>
      reject(new Error(`the fleet's process ended with ${code} before its nodes were active`)),
    );
  });
  return { ids, process: child };
}

/** What the child says once all its nodes are active, or the time for it is over. */
interface Started {
  readonly active: string[];
  /** Ids and states of the others. */
  readonly others: readonly string[];
}

/** What runs in the child. It ends with its parent, or when it is signalled; its nodes leave on SIGTERM. */
async function main([nodes = '', env = '', brokers = '']: readonly string[]): Promise<void> {
  const fleet = simulateFleet({ nodes: Number(nodes), env, brokers: brokers.split(',') });
  process.once('disconnect', () => process.exit(0));
  process.once('SIGTERM', () => void fleet.stop().then(() => process.exit(0)));
  await Promise.race([fleet.start(), delay(ACTIVE_WITHIN_MS)]);
  const isActive = ({ node }: (typeof fleet.members)[number]): boolean => node.state === 'active';
  const started: Started = {
    active: fleet.members.filter(isActive).map(({ node }) => node.node_id),
    others: fleet.members.filter((member) => !isActive(member)).map(({ node }) => `${node.node_id} ${node.state}`),
  };
  process.send?.(started);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));
