import { setTimeout as delay } from 'node:timers/promises';
import pLimit from 'p-limit';
import { startChild } from '../../src/cli/processes/children.js';
import { bridgeTopics } from '../../src/bridge/bridge-topics.js';
import { reconcileClient } from '../../src/bridge/reconciliation/reconciler.js';
import { readCatalogEntries } from '../../src/registry/consul/fleet.js';
import { readReconciliation } from '../../src/registry/reconciliations.js';
import { fleetOf } from './support/fleet.js';
import type { Scenario } from './support/scenario.js';
import { withServers, type Servers } from './support/servers.js';

const NODES = 200;
const AT_ONCE = 20;
/** Who is not found by then is lost. */
const WITHIN_MS = 300_000;
const LOOK_EVERY_MS = 500;

/**
 * Consul forgets 200 ACTIVE nodes at once, as when its data are lost. The reconciler finds them missing and their runs
 * write them again, at a limited rate. Held against the pause between two of its looks.
 */
export const run: Scenario = (log) =>
  withServers(async (servers) => {
    const children = [startChild('worker', 'inherit'), startChild('bridge', 'inherit')];
    const fleet = fleetOf(NODES, servers);
    const consul = reconcileClient(servers.config.consul);
    const passing = async (): Promise<number> =>
      (await readCatalogEntries(consul)).filter((entry) => entry.passing).length;
    try {
      for (const child of children) child.go();
      await Promise.all([...children.map((child) => child.ready()), fleet.hub.open()]);
      const limit = pLimit(AT_ONCE);
      await Promise.all(fleet.members.map(({ node }) => limit(() => node.start({ timeoutMs: WITHIN_MS }))));
      log(`${await passing()} of ${NODES} are found; Consul forgets them`);
      for (const { name } of await readCatalogEntries(consul))
        await consul.call((client, options) => client.catalog.deregister({ node: name, ...options }));
      const wiped = Date.now();
      const foundAgain = await untilFound(passing, wiped, log);
      const { interval_seconds = Number.NaN } = servers.contracts.reconcile ?? {};
      return {
        json: { nodes: NODES, found: foundAgain.found, seconds: foundAgain.seconds },
        counts: `${NODES} ACTIVE nodes, one worker, one bridge; ${await lastLook(servers)}`,
        figures: [
          {
            name: 'nodes not found again',
            value: NODES - foundAgain.found,
            unit: '',
            baseline: `${NODES} nodes`,
            ratio: (NODES - foundAgain.found) / NODES,
            goal: { goal: 0, limit: 0, better: 'lower' },
          },
          {
            name: 'time until all are found again',
            value: foundAgain.seconds,
            unit: 's',
            baseline: `${interval_seconds} s between two looks`,
            ratio: foundAgain.seconds / interval_seconds,
            goal: { goal: 90, limit: 120, better: 'lower' },
          },
        ],
      };
    } finally {
      await fleet.stop({ timeoutMs: 2_000 });
      for (const child of children.reverse()) await child.stop();
      consul.close();
    }
  });

async function untilFound(
  passing: () => Promise<number>,
  since: number,
  log: (text: string) => void,
): Promise<{ readonly found: number; readonly seconds: number }> {
  for (let before = 0; ;) {
    const found = await passing();
    const seconds = (Date.now() - since) / 1000;
    if (found !== before) log(`${seconds.toFixed(1)} s: ${found} are found`);
    if (found >= NODES || seconds * 1000 > WITHIN_MS) return { found, seconds };
    before = found;
    await delay(LOOK_EVERY_MS);
  }
}

/** What the reconciler has said of its last look. */
async function lastLook({ pool, contracts, config }: Servers): Promise<string> {
  const [fleet] = bridgeTopics(contracts, config).heartbeats;
  return `the reconciler: ${JSON.stringify(await readReconciliation(pool, fleet))}`;
}
