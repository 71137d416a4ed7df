import { setTimeout as delay } from 'node:timers/promises';
import pLimit from 'p-limit';
import { newCounters } from '../../src/bridge/counters.js';
import { runStart } from '../../src/bridge/run-options.js';
import { Backend } from '../../src/bridge/backend.js';
import { startSweep } from '../../src/bridge/liveness/sweep.js';
import { bridgeTopics } from '../../src/bridge/bridge-topics.js';
import { findSuspects } from '../../src/registry/leases/find-suspects.js';
import { SUSPECT_SIGNAL, WORKFLOW_TYPE, workflowId } from '../../workflows/messages.js';
import { introductionOf, newNode } from './support/registrations.js';
import type { Outcome, Scenario } from './support/scenario.js';
import { errorsOnly, withServers, type Servers } from './support/servers.js';
import { median } from './support/statistics.js';

const LEASES = 100_000;
const EXPIRED = 100;
const QUERIES = 100;
/** What the sweep itself allows. */
const AT_ONCE = 16;
const WITHIN_MS = 60_000;

/**
 * A sweep over a large table in which few leases have run out: its query, and
 * one whole pass that wakes those nodes, which all have a run. No worker runs,
 * so what they do when they are woken is not measured.
 */
export const run: Scenario = (log) =>
  withServers(async (servers) => {
    const expired = Array.from({ length: EXPIRED }, newNode);
    const [topic] = bridgeTopics(servers.contracts, servers.config).heartbeats;
    await fillTables(
      servers,
      topic,
      expired.map(({ node_id }) => node_id),
    );
    const limit = pLimit(AT_ONCE);
    const { workflow } = servers.client;
    const runs = runStart(servers.contracts, servers.config.taskQueue);
    await Promise.all(
      expired.map((node) => limit(() => workflow.signalWithStart(WORKFLOW_TYPE, introductionOf(node, runs)))),
    );
    log(`${LEASES} leases, ${EXPIRED} of them run out`);

    const search = {
      topics: [topic] as const,
      ...servers.contracts.compiled.liveness,
      limit: EXPIRED * 5,
      after: null,
    };
    const { suspects } = await findSuspects(servers.pool, search);
    if (suspects.length !== EXPIRED)
      throw new Error(`the sweep's query finds ${suspects.length} suspects, not ${EXPIRED}`);
    const query = await medianMs(() => findSuspects(servers.pool, search));
    const nothing = await medianMs(() => servers.pool.query('select 1'));

    const signals = await time(() =>
      Promise.all(
        suspects.map(({ node_id }) => limit(() => workflow.getHandle(workflowId(node_id)).signal(SUSPECT_SIGNAL))),
      ),
    );
    return outcome({ query, nothing, signals, wake: await time(() => sweepOnce(servers, topic)) });
  });

/** Leases as a fleet that is well has them, with their registry rows; and heartbeats stored up to now. */
async function fillTables({ pool }: Servers, topic: string, expired: readonly string[]): Promise<void> {
  const nodes = `select 'node-' || n as node_id, now() + make_interval(secs => 60 + n % 30) as deadline from generate_series(1, ${LEASES - EXPIRED}) as n
    union all select node_id, now() - interval '1 hour' from unnest($1::text[]) as node_id`;
  await pool.query(
    `insert into node_registrations (node_id, node_type, node_version, state, reducer_status, attempt, correlation_id, introspected_at, contract_version)
     select node_id, 'effect', '1.0.0', 'ACTIVE', 'complete', 1, node_id, now(), 'bench' from (${nodes}) as nodes`,
    [expired],
  );
  await pool.query(
    'insert into node_leases (node_id, attempt, deadline, window_seconds) select node_id, 1, deadline, 90 from ' +
      `(${nodes}) as nodes`,
    [expired],
  );
  await pool.query(
    'insert into stream_watermarks (topic, partition, next_offset, watermark) select $1, n, 1, now() from ' +
      'generate_series(0, 5) as n',
    [topic],
  );
  await pool.query('analyze');
}

/** One pass of the bridge's own sweep. */
async function sweepOnce({ client, config, contracts, pool }: Servers, topic: string): Promise<void> {
  const counters = newCounters();
  const log = errorsOnly('sweep');
  const sweep = startSweep(
    {
      temporalClient: client,
      runs: runStart(contracts, config.taskQueue),
      pool,
      counters,
      logger: log,
      temporal: new Backend('Temporal', log),
    },
    contracts,
    [topic],
  );
  try {
    const end = performance.now() + WITHIN_MS;
    while (counters.suspects_signalled < EXPIRED) {
      if (performance.now() > end)
        throw new Error(
          `the sweep has signalled ${counters.suspects_signalled} of ${EXPIRED} nodes within ${WITHIN_MS / 1000} s`,
        );
      await delay(1);
    }
  } finally {
    await sweep.stop();
  }
}

async function time(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

async function medianMs(work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let count = 0; count < QUERIES; count += 1) times.push(await time(work));
  return median(times);
}

interface Times {
  readonly query: number;
  readonly nothing: number;
  readonly signals: number;
  readonly wake: number;
}

function outcome({ query, nothing, signals, wake }: Times): Outcome {
  return {
    json: { query_ms: Number(query.toFixed(2)), wake_ms: Math.round(wake) },
    counts:
      `${LEASES.toLocaleString('en')} leases, ${EXPIRED} of them run out; median of ${QUERIES} queries; one pass, ` +
      `${AT_ONCE} signals at a time`,
    figures: [
      {
        name: "the sweep's query",
        value: query,
        unit: 'ms',
        baseline: `${nothing.toFixed(2)} ms, select 1`,
        ratio: query / nothing,
        goal: { goal: 5, limit: 50, better: 'lower' },
      },
      {
        name: 'a pass that wakes all of them',
        value: wake,
        unit: 'ms',
        baseline: `${signals.toFixed(0)} ms, the same signals alone`,
        ratio: wake / signals,
      },
    ],
  };
}
