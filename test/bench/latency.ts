import { startChild } from '../../src/cli/processes/children.js';
import type { Fleet } from '../../src/node/index.js';
import { fleetOf } from './support/fleet.js';
import type { Figure, Outcome, Scenario } from './support/scenario.js';
import { withServers } from './support/servers.js';
import { percent } from './support/statistics.js';

/** Servers and processes are slow with what they do for the first time: these nodes are not measured. */
const WARM_UP = 100;
const ALONE = 100;
const AT_ONCE = 10;
const ROUNDS = 20;
const WITHIN_MS = 60_000;

/**
 * Latency in steady state: from a node's introspection to the moment in which it reads that it is active, by the
 * node's own clock, through Kafka, the bridge, Temporal and both backends. A node alone, then ten at once.
 */
export const run: Scenario = (log) =>
  withServers(async (servers) => {
    const children = [startChild('worker', 'inherit'), startChild('bridge', 'inherit')] as const;
    const fleet = fleetOf(WARM_UP + ALONE + ROUNDS * AT_ONCE, servers);
    const { members } = fleet;
    try {
      for (const child of children) child.go();
      await Promise.all([...children.map((child) => child.ready()), fleet.hub.open()]);
      log(`${WARM_UP} nodes to warm up, ${AT_ONCE} at once`);
      await inRounds(members.slice(0, WARM_UP), AT_ONCE);
      log(`${ALONE} nodes, one at a time`);
      const alone = await inRounds(members.slice(WARM_UP, WARM_UP + ALONE), 1);
      log(`${ROUNDS} rounds of ${AT_ONCE} nodes at once`);
      const together = await inRounds(members.slice(WARM_UP + ALONE), AT_ONCE);
      return outcome(alone, together);
    } finally {
      await fleet.stop({ timeoutMs: 5_000 });
      for (const child of [...children].reverse()) await child.stop();
    }
  });

type Members = Fleet['members'];

/**
 * Registers all of them, so many at once; the next round begins when all of the last one are active. In milliseconds.
 */
async function inRounds(members: Members, atOnce: number): Promise<number[]> {
  const took: number[] = [];
  for (let from = 0; from < members.length; from += atOnce) {
    const round = members.slice(from, from + atOnce);
    await Promise.all(round.map(({ node }) => node.start({ timeoutMs: WITHIN_MS })));
    took.push(...round.map(({ steps }) => (steps.active ?? NaN) - (steps.introduced ?? NaN)));
  }
  return took;
}

function outcome(alone: readonly number[], together: readonly number[]): Outcome {
  const base = percent(alone, 50);
  const figure = (what: string, value: number, percentage: number): Figure => ({
    name: `introspection to ACTIVE, p${percentage}, ${what}`,
    value,
    unit: 'ms',
    baseline: `${base} ms, p50 of a node alone`,
    ratio: value / base,
  });
  const [alone99, together50, together99] = [percent(alone, 99), percent(together, 50), percent(together, 99)];
  return {
    json: { alone_p50_ms: base, alone_p99_ms: alone99, ten_p50_ms: together50, ten_p99_ms: together99 },
    counts:
      `steady state, after ${WARM_UP} nodes to warm up: ${alone.length} nodes one at a time, then ${ROUNDS} ` +
      `rounds of ${AT_ONCE} at once`,
    figures: [
      figure('a node alone', base, 50),
      figure('a node alone', alone99, 99),
      figure(`${AT_ONCE} at once`, together50, 50),
      figure(`${AT_ONCE} at once`, together99, 99),
    ],
  };
}
