import { DefaultLogger, Runtime, type LogEntry } from '@temporalio/worker';
import type { Config } from '../../config.js';
import { logger } from '../../telemetry.js';
import { tracingOf } from '../../tracing/index.js';
import { openWorker } from '../../worker.js';
import { untilStopped } from '../processes/stopping.js';

const log = logger('worker');

/**
 * Runs a worker until the process is stopped (SIGINT, SIGTERM): it then
 * finishes the tasks that it holds. Servers that are not there yet are waited for.
 *
 * @param onReady called when it polls its task queue
 */
export async function runWorker(config: Config, onReady: () => void = () => undefined): Promise<void> {
  // The runtime's own listeners would swallow a signal that comes before there is a worker.
  const { worker: bindAddress } = config.metrics;
  Runtime.install({
    logger: new DefaultLogger('WARN', forward),
    shutdownSignals: [],
    // Temporal's own count of tasks, activities, retries and latencies shows what a worker does.
    ...(bindAddress === undefined
      ? {}
      : {
          telemetryOptions: {
            metrics: {
              prometheus: { bindAddress, countersTotalSuffix: true, unitSuffix: true, useSecondsForDurations: true },
            },
          },
        }),
  });
  const stopping = untilStopped();
  const tracing = await tracingOf('node-registrar-worker');
  const worker = await Promise.race([openWorker(config, { tracing }), stopping.requested]);
  // Stopped while it was still bundling or waiting for a server: it held nothing.
  if (worker === undefined) return;
  const running = worker.run();
  onReady();
  void stopping.requested.then(() => worker.shutdown());
  await running.finally(() => tracing?.stop());
}

function forward({ level, message, meta }: LogEntry): void {
  const levels = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;
  const { error, taskToken: _token, ...known } = meta ?? {};
  log[levels[level]](error instanceof Error ? { ...known, reason: error.message } : (meta ?? {}), message);
}
