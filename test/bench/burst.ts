import { setTimeout as delay } from 'node:timers/promises';
import pLimit from 'p-limit';
import { startChild, type Child } from '../../src/cli/processes/children.js';
import { createAdmin } from '../../src/kafka/index.js';
import type { Fleet } from '../../src/node/index.js';
import { topicName } from '../../src/protocol/topics.js';
import { fleetOf } from './support/fleet.js';
import { retriesOf } from './support/histories.js';
import { memoryMb } from './support/processes.js';
import type { Outcome, Scenario } from './support/scenario.js';
import { withServers, type Servers } from './support/servers.js';

const NODES = 2_000;
const PACED = 200;
const AT_ONCE = 50;
/** Far more than it takes: who is not ACTIVE by then is lost. */
const WITHIN_MS = 400_000;
const SAY_EVERY_MS = 5_000;

interface Burst {
  readonly seconds: number;
  readonly active: number;
  readonly attempts: number;
  readonly acksTimedOut: number;
  readonly retries: number;
}

interface Memory {
  readonly before: number;
  readonly peak: number;
}

/**
 * A fleet that starts in one second, as after an outage: every node introduces
 * itself at once, repeats that while nothing comes back, acknowledges, and beats.
 * Held against nodes of the same fleet that came 50 at a time, just before.
 */
export const run: Scenario = (log) =>
  withServers(async (servers) => {
    const children = { worker: startChild('worker', 'inherit'), bridge: startChild('bridge', 'inherit') };
    const fleet = fleetOf(PACED + NODES, servers);
    try {
      for (const child of Object.values(children)) child.go();
      await Promise.all([children.bridge.ready(), fleet.hub.open()]);
      const pacedPerSecond = await paced(fleet.members.slice(0, PACED));
      const before = { worker: memoryMb(children.worker.pid).now, bridge: memoryMb(children.bridge.pid).now };
      log(`${PACED} nodes, ${AT_ONCE} at a time: ${pacedPerSecond.toFixed(1)}/s; now ${NODES} at once`);
      const result = await burst(servers, fleet.members.slice(PACED), log);
      const memory = (child: Child, now: number): Memory => ({ before: now, peak: memoryMb(child.pid).peak });
      return outcome(result, pacedPerSecond, {
        worker: memory(children.worker, before.worker),
        bridge: memory(children.bridge, before.bridge),
      });
    } finally {
      await fleet.stop({ timeoutMs: 2_000 });
      await children.bridge.stop();
      await children.worker.stop();
    }
  });

async function paced(members: Fleet['members']): Promise<number> {
  const limit = pLimit(AT_ONCE);
  const began = performance.now();
  await Promise.all(members.map(({ node }) => limit(() => node.start({ timeoutMs: WITHIN_MS }))));
  return (members.length * 1000) / (performance.now() - began);
}

async function burst(servers: Servers, members: Fleet['members'], log: (text: string) => void): Promise<Burst> {
  const began = Date.now();
  const progress = setInterval(
    () =>
      log(
        `${Math.round((Date.now() - began) / 1000)} s: ` +
          `${members.filter(({ node }) => node.state === 'active').length} active`,
      ),
    SAY_EVERY_MS,
  );
  try {
    // Who is not active in time is counted as lost, by the registry.
    await Promise.allSettled(members.map(({ node }) => node.start({ timeoutMs: WITHIN_MS })));
  } finally {
    clearInterval(progress);
  }
  const last = Math.max(...members.map(({ steps }) => steps.active ?? began + WITHIN_MS));
  // A node that was active for a moment and fell out again is lost too.
  await delay(2_000);
  const ids = members.map(({ node }) => node.node_id);
  const { rows } = await servers.pool.query<{ active: number; attempts: number }>(
    `select count(*) filter (where state = 'ACTIVE')::int as active, coalesce(sum(attempt), 0)::int as attempts ` +
      'from node_registrations where node_id = any($1)',
    [ids],
  );
  return {
    seconds: (last - began) / 1000,
    active: rows[0]?.active ?? 0,
    attempts: rows[0]?.attempts ?? 0,
    acksTimedOut: await acksTimedOut(servers),
    retries: await retriesOf(servers.client, ids),
  };
}

/** How often a node read that its acknowledgement had not come in time. */
async function acksTimedOut({ config, contracts, kafka }: Servers): Promise<number> {
  const admin = createAdmin(kafka);
  try {
    const ends = await admin.topicEnds(topicName(contracts.topics.emit_ack_timed_out ?? '', config));
    return ends.reduce((sum, { high }) => sum + Number(high), 0);
  } finally {
    await admin.close();
  }
}

function outcome(
  { seconds, active, attempts, acksTimedOut, retries }: Burst,
  pacedPerSecond: number,
  { worker, bridge }: Readonly<Record<'worker' | 'bridge', Memory>>,
): Outcome {
  const lost = NODES - active;
  const pacedSeconds = NODES / pacedPerSecond;
  const memory = (name: string, { before, peak }: Memory) => ({
    name: `peak memory of the ${name}`,
    value: peak,
    unit: 'MB',
    baseline: `${before.toFixed(0)} MB, before the burst`,
    ratio: peak / before,
  });
  return {
    json: {
      nodes: NODES,
      active,
      lost,
      seconds: Number(seconds.toFixed(1)),
      peak_mb: Math.round(worker.peak + bridge.peak),
    },
    counts:
      `${NODES.toLocaleString('en')} nodes at once after ${PACED} that came ${AT_ONCE} at a time; one worker, one ` +
      `bridge; ${attempts} attempts, ${retries} retries of activities`,
    figures: [
      {
        name: 'nodes lost or stuck',
        value: lost,
        unit: '',
        baseline: `${NODES} nodes`,
        ratio: lost / NODES,
        goal: { goal: 0, limit: 0, better: 'lower' },
      },
      {
        name: 'time to the last ACTIVE',
        value: seconds,
        unit: 's',
        baseline: `${pacedSeconds.toFixed(1)} s, at the rate of ${AT_ONCE} at a time`,
        ratio: seconds / pacedSeconds,
      },
      {
        name: 'acknowledgements that timed out',
        value: acksTimedOut,
        unit: '',
        baseline: `${NODES} nodes`,
        ratio: acksTimedOut / NODES,
      },
      { name: 'retries of activities', value: retries, unit: '', baseline: `${NODES} nodes`, ratio: retries / NODES },
      memory('bridge', bridge),
      memory('worker', worker),
    ],
  };
}
