import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startStack, type RunningStack } from '../src/stack/index.js';
import { lineReporter } from '../src/stack/progress.js';
import { logger } from '../src/telemetry.js';
import { lend } from './run/lending.js';
import { integrationWorkers, SERVERS_PORT } from './run/workers.js';

/** Temporal, Kafka, Consul and PostgreSQL, on data of their own. */
interface Servers {
  readonly stack: RunningStack;
  readonly dataDir: string;
}

/**
 * Lends real servers to the integration tests, a whole set to each file that runs: files that run beside each other so
 * cannot disturb each other, whatever they stop or count, and a set is started only once a run. An address in the
 * environment of the run is used instead of a server of ours, as everywhere else.
 *
 * @returns what ends all of them
 */
export default async function lendServers(): Promise<() => Promise<void>> {
  const lending = await lend(integrationWorkers(process.env), startServers, ({ stack, dataDir }) =>
    // The directory too: a test of an outage asks the stack's owner, this process, to stop a server.
    ({ ...stack.environment(), REGISTRAR_DATA_DIR: dataDir }),
  );
  process.env[SERVERS_PORT] = String(lending.port);
  return async () => {
    const ends = (await lending.close()).map(async (started) => {
      // When they did not start, their logs are what is needed: the directory stays, and the files have the error.
      if (started.status === 'rejected') return;
      await started.value.stack.stop();
      await rm(started.value.dataDir, { recursive: true, force: true });
    });
    await Promise.all(ends);
  };
}

async function startServers(number: number): Promise<Servers> {
  const dataDir = await mkdtemp(join(tmpdir(), `servers-${number}-`));
  // Where we are root, PostgreSQL runs as somebody else, who must get at its data.
  await chmod(dataDir, 0o755);
  const { onProgress } = lineReporter((line) => process.stderr.write(`servers ${number}: ${line}\n`));
  const stack = await startStack({ dataDir, env: process.env, onProgress, logger: logger('test-servers') });
  return { stack, dataDir };
}
