import { pino } from 'pino';
import { Backend } from '../../bridge/backend.js';
import { environmentName } from '../../protocol/topics.js';
import { runStart } from '../../bridge/run-options.js';
import { reconcile, type Reconciliation } from '../../bridge/reconciliation/reconcile.js';
import { reconcileClient } from '../../bridge/reconciliation/reconciler.js';
import type { Config } from '../../config/index.js';
import type { Reconcile } from '../../contracts/compiled.js';
import { loadContracts } from '../../contracts/load.js';
import { findStuckRuns } from '../../runs/stuck-runs.js';
import { ConsulError } from '../../registry/consul/error.js';
import { unreachable, withRegistry, withTemporal } from '../connect.js';

/** Under a contract that compares nothing by itself. */
const BY_HAND: Reconcile = { interval_seconds: 60, again_after_seconds: 5, mends_per_second: 20 };

/** A large fleet that Consul has forgotten is signalled at a limited rate. */
const WITHIN_MS = 600_000;

/**
 * Compares Consul with the registry once, and mends what differs in two looks.
 *
 * @param dryRun nothing is mended
 * @throws CliError when Consul, the registry or Temporal does not answer
 */
export async function reconcileOnce(config: Config, dryRun: boolean): Promise<Reconciliation> {
  const contracts = loadContracts(config.contractsDir);
  const consul = reconcileClient(config.consul);
  const logger = pino({ level: 'silent' });
  try {
    return await withTemporal(
      config,
      (temporalClient) =>
        withRegistry(config, (pool) =>
          reconcile({
            pool,
            consul,
            contract: contracts.compiled,
            environment: environmentName(config),
            stuckRuns: (signal) => findStuckRuns(temporalClient, config.taskQueue, signal),
            context: {
              temporalClient,
              runs: runStart(contracts, config.taskQueue),
              temporal: new Backend('Temporal', logger),
              logger,
            },
            selfPreservation: contracts.selfPreservation,
            signal: new AbortController().signal,
            rule: contracts.reconcile ?? BY_HAND,
            mends: (differences) => (dryRun ? [] : differences),
          }),
        ),
      WITHIN_MS,
    );
  } catch (error) {
    if (error instanceof ConsulError) throw unreachable(config, 'consul', config.consul.address, error);
    throw error;
  } finally {
    consul.close();
  }
}
