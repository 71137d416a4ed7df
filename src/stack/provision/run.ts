import { appendFileSync, lstatSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { spawnGuarded } from '../guardian.js';
import { hasCode, StackError } from '../state/errors.js';
import type { Environment } from '../state/servers.js';
import type { ProvisionContext } from './context.js';

interface RunOptions {
  readonly cwd: string;
  readonly env?: Environment;
  readonly onLine?: (line: string) => void;
}

const LINES_SHOWN = 15;
const MEASURE_EVERY_MS = 250;

/**
 * Runs a tool to its end and answers its standard output. It is guarded like the servers: a compiler must not go on for
 * minutes after we are gone. Everything that it prints is kept in provision.log beside its work.
 */
export async function runTool(
  command: string,
  args: readonly string[],
  context: ProvisionContext,
  options: RunOptions,
): Promise<string> {
  context.signal?.throwIfAborted();
  const log = join(options.cwd, 'provision.log');
  appendFileSync(log, `\n$ ${command} ${args.join(' ')}\n`);
  const env = { ...context.env, ...options.env };
  const guarded = spawnGuarded({ command, args, env, cwd: options.cwd, stopSignal: 'TERM', graceSeconds: 3 }, 'pipe');
  const stop = () => void guarded.stop();
  context.signal?.addEventListener('abort', stop);
  const out: string[] = [];
  const all: string[] = [];
  const read = (stream: Readable | null, keep: (line: string) => void) => {
    if (stream === null) return Promise.resolve();
    const lines = createInterface({ input: stream });
    lines.on('line', (line) => {
      keep(line);
      all.push(line);
      options.onLine?.(line);
      appendFileSync(log, `${line}\n`);
    });
    return new Promise<void>((resolve) => lines.once('close', () => resolve()));
  };
  const reading = Promise.all([
    read(guarded.process.stdout, (line) => out.push(line)),
    read(guarded.process.stderr, () => undefined),
  ]);
  try {
    const { code } = await guarded.exited;
    await reading;
    context.signal?.throwIfAborted();
    if (code !== 0)
      throw new StackError(
        `'${basename(command)} ${args.join(' ')}' failed (exit ${code}):\n${all
          .slice(-LINES_SHOWN)
          .map((line) => `  ${line}`)
          .join('\n')}\nAll of it: ${log}`,
      );
  } finally {
    context.signal?.removeEventListener('abort', stop);
  }
  return out.join('\n');
}

/**
 * Reports how much of a download has arrived in a directory while `work` goes on; tools that show it differ, a file's
 * size does not.
 */
export async function measured<T>(
  directory: string,
  total: number,
  text: string,
  context: ProvisionContext,
  work: () => Promise<T>,
): Promise<T> {
  const report = () => {
    const done = Math.min(bytesIn(directory), total);
    context.onProgress({ kind: 'progress', about: context.about, text, done, total, unit: 'bytes' });
  };
  const timer = setInterval(report, MEASURE_EVERY_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

/** How many bytes the files below a directory have now. */
export function bytesIn(directory: string): number {
  let sum = 0;
  try {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      const path = join(directory, entry.name);
      sum += entry.isDirectory() ? bytesIn(path) : lstatSync(path).size;
    }
  } catch (error) {
    // Tools remove their temporary files whenever they like.
    if (!hasCode(error, 'ENOENT')) throw error;
  }
  return sum;
}
