import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Environment } from '../state/servers.js';
import type { OnProgress } from '../types.js';

/** What every provisioning step needs to know. */
export interface ProvisionContext {
  /** Whose progress this is, e.g. 'consul'. */
  readonly about: string;
  /** Directory below which each thing has a directory of its own, by name and version. */
  readonly cacheRoot: string;
  readonly env: Environment;
  readonly onProgress: OnProgress;
  readonly signal?: AbortSignal;
}

/** The user's cache directory for us, by the XDG rules. */
export function userCacheRoot(env: Environment): string {
  const base = env.XDG_CACHE_HOME;
  // By the XDG rules a relative path there is to be ignored.
  return join(base?.startsWith('/') === true ? base : join(env.HOME ?? homedir(), '.cache'), 'node-registrar');
}

/** Where things go that another user must be able to read, when root's own cache directory is closed to that user. */
export const SYSTEM_CACHE_ROOT = '/var/cache/node-registrar';
