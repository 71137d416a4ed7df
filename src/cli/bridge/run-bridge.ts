import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { startBridge, type Bridge } from '../../bridge/index.js';
import type { Config } from '../../config/index.js';
import { loadContracts } from '../../contracts/load.js';
import { createKafka } from '../../kafka/index.js';
import { processMetrics, serveMetrics, type MetricsServer } from '../../metrics.js';
import { dataConverter } from '../../payloads/data-converter.js';
import { createPool } from '../../registry/pool.js';
import { retriedCalls } from '../../runs/retried-calls.js';
import { logger } from '../../telemetry.js';
import { sendLogIds } from '../../tracing/carry-log-ids.js';
import { tracingOf } from '../../tracing/index.js';
import { watchClock } from '../../watch-clock.js';
import { claimServers } from '../claim.js';
import { temporalOptions } from '../connect.js';
import { endInTime, untilStopped } from '../processes/stopping.js';

const CONNECT_WITHIN_MS = 10_000;
/** For groups that it has joined while it was still starting. A broker that hangs is not waited for. */
const LEAVE_WITHIN_MS = 3_000;

/**
 * Runs the bridge until the process is stopped (SIGINT, SIGTERM): it then
 * finishes what it holds and leaves its consumer groups. Servers that are not
 * there yet are waited for.
 *
 * @param onReady called when it reads all topics
 */
export async function runBridge(config: Config, onReady: () => void = () => undefined): Promise<void> {
  const contracts = loadContracts(config.contractsDir);
  const connection = Connection.lazy({ ...temporalOptions(config), interceptors: retriedCalls });
  const tracing = await tracingOf('node-registrar-bridge');
  const temporalClient = new Client({
    connection,
    namespace: config.temporal.namespace,
    ...dataConverter(config),
    interceptors: { workflow: [sendLogIds, ...(tracing === undefined ? [] : [tracing.client])] },
  });
  const pool = createPool(config.postgres.connectionString);
  const kafka = createKafka({ ...config.kafka, clientId: 'node-registrar-bridge', logger: logger('kafka') });
  const log = logger('bridge');
  const stopping = untilStopped(() => endInTime(log));
  // The first node need not wait for the connection; a server that is not there yet is waited for when it is needed.
  connection
    .withDeadline(Date.now() + CONNECT_WITHIN_MS, () => connection.workflowService.getSystemInfo({}))
    .catch((error: unknown) => log.debug({ err: error }, 'Temporal does not answer yet'));
  const { bridge: address } = config.metrics;
  let metrics: MetricsServer | undefined;
  let bridge: Bridge | undefined;
  try {
    // From the start: a probe must be answered while a server is waited for.
    if (address !== undefined) {
      const read = [() => bridge?.metrics.metrics() ?? Promise.resolve(''), processMetrics()];
      const notReady = (): string | null => {
        if (stopping.signal.aborted) return 'it is being stopped';
        return bridge === undefined ? 'it is starting, and waits for Kafka or PostgreSQL' : bridge.notReady();
      };
      metrics = await serveMetrics({ address, variable: 'REGISTRAR_BRIDGE_METRICS', read, notReady });
    }
    const starting = claimServers(config, 'bridge', stopping.signal).then(() =>
      startBridge({ config, contracts, temporalClient, pool, kafka, signal: stopping.signal }),
    );
    bridge = (await Promise.race([starting, stopping.requested.then(() => delay(LEAVE_WITHIN_MS))])) ?? undefined;
    if (bridge === undefined) return;
    onReady();
    const clock = watchClock(pool, 'bridge', log);
    await stopping.requested;
    await Promise.all([bridge.stop(), clock.stop()]);
  } catch (error) {
    // Stopped while it was still waiting for a server: it held nothing.
    if (!stopping.signal.aborted) throw error;
  } finally {
    await Promise.allSettled([metrics?.close(), pool.end(), connection.close(), tracing?.stop()]);
  }
}
