import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { startBridge } from '../../bridge/index.js';
import type { Config } from '../../config/index.js';
import { loadContracts } from '../../contracts/load.js';
import { createKafka } from '../../kafka/index.js';
import { processMetrics, serveMetrics, type MetricsServer } from '../../metrics.js';
import { dataConverter } from '../../payloads/data-converter.js';
import { createPool } from '../../registry/pool.js';
import { logger } from '../../telemetry.js';
import { tracingOf } from '../../tracing/index.js';
import { temporalOptions } from '../connect.js';
import { untilStopped } from '../processes/stopping.js';

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
  const connection = Connection.lazy(temporalOptions(config));
  const tracing = await tracingOf('node-registrar-bridge');
  const temporalClient = new Client({
    connection,
    namespace: config.temporal.namespace,
    ...dataConverter(config),
    ...(tracing === undefined ? {} : { interceptors: { workflow: [tracing.client] } }),
  });
  const pool = createPool(config.postgres.connectionString);
  const kafka = createKafka({ ...config.kafka, clientId: 'node-registrar-bridge', logger: logger('kafka') });
  const stopping = untilStopped();
  // The first node need not wait for the connection; a server that is not there yet is waited for when it is needed.
  connection
    .withDeadline(Date.now() + CONNECT_WITHIN_MS, () => connection.workflowService.getSystemInfo({}))
    .catch((error: unknown) => logger('bridge').debug({ err: error }, 'Temporal does not answer yet'));
  let metrics: MetricsServer | undefined;
  try {
    const starting = startBridge({ config, contracts, temporalClient, pool, kafka, signal: stopping.signal });
    const bridge = await Promise.race([starting, stopping.requested.then(() => delay(LEAVE_WITHIN_MS))]);
    if (bridge === undefined) return;
    const { bridge: address } = config.metrics;
    if (address !== undefined) {
      const read = [() => bridge.metrics.metrics(), processMetrics()];
      metrics = await serveMetrics({ address, variable: 'REGISTRAR_BRIDGE_METRICS', read });
    }
    onReady();
    await stopping.requested;
    await bridge.stop();
  } catch (error) {
    // Stopped while it was still waiting for a server: it held nothing.
    if (!stopping.signal.aborted) throw error;
  } finally {
    await Promise.allSettled([metrics?.close(), pool.end(), connection.close(), tracing?.stop()]);
  }
}
