import { join, resolve } from 'node:path';
import type { Config } from '../config/index.js';
import { requirePrerequisites, thisPlatform, type ServerNeed, type Platform } from './prerequisites.js';
import { userCacheRoot } from './provision/context.js';
import { SERVERS } from './servers/index.js';
import type { FindContext, Installed, ServerKind } from './servers/kind.js';
import { SERVER_NAMES, type Environment, type ServerName } from './state/servers.js';

/** What there is to do about one server. */
export type ServerPlan =
  | { readonly kind: ServerKind; readonly how: 'outside' }
  | { readonly kind: ServerKind; readonly how: 'installed'; readonly find: FindContext; readonly installed: Installed }
  | { readonly kind: ServerKind; readonly how: 'provision'; readonly find: FindContext };

export interface PlanOptions {
  readonly dataDir: string;
  readonly cacheDir?: string;
  readonly env: Environment;
}

/** Decides for each server: given from outside, found on this machine, or to be provisioned. Changes nothing. */
export function makePlan(options: PlanOptions, config: Config): ServerPlan[] {
  return SERVER_NAMES.map((name) => planServer(SERVERS[name], options, config.fromEnvironment[name]));
}

function planServer(kind: ServerKind, { env, dataDir, cacheDir }: PlanOptions, outside: boolean): ServerPlan {
  if (outside) return { kind, how: 'outside' };
  const find = { env, cacheRoot: resolve(cacheDir ?? userCacheRoot(env)), directory: dataPath(dataDir, kind.name) };
  const installed = kind.find(find);
  return installed === undefined ? { kind, how: 'provision', find } : { kind, how: 'installed', find, installed };
}

/** Where a server's data is. */
function dataPath(dataDir: string, name: ServerName): string {
  return join(resolve(dataDir), name);
}

/**
 * Fails with one message that names everything missing on this machine, before anything is downloaded or started.
 * Only what the servers that are really ours need counts.
 */
export async function checkPlan(
  plan: readonly ServerPlan[],
  env: Environment,
  machine: Platform = thisPlatform(),
): Promise<void> {
  const toProvision = plan.flatMap((server) => (server.how === 'provision' ? [server.kind] : []));
  await requirePrerequisites(toProvision, plan.flatMap(needsOf), env, machine);
}

function needsOf(server: ServerPlan): ServerNeed[] {
  switch (server.how) {
    case 'outside':
      return [];
    case 'installed':
      return server.installed.needs.map((prerequisite) => ({ server: server.kind.title, prerequisite }));
    case 'provision':
      return server.kind.provisionNeeds.map((prerequisite) => ({ server: server.kind.title, prerequisite }));
  }
}
