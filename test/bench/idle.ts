import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startChild } from '../../src/cli/processes/children.js';
import type { Fleet } from '../../src/node/index.js';
import { fleetOf } from './support/fleet.js';
import { readProgress, type Progress } from './support/histories.js';
import { cpuSeconds, memoryMb, temporalServerOn } from './support/processes.js';
import type { Outcome, Scenario } from './support/scenario.js';
import { withServers, type Servers } from './support/servers.js';
import { median } from './support/statistics.js';

const NODES = 200;
const MINUTES = 3;
const EMPTY_SECONDS = 20;
const VERIFY_EVERY_SECONDS = 60;

interface Measured {
  readonly hours: number;
  /** Of each node, over the time. */
  readonly nodes: readonly Progress[];
  readonly temporalCpu: { readonly empty: number; readonly busy: number };
  readonly workerMb: { readonly empty: number; readonly full: number };
}

/**
 * What nodes that are well cost while nothing happens. The shipped contract has
 * a node's workflow verify its lease once in hours, which nobody wants to wait
 * for: here it does so every minute, which shows what one verification costs;
 * the hour's figure is that, as often as in the shipped contract, and
 * whatever else was written meanwhile.
 */
export const run: Scenario = (log) =>
  withServers(async (servers) => {
    const { config, contracts } = servers;
    process.env.REGISTRAR_CONTRACTS = await frequentVerification(config.dataDir);
    const children = { worker: startChild('worker', 'inherit'), bridge: startChild('bridge', 'inherit') };
    const fleet = fleetOf(NODES, servers);
    try {
      for (const child of Object.values(children)) child.go();
      await Promise.all([children.bridge.ready(), fleet.hub.open()]);
      const measured = await measure(servers, fleet, children.worker.pid, log);
      return outcome(
        measured,
        contracts.compiled.timers['liveness']?.seconds ?? NaN,
        contracts.compiled.liveness.heartbeat_interval_seconds,
      );
    } finally {
      await fleet.stop({ timeoutMs: 5_000 });
      await children.bridge.stop();
      await children.worker.stop();
      delete process.env.REGISTRAR_CONTRACTS;
    }
  });

/** The shipped contracts but for one timer. */
async function frequentVerification(dataDir: string): Promise<string> {
  const directory = join(dataDir, 'contracts', 'node_registration_orchestrator');
  await mkdir(directory, { recursive: true });
  await writeFile(
    join(directory, 'contract.yaml'),
    `timers:\n  - timer: "liveness"\n    seconds: ${VERIFY_EVERY_SECONDS}\n`,
  );
  return join(dataDir, 'contracts');
}

async function measure(
  { client, config }: Servers,
  fleet: Fleet,
  worker: number,
  log: (text: string) => void,
): Promise<Measured> {
  const temporal = temporalServerOn(config.dataDir);
  const share = async (milliseconds: number): Promise<number> => {
    const [at, before] = [performance.now(), cpuSeconds(temporal)];
    await delay(milliseconds);
    return ((cpuSeconds(temporal) - before) * 1000) / (performance.now() - at);
  };
  const emptyMb = memoryMb(worker).now;
  const empty = await share(EMPTY_SECONDS * 1000);
  await fleet.start({ timeoutMs: 240_000 });
  log(`${NODES} nodes are active; now nothing happens for ${MINUTES} minutes`);
  const ids = fleet.members.map(({ node }) => node.node_id);
  const before = await readProgress(client, ids);
  const at = performance.now();
  const busy = await share(MINUTES * 60_000);
  const after = await readProgress(client, ids);
  const left = fleet.members.filter(({ node }) => node.state !== 'active').length;
  if (left > 0) throw new Error(`${left} of ${NODES} nodes did not stay active: that is not what is measured here`);
  return {
    hours: (performance.now() - at) / 3_600_000,
    nodes: after.map(({ events, timersFired }, index) => ({
      events: events - (before[index]?.events ?? 0),
      timersFired: timersFired - (before[index]?.timersFired ?? 0),
    })),
    temporalCpu: { empty, busy },
    workerMb: { empty: emptyMb, full: memoryMb(worker).now },
  };
}

function outcome(
  { hours, nodes, temporalCpu, workerMb }: Measured,
  livenessSeconds: number,
  heartbeatSeconds: number,
): Outcome {
  const perVerification = median(
    nodes.filter(({ timersFired }) => timersFired > 0).map(({ events, timersFired }) => events / timersFired),
  );
  const others =
    nodes.reduce((sum, { events, timersFired }) => sum + events - perVerification * timersFired, 0) / (NODES * hours);
  const perHour = (perVerification * 3600) / livenessSeconds + others;
  const heartbeats = 3600 / heartbeatSeconds;
  const verifications = nodes.reduce((sum, { timersFired }) => sum + timersFired, 0);
  const perNodeMb = (workerMb.full - workerMb.empty) / NODES;
  return {
    json: { events_per_node_hour: Number(perHour.toFixed(2)) },
    counts:
      `${NODES} active nodes for ${MINUTES} minutes; ${verifications} verifications of ` +
      `${Number(perVerification.toFixed(2))} events each, ${others.toFixed(2)} other events per node and hour; ` +
      `the shipped contract verifies every ${livenessSeconds} s`,
    figures: [
      {
        name: 'history events per node and hour',
        value: perHour,
        unit: '',
        baseline: `${heartbeats}, its heartbeats`,
        ratio: perHour / heartbeats,
        goal: { goal: 2, limit: 12, better: 'lower' },
      },
      {
        name: `Temporal's processor, a verification per node and minute`,
        value: temporalCpu.busy * 100,
        unit: '% of a core',
        baseline: `${(temporalCpu.empty * 100).toFixed(1)} %, without nodes`,
        ratio: temporalCpu.busy / temporalCpu.empty,
      },
      {
        name: 'memory of the worker per node',
        value: perNodeMb * 1000,
        unit: 'kB',
        baseline: `${workerMb.empty.toFixed(0)} MB, the worker without nodes`,
        ratio: perNodeMb / workerMb.empty,
      },
    ],
  };
}
