import { existsSync, mkdirSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import lockfile from 'proper-lockfile';
import { errorText } from '../../error-text.js';
import { hasCode, StackError } from '../state/errors.js';
import type { ProvisionContext } from './context.js';

/** One thing at one version, e.g. consul 1.21.0. */
export interface Product {
  readonly name: string;
  readonly version: string;
}

const LOCK = { stale: 20_000, update: 5000, realpath: false } as const;

/** The directory in which a product is, or will be, installed. */
export function installDir(cacheRoot: string, { name, version }: Product): string {
  return join(cacheRoot, `${name}-${version}`);
}

/**
 * Installs a product once per machine and user. `build` fills a directory and answers which part of it is the
 * installation; that part is renamed into place, so a half-made installation is never seen.
 *
 * Of two runs at once the second waits for the first. The working directory stays when a run is interrupted, and the
 * next one goes on with it.
 */
export async function installOnce(
  product: Product,
  context: ProvisionContext,
  build: (workDir: string) => Promise<string>,
): Promise<string> {
  const target = installDir(context.cacheRoot, product);
  if (existsSync(target)) return target;
  return whileLocked(target, `${product.name} ${product.version}`, context, async () => {
    // It may have come into being while this run waited for the lock.
    if (existsSync(target)) return target;
    const workDir = `${target}.work`;
    mkdirSync(workDir, { recursive: true });
    const built = await build(workDir);
    await rename(built, target);
    await rm(workDir, { recursive: true, force: true });
    return target;
  });
}

/** Runs `work` while no other run does the same; a run that waits shows it, and the lock of a dead one is replaced. */
export async function whileLocked<T>(
  target: string,
  title: string,
  context: ProvisionContext,
  work: () => Promise<T>,
): Promise<T> {
  mkdirSync(context.cacheRoot, { recursive: true });
  let lost: Error | undefined;
  const options = {
    ...LOCK,
    lockfilePath: `${target}.lock`,
    onCompromised: (error: Error) => {
      lost = error;
    },
  };
  const release = await acquire(target, title, context, options);
  try {
    const result = await work();
    if (lost !== undefined) {
      throw new StackError(
        `the lock on ${target} was lost meanwhile (${errorText(lost)}); another run may have worked there too. ` +
          'Run again.',
      );
    }
    return result;
  } finally {
    if (lost === undefined) await release();
  }
}

async function acquire(
  target: string,
  title: string,
  context: ProvisionContext,
  options: lockfile.LockOptions,
): Promise<() => Promise<void>> {
  for (let shown = false; ;) {
    context.signal?.throwIfAborted();
    try {
      return await lockfile.lock(target, options);
    } catch (error) {
      if (!hasCode(error, 'ELOCKED')) throw error;
    }
    if (!shown)
      context.onProgress({
        kind: 'step',
        about: context.about,
        text: `another run is installing ${title}; waiting for it`,
      });
    shown = true;
    await delay(500);
  }
}
