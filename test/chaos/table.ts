import type { MemorySample } from './checker/snapshot.js';
import type { Outcome } from './run-scenario.js';
import type { Scenario } from './scenario.js';

export const TITLES = ['scenario', 'seed', 'what was done', 'load', 'counts', 'memory (MB)', 'settled', 'verdict'];

/** One run as a line of the table. */
export function row(name: string, seed: number, { what }: Scenario, outcome: Outcome): string[] {
  const { snapshot, violations, settled_seconds } = outcome;
  const { disturbances, load, records, rows, runs } = snapshot;
  const of = (did: string): number => load.filter((deed) => deed.did === did).length;
  const resting = (state: string): number => rows.filter((one) => one.state === state).length;
  const ended = rows.filter(({ ended_at }) => ended_at !== null).length;
  const drains = records.filter(({ topic }) => topic.includes('node-drain-requested')).length;
  return [
    name,
    String(seed),
    disturbances.length === 0 ? what : disturbances.map((one) => `${one.what} ${seconds(one)} s`).join('\n'),
    `${new Set(load.map(({ node_id }) => node_id)).size} nodes\n${of('lives')} starts, ${of('dies')} deaths\n` +
      `${of('freezes')} freezes, ${of('leaves')} goodbyes\n${drains} drains and undrains`,
    `${records.length} records\n${runs.length} runs\n${resting('ACTIVE')} ACTIVE, ${resting('DRAINING')} DRAINING, ${ended} ended`,
    memory(snapshot.memory),
    `${settled_seconds} s`,
    violations.length === 0 ? 'green' : `RED: ${violations.length}`,
  ];
}

function seconds({ from, to }: { readonly from: number; readonly to: number }): string {
  return String(Math.round((to - from) / 1_000));
}

/** Of each process the first and the last. */
function memory(samples: readonly MemorySample[]): string {
  return [...new Set(samples.map(({ process }) => process))]
    .map((process) => {
      const own = samples.filter((sample) => sample.process === process);
      return `${process} ${own[0]?.megabytes ?? 0} to ${own.at(-1)?.megabytes ?? 0}`;
    })
    .join('\n');
}
