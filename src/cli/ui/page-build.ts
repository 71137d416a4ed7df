import { spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { dirname, join } from 'node:path';
import { hasCode } from '../../stack/state/errors.js';
import { pageDirectory } from '../../server/http/assets.js';
import { CliError, EXIT } from '../terminal/exit-codes.js';

/** What the page is built from, beside its packages. */
const SOURCES = ['src/server/page', 'src/server/api', 'package-lock.json'];
/** A build is not in a hurry: nodes register meanwhile. */
const NICE = 10;
const SHOWN = 2_000;

/**
 * Builds the fleet page where this runs from a clone and the page is not built, or is older than its source. What is
 * installed has it in dist/.
 *
 * @param onBuild called before a build begins
 * @throws CliError when it cannot be built, with the end of what the builder wrote
 */
export async function ensurePage(onBuild: () => void): Promise<void> {
  const directory = pageDirectory();
  const root = dirname(dirname(directory));
  if (!existsSync(join(root, 'src', 'server', 'page', 'vite.config.ts')) || isFresh(directory, root)) return;
  onBuild();
  await buildPage();
}

/**
 * Builds the page beside the one that is served, and then puts it into its place: whoever reads meanwhile sees the old
 * one or the new one whole.
 *
 * @throws CliError
 */
export async function buildPage(): Promise<void> {
  const directory = pageDirectory();
  const root = dirname(dirname(directory));
  const made = `${directory}-${process.pid}`;
  try {
    await runVite(root, made);
    await rm(directory, { recursive: true, force: true });
    await rename(made, directory).catch((error: unknown) => {
      // Another process has built it meanwhile: one is as good as the other.
      if (!hasCode(error, 'ENOTEMPTY', 'EEXIST')) throw error;
    });
  } finally {
    await rm(made, { recursive: true, force: true });
  }
}

function isFresh(directory: string, root: string): boolean {
  const built = join(directory, 'index.html');
  if (!existsSync(built)) return false;
  const { mtimeMs } = statSync(built);
  return SOURCES.every((source) => newestIn(join(root, source)) <= mtimeMs);
}

/** Milliseconds since 1970. */
function newestIn(path: string): number {
  if (!existsSync(path)) return 0;
  const { mtimeMs } = statSync(path);
  if (!statSync(path).isDirectory()) return mtimeMs;
  return readdirSync(path).reduce((newest, name) => Math.max(newest, newestIn(join(path, name))), mtimeMs);
}

function runVite(root: string, into: string): Promise<void> {
  const args = ['build', '--config', 'src/server/page/vite.config.ts', '--outDir', into, '--emptyOutDir'];
  const builder = spawn(process.execPath, [join(root, 'node_modules', 'vite', 'bin', 'vite.js'), ...args], {
    cwd: root,
    // What runs this must not decide what is built.
    env: { ...process.env, NODE_ENV: 'production', NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (builder.pid !== undefined) setPriority(builder.pid, NICE);
  let said = '';
  for (const stream of [builder.stdout, builder.stderr])
    stream.on('data', (chunk: Buffer) => (said = (said + chunk.toString('utf8')).slice(-SHOWN)));
  return new Promise((resolve, reject) => {
    const failed = (words: string): void =>
      reject(
        new CliError(`The fleet page could not be built: ${words}`, EXIT.failed, {
          hint: `'npm ci' brings what builds it; 'npm run build:page' shows all that the builder writes.`,
        }),
      );
    builder.once('error', (error) => failed(error.message));
    builder.once('close', (code) => (code === 0 ? resolve() : failed(`vite ended with exit code ${code}\n${said}`)));
  });
}
