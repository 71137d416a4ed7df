import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { chooseFreshSeed } from './seeds.js';
import { filesLeft, processesLeft, vitestWorkers } from './left-behind.js';

/** A process that was asked to end may take this long. */
const ENDS_WITHIN_MS = 5_000;
const LOOK_EVERY_MS = 100;

/**
 * Gives the tests of a run a fresh seed and a temporary folder of their own, and fails the run when something is left
 * at its end: files in that folder, or processes that were started with it. Each project of the configuration calls it;
 * the first one makes the folder.
 *
 * @returns what looks for leftovers, and removes the folder
 * @throws Error that names each leftover; the run's exit code is 1 then
 */
export default function wholeRun(): (() => Promise<void>) | undefined {
  if (process.env['REGISTRAR_TEST_RUN'] !== undefined) return undefined;
  const before = process.env['TMPDIR'];
  const folder = mkdtempSync(join(tmpdir(), 'node-registrar-run-'));
  // Where we are root, PostgreSQL runs as somebody else, who must get at its data.
  chmodSync(folder, 0o755);
  sharePorts(folder);
  process.env['TMPDIR'] = folder;
  process.env['REGISTRAR_TEST_RUN'] = folder;
  // From Node 22 on, processes keep here what they have compiled: a third of what the start of a command costs.
  process.env['NODE_COMPILE_CACHE'] = join(folder, 'node-compile-cache');
  chooseFreshSeed(process.env);
  return async () => {
    const processes = await endedProcesses(folder);
    const files = filesLeft(folder);
    // What is left stays, so that somebody can look into it.
    if (files.length === 0) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    delete process.env['REGISTRAR_TEST_RUN'];
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
    if (files.length + processes.length === 0) return;
    process.exitCode = 1;
    throw new Error(
      [
        'The tests leave something behind:',
        ...files.map((name) => `  ${join(folder, name)} (a test makes a folder with temporaryFolder of test/run/)`),
        ...processes.map((line) => `  process ${line}`),
      ].join('\n'),
    );
  };
}

/** A stack that starts elsewhere on this machine meanwhile must see which ports ours will listen on, and ours its. */
function sharePorts(folder: string): void {
  const name = `node-registrar-${process.getuid?.() ?? 'user'}`;
  const ofAll = join(tmpdir(), name);
  mkdirSync(ofAll, { recursive: true, mode: 0o700 });
  symlinkSync(ofAll, join(folder, name), 'dir');
}

/** Waits until the processes of the run have ended; answers those that have not. */
async function endedProcesses(folder: string): Promise<string[]> {
  const end = Date.now() + ENDS_WITHIN_MS;
  for (;;) {
    const left = processesLeft(folder, new Set([process.pid, ...vitestWorkers()]));
    if (left.length === 0 || Date.now() > end) return left;
    await delay(LOOK_EVERY_MS);
  }
}
