import type { Config } from '../../config/index.js';
import type { Contracts } from '../../contracts/load.js';
import { errorText } from '../../error-text.js';
import { OnceAMinute } from '../../once-a-minute.js';
import { findStuckRuns } from '../../runs/stuck-runs.js';
import { ConsulClient } from '../../registry/consul/client.js';
import { storeReconciliation, storeReconciliationFailure } from '../../registry/reconciliations.js';
import { storeReconcilerActions } from '../../registry/registrar-actions.js';
import { Backend } from '../backend.js';
import { bridgeTopics } from '../bridge-topics.js';
import { environmentName, type Names } from '../../protocol/topics.js';
import type { BridgeContext } from '../context.js';
import { every, type Repetition } from '../../every.js';
import { SignalPauses } from '../liveness/signal-pauses.js';
import { actionsOf } from './actions.js';
import { countsOf, type ReconciliationCounts } from './counts.js';
import type { Difference } from './differences.js';
import { reconcile } from './reconcile.js';

/** One list of a large fleet takes longer than one write. */
const CALL_TIMEOUT_MS = 10_000;
const LONGEST_PAUSE_MS = 3_600_000;
const WITHOUT_RUNS = 'Temporal could not be asked for runs that cannot go on: all else is compared';

type Context = Pick<
  BridgeContext,
  'temporalClient' | 'runs' | 'pool' | 'logger' | 'temporal' | 'postgres' | 'counters'
>;

export interface Reconciler extends Repetition {
  /** The last one that this bridge has done; null before. */
  readonly last: () => ReconciliationCounts | null;
}

/** A client for comparing, with which a large fleet can be listed. */
export function reconcileClient(consul: Config['consul']): ConsulClient {
  return new ConsulClient({ ...consul, timeoutMs: CALL_TIMEOUT_MS });
}

/**
 * Compares Consul with the registry again and again, while this bridge is the one that sweeps.
 *
 * @param leads whether it is
 */
export function startReconciler(
  context: Context,
  contracts: Contracts,
  config: Names & Pick<Config, 'consul'>,
  leads: () => boolean,
): Reconciler {
  const { reconcile: rule } = contracts;
  if (rule === null) return { stop: () => Promise.resolve(), last: () => null };
  const { pool, postgres, logger, counters } = context;
  const stopping = new AbortController();
  const consul = reconcileClient(config.consul);
  const backend = new Backend('Consul, or the registry that it is compared with', logger);
  const log = new OnceAMinute();
  const [fleet] = bridgeTopics(contracts, config).heartbeats;
  const pauses = new SignalPauses({ firstMs: rule.interval_seconds * 1_000, longestMs: LONGEST_PAUSE_MS });
  let last: ReconciliationCounts | null = null;

  const once = async (): Promise<void> => {
    pauses.begins();
    const done = await reconcile({
      pool,
      consul,
      contract: contracts.compiled,
      environment: environmentName(config),
      stuckRuns: (signal) => findStuckRuns(context.temporalClient, context.runs.taskQueue, signal),
      context,
      selfPreservation: contracts.selfPreservation,
      signal: stopping.signal,
      rule,
      mends: (differences) => dueNow(differences, pauses),
    });
    pauses.passed();
    if (done.runs_failure !== null && log.isDue(WITHOUT_RUNS)) logger.warn({ reason: done.runs_failure }, WITHOUT_RUNS);
    last = countsOf(done);
    counters.reconciliations += 1;
    await storeReconciliation(pool, fleet, last);
    const actions = actionsOf(done.mended);
    if (actions.length > 0) await storeReconcilerActions(pool, actions);
    if (done.differences.length > 0)
      logger.info(last, 'Consul and the registry differed: their nodes are written again, or removed');
  };
  const repetition = every(rule.interval_seconds * 1_000, async () => {
    if (!leads()) return;
    try {
      await once();
      backend.answered();
    } catch (error) {
      if (stopping.signal.aborted) return;
      backend.failed(error);
      await postgres.once(() => storeReconciliationFailure(pool, fleet, errorText(error)));
    }
  });
  return {
    async stop() {
      stopping.abort();
      await repetition.stop();
      consul.close();
    },
    last: () => last,
  };
}

/**
 * The differences that are mended now. A node that a backend refuses differs for as long as it is refused, so the
 * pauses between the signals to its run grow.
 */
function dueNow(differences: readonly Difference[], pauses: SignalPauses): Difference[] {
  const keyed = differences.map((one) => ({
    one,
    node_id: one.node_id,
    attempt: one.entry?.attempt ?? 0,
    deadline: one.kind,
  }));
  return pauses.due(keyed, Date.now()).map(({ one }) => one);
}
