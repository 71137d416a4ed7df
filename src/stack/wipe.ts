import { lstatSync, readlinkSync, readdirSync } from 'node:fs';
import { rm, rmdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { whileUnowned } from './owner.js';
import { waitForEnd } from './state/processes.js';
import { SYSTEM_DATA_ROOT } from './servers/postgres.js';
import { livingGuardians, readState, stateFile } from './state/state.js';
import { hasCode, StackError } from './state/errors.js';

const SERVERS_END_WITHIN_MS = 15_000;

/**
 * Removes a data directory with everything in it; answers whether there was one. Refuses while servers run there, and
 * a directory that no stack has made: the variable that names it is easily set to something dear.
 */
export async function wipe(dataDir: string): Promise<boolean> {
  const directory = resolve(dataDir);
  const entries = entriesOf(directory);
  if (entries === undefined) return false;
  if (entries.length > 0 && readStateOf(directory) === undefined) {
    throw new StackError(
      `${directory} has no ${stateFile('')}, so it is not a registrar's data directory; nothing was removed.`,
    );
  }
  await whileUnowned(directory, async () => {
    const living = await waitForEnd(livingGuardians(readState(directory)), SERVERS_END_WITHIN_MS);
    if (living.length > 0)
      throw new StackError(`servers still run on ${directory}: process ${living.map(({ pid }) => pid).join(', ')}`);
    for (const entry of readdirSync(directory)) {
      if (entry !== 'takeover.lock') await removeWithTarget(join(directory, entry));
    }
  });
  await rmdir(directory);
  return true;
}

function entriesOf(directory: string): string[] | undefined {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function readStateOf(directory: string): object | undefined {
  try {
    return readState(directory);
  } catch (error) {
    // A state that another version wrote is the mark of a stack as well.
    if (error instanceof StackError) return error;
    throw error;
  }
}

/** A link of ours leads to a system directory, whose content is removed too; any other link is only a link. */
async function removeWithTarget(path: string): Promise<void> {
  if (lstatSync(path).isSymbolicLink()) {
    const target = resolve(dirname(path), readlinkSync(path));
    if (dirname(target) === SYSTEM_DATA_ROOT) await rm(target, { recursive: true, force: true });
  }
  await rm(path, { recursive: true, force: true });
}
