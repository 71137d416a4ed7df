import pLimit from 'p-limit';
import { startChild } from '../../src/cli/processes/children.js';
import { startProcess } from './support/child-process.js';
import { fleetOf } from './support/fleet.js';
import { medianCost, type Cost } from './support/histories.js';
import { cpuSeconds, temporalServerOn } from './support/processes.js';
import { Registrations, type Kind, type Lap } from './support/registrations.js';
import type { Outcome, Scenario } from './support/scenario.js';
import { withServers, type Servers } from './support/servers.js';
import { median, percent } from './support/statistics.js';

const AT_ONCE = 50;
const BLOCK = 100;
const PAIRS = 8;
/** A busy machine does fewer pairs, and prints that. */
const FEWEST_PAIRS = 4;
const LONG_ENOUGH_MS = 60_000;
const LIGHT = 50;
const FLEET = 200;

/**
 * Whole registrations against a bare workflow written by hand, with the same
 * effects and publishing: both run in one worker process with our settings, on
 * one server, driven in the same way. Blocks of both follow each other, so that
 * a machine that grows slow does so to both; the ratio is the median of the pairs'.
 *
 * Then through the whole system, Kafka and bridge included: how long it takes
 * from the introspection to ACTIVE, and what it costs the server.
 */
export const run: Scenario = (log) =>
  withServers(async (servers) => {
    const worker = startProcess('worker-process.ts');
    try {
      await worker.next();
      const direct = await compare(servers, worker.pid, log);
      log('the same through Kafka and the bridge');
      return outcome(direct, await wholeSystem(servers));
    } finally {
      await worker.stop();
    }
  });

interface Load {
  readonly laps: readonly Lap[];
  readonly cost: Cost;
}

interface Cpu {
  readonly worker: number;
  readonly temporal: number;
}

interface Direct {
  readonly ratios: readonly number[];
  readonly perSecond: Readonly<Record<Kind, number>>;
  /** Processor time for one registration. */
  readonly cpuMs: Readonly<Record<Kind, Cpu>>;
  readonly light: Readonly<Record<Kind, Load>>;
  readonly full: Readonly<Record<Kind, Load>>;
}

async function compare(servers: Servers, workerPid: number, log: (text: string) => void): Promise<Direct> {
  const driver = await Registrations.open(servers);
  const block = (kind: Kind, count: number, atOnce: number) => driver.block(kind, count, atOnce);
  const serverPid = temporalServerOn(servers.config.dataDir);
  const cpu = (): Cpu => ({ worker: cpuSeconds(workerPid), temporal: cpuSeconds(serverPid) });
  const load = async (laps: readonly Lap[]): Promise<Load> => ({
    laps,
    cost: await medianCost(
      servers.client,
      laps.slice(-BLOCK).map(({ node_id }) => node_id),
    ),
  });
  try {
    for (const kind of ['bare', 'registration'] as const) await block(kind, BLOCK, AT_ONCE);
    const light = {
      registration: await load((await block('registration', LIGHT, 1)).laps),
      bare: await load((await block('bare', LIGHT, 1)).laps),
    };
    const rates: Record<Kind, number[]> = { registration: [], bare: [] };
    const laps: Record<Kind, Lap[]> = { registration: [], bare: [] };
    const cpus: Record<Kind, Cpu[]> = { registration: [], bare: [] };
    const began = Date.now();
    for (let pair = 0; pair < PAIRS && (pair < FEWEST_PAIRS || Date.now() - began < LONG_ENOUGH_MS); pair += 1) {
      // Neither is always the first.
      const order: readonly Kind[] = pair % 2 === 0 ? ['registration', 'bare'] : ['bare', 'registration'];
      for (const kind of order) {
        const before = cpu();
        const done = await block(kind, BLOCK, AT_ONCE);
        const after = cpu();
        const perNodeMs = 1000 / BLOCK;
        cpus[kind].push({
          worker: (after.worker - before.worker) * perNodeMs,
          temporal: (after.temporal - before.temporal) * perNodeMs,
        });
        rates[kind].push(done.perSecond);
        laps[kind].push(...done.laps);
      }
      log(
        `pair ${pair + 1} of ${PAIRS}: ${rates.registration.at(-1)?.toFixed(1)} registrations/s, bare ` +
          `${rates.bare.at(-1)?.toFixed(1)}/s`,
      );
    }
    return {
      ratios: rates.registration.map((rate, pair) => rate / (rates.bare[pair] ?? NaN)),
      perSecond: { registration: median(rates.registration), bare: median(rates.bare) },
      cpuMs: { registration: medianCpu(cpus.registration), bare: medianCpu(cpus.bare) },
      light,
      full: { registration: await load(laps.registration), bare: await load(laps.bare) },
    };
  } finally {
    await driver.close();
  }
}

