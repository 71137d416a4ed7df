import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startStack } from '../src/stack/index.js';
import { lineReporter } from '../src/stack/progress.js';
import { logger } from '../src/telemetry.js';

/**
 * Starts the real servers once for all integration tests of a run, on data of
 * their own, and tells the tests where they are (see integration/servers.ts).
 * An address in the environment is used instead of a server of ours, as
 * everywhere else.
 *
 * @returns what ends them again
 */
export default async function startServers(): Promise<() => Promise<void>> {
  const dataDir = await mkdtemp(join(tmpdir(), 'node-registrar-test-'));
  // Where we are root, PostgreSQL runs as somebody else, who must get at its data.
  await chmod(dataDir, 0o755);
  const { onProgress } = lineReporter((line) => process.stderr.write(`${line}\n`));
  // When they do not start, their logs are what is needed: the directory stays.
  const stack = await startStack({ dataDir, env: process.env, onProgress, logger: logger('test-servers') });
  // The directory too: a test of an outage asks the stack's owner, this process, to stop a server.
  Object.assign(process.env, stack.environment(), { REGISTRAR_DATA_DIR: dataDir });
  return async () => {
    await stack.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
}
