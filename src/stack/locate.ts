import { accessSync, constants, readdirSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { hasCode } from './state/errors.js';
import type { Environment } from './state/servers.js';

/** The first of these programs found on PATH (or in the directories given), as a full path. */
export function which(names: readonly string[], env: Environment, alsoIn: readonly string[] = []): string | undefined {
  return whichAll(names, env, alsoIn)[0];
}

/** Every place where one of these programs is found, in the order of PATH. */
export function whichAll(names: readonly string[], env: Environment, alsoIn: readonly string[] = []): string[] {
  const directories = [...(env.PATH ?? '').split(delimiter), ...alsoIn].filter((directory) => directory !== '');
  return directories.flatMap((directory) => names.map((name) => join(directory, name))).filter(isExecutableFile);
}

function isExecutableFile(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EACCES', 'ENOTDIR', 'ELOOP')) return false;
    throw error;
  }
}

/** Where Debian and Ubuntu put PostgreSQL's server programs, which are not on PATH there; newest first. */
export function debianPostgresDirectories(root = '/usr/lib/postgresql'): string[] {
  try {
    return readdirSync(root)
      .filter((version) => /^\d+$/.test(version))
      .sort((a, b) => Number(b) - Number(a))
      .map((version) => join(root, version, 'bin'));
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EACCES', 'ENOTDIR')) return [];
    throw error;
  }
}