function medianCpu(blocks: readonly Cpu[]): Cpu {
  return {
    worker: median(blocks.map(({ worker }) => worker)),
    temporal: median(blocks.map(({ temporal }) => temporal)),
  };
}

/** Nodes that speak only Kafka: one at a time, then many. */
async function wholeSystem(servers: Servers): Promise<{ readonly light: Load; readonly full: Load }> {
  const bridge = startChild('bridge', 'inherit');
  const fleet = fleetOf(LIGHT + FLEET, servers);
  const load = async (members: typeof fleet.members, atOnce: number): Promise<Load> => {
    const limit = pLimit(atOnce);
    await Promise.all(members.map(({ node }) => limit(() => node.start({ timeoutMs: 60_000 }))));
    const laps = members.map(({ node: { node_id }, steps }) => ({
      node_id,
      ms: (steps.active ?? NaN) - (steps.introduced ?? NaN),
    }));
    return {
      laps,
      cost: await medianCost(
        servers.client,
        laps.map(({ node_id }) => node_id),
      ),
    };
  };
  try {
    bridge.go();
    await Promise.all([bridge.ready(), fleet.hub.open()]);
    return {
      light: await load(fleet.members.slice(0, LIGHT), 1),
      full: await load(fleet.members.slice(LIGHT), AT_ONCE),
    };
  } finally {
    await fleet.stop({ timeoutMs: 5_000 });
    await bridge.stop();
  }
}

function outcome(
  { ratios, perSecond, cpuMs, light: bareLight, full: bareFull }: Direct,
  { light, full }: { readonly light: Load; readonly full: Load },
): Outcome {
  const ratio = median(ratios);
  const times = (load: Load, percentage: number): number =>
    percent(
      load.laps.map(({ ms }) => ms),
      percentage,
    );
  const cpu = (who: keyof Cpu) => {
    const [value, baseline] = [cpuMs.registration[who], cpuMs.bare[who]];
    return {
      name: `processor time for one, ${who === 'worker' ? 'worker' : 'Temporal'}`,
      value,
      unit: 'ms',
      baseline: `${baseline.toFixed(1)} ms, bare workflow`,
      ratio: value / baseline,
    };
  };
  const latency = (what: string, load: Load, bare: Load, percentage: number) => {
    const [value, baseline] = [times(load, percentage), times(bare, percentage)];
    return {
      name: `introspection to ACTIVE, p${percentage}, ${what}`,
      value,
      unit: 'ms',
      baseline: `${baseline.toFixed(0)} ms, bare, without Kafka and bridge before it`,
      ratio: value / baseline,
    };
  };
  const cost = (what: string, key: keyof Cost, load: Load, bare: Load, goal: { goal: number; limit: number }) => {
    const [value, baseline] = [load.cost[key], bare.cost[key]];
    return {
      name: `${key.replace('_', ' ')} to ACTIVE, median, ${what}`,
      value,
      unit: '',
      baseline: `${baseline}, bare`,
      ratio: value / baseline,
      goal: { ...goal, better: 'lower' as const },
    };
  };
  const [events, tasks] = [
    { goal: 28, limit: 32 },
    { goal: 3, limit: 5 },
  ];
  const [oneAtATime, many] = ['one at a time', `${AT_ONCE} at a time`];
  return {
    // Where light and full load differ, the worse one is the figure.
    json: {
      ratio: round(ratio, 3),
      events: Math.max(light.cost.events, full.cost.events),
      workflow_tasks: Math.max(light.cost.workflow_tasks, full.cost.workflow_tasks),
      p50_ms: Math.round(Math.max(times(light, 50), times(full, 50))),
      p99_ms: Math.round(Math.max(times(light, 99), times(full, 99))),
    },
    counts: `${ratios.length} pairs of blocks of ${BLOCK} registrations, ${AT_ONCE} at a time, after as many to warm up (ratios ${[
      ...ratios,
    ]
      .sort((a, b) => a - b)
      .map((one) => one.toFixed(2))
      .join(' ')}); then ${LIGHT} one at a time and ${FLEET} ${many} through the whole system`,
    figures: [
      {
        name: `registrations per second, ${many}`,
        value: perSecond.registration,
        unit: '/s',
        baseline: `${perSecond.bare.toFixed(1)} /s, bare workflow`,
        ratio,
        goal: { of: 'ratio', goal: 0.95, limit: 0.8, better: 'higher' },
      },
      cpu('worker'),
      cpu('temporal'),
      latency(oneAtATime, light, bareLight.bare, 50),
      latency(oneAtATime, light, bareLight.bare, 99),
      latency(many, full, bareFull.bare, 50),
      latency(many, full, bareFull.bare, 99),
      cost(oneAtATime, 'events', light, bareLight.bare, events),
      cost(many, 'events', full, bareFull.bare, events),
      cost(oneAtATime, 'workflow_tasks', light, bareLight.bare, tasks),
      cost(many, 'workflow_tasks', full, bareFull.bare, tasks),
    ],
  };
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
