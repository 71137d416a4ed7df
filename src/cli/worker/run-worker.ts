import type { WorkerDeploymentVersion } from '@temporalio/common';
import { DefaultLogger, Runtime, type LogEntry } from '@temporalio/worker';
import type { Config } from '../../config/index.js';
import { errorText } from '../../error-text.js';
import { processMetrics, serveMetrics, type MetricsOptions, type MetricsServer } from '../../metrics.js';
import { choosePorts, portOf } from '../../stack/ports.js';
import { logger } from '../../telemetry.js';
import { tracingOf } from '../../tracing/index.js';
import { openWorker, type RegistrarWorker } from '../../worker.js';
import { endInTime, untilStopped } from '../processes/stopping.js';
import { claimServers } from '../claim.js';

const log = logger('worker');

/**
 * Runs a worker until the process is stopped (SIGINT, SIGTERM): it then
 * finishes the tasks that it holds. Servers that are not there yet are waited for.
 *
 * @param onReady called when it polls its task queue
 * @param version with which Temporal knows this worker; none: a worker without Worker Versioning
 */
export async function runWorker(
  config: Config,
  onReady: () => void = () => undefined,
  version?: WorkerDeploymentVersion,
): Promise<void> {
  const { worker: address } = config.metrics;
  // Temporal's runtime serves what it counts by itself, and we pass it on with the metrics of the process.
  const own =
    address === undefined ? undefined : `127.0.0.1:${portOf(await choosePorts({ metrics: 9466 }), 'metrics')}`;
  // The runtime's own listeners would swallow a signal that comes before there is a worker.
  Runtime.install({
    logger: new DefaultLogger('WARN', forward),
    shutdownSignals: [],
    ...(own === undefined ? {} : { telemetryOptions: { metrics: { prometheus: { bindAddress: own, ...METRICS } } } }),
  });
  const stopping = untilStopped(() => endInTime(log));
  const tracing = await tracingOf('node-registrar-worker');
  let worker: RegistrarWorker | undefined;
  const notReady = (): Promise<string | null> | string => {
    if (stopping.signal.aborted) return 'it is being stopped';
    return worker === undefined ? 'it is starting, and waits for Temporal' : worker.notReady();
  };
  const metrics = await startMetrics(address, own, notReady);
  try {
    // It gets no task before the servers are known to be this installation's: tasks come when it runs.
    const opening = Promise.all([
      openWorker(config, { tracing, version }),
      claimServers(config, 'worker', stopping.signal),
    ]);
    [worker] = (await Promise.race([opening, stopping.requested])) ?? [];
    // Stopped while it was still bundling or waiting for a server: it held nothing.
    if (worker === undefined) return;
    const running = worker.run();
    onReady();
    void stopping.requested.then(() => worker?.shutdown());
    await running;
  } finally {
    await Promise.allSettled([tracing?.stop(), metrics?.close()]);
  }
}

/** Names as Prometheus wants them. */
const METRICS = { countersTotalSuffix: true, unitSuffix: true, useSecondsForDurations: true } as const;

async function startMetrics(
  address: string | undefined,
  own: string | undefined,
  notReady: MetricsOptions['notReady'],
): Promise<MetricsServer | undefined> {
  if (address === undefined || own === undefined) return undefined;
  const ofTemporal = async (): Promise<string> => (await fetch(`http://${own}/metrics`)).text();
  return serveMetrics({
    address,
    variable: 'REGISTRAR_WORKER_METRICS',
    read: [ofTemporal, processMetrics()],
    notReady,
  });
}

function forward({ level, message, meta }: LogEntry): void {
  const levels = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;
  const { error, taskToken: _token, ...known } = meta ?? {};
  log[levels[level]](error instanceof Error ? { ...known, reason: errorText(error) } : (meta ?? {}), message);
}
