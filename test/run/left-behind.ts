import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/**
 * Caches that every process of a user shares, each one folder with a fixed name: the ports that stacks have reserved
 * (src/stack/ports.ts), what tsx has compiled, and what Node 22 and later have compiled.
 */
const SHARED = /^((node-registrar|tsx)-(\d+|user)|node-compile-cache)$/;

/**
 * Names what lies in a run's temporary folder and is no shared cache.
 *
 * @param folder an absolute path
 * @returns names, in alphabetical order
 */
export function filesLeft(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => !SHARED.test(name))
    .sort();
}

/**
 * Names the living processes whose environment or command line names a folder, whoever their parent is by now. Where
 * there is no /proc, nobody is named.
 *
 * @param folder an absolute path
 * @param except process ids that may live on
 * @returns id and command line of each, at most 200 characters
 */
export function processesLeft(folder: string, except: ReadonlySet<number> = new Set()): string[] {
  return pids()
    .filter((pid) => !except.has(pid) && isRunning(pid))
    .filter((pid) => look(pid, 'environ').includes(folder) || look(pid, 'cmdline').includes(folder))
    .map((pid) => `${pid} ${look(pid, 'cmdline').replaceAll('\0', ' ').slice(0, 200).trim()}`);
}

/** The processes in which vitest runs test files; it ends them itself, after the run. */
export function vitestWorkers(): number[] {
  return pids().filter((pid) => look(pid, 'cmdline').includes('vitest/dist/workers/'));
}

function pids(): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    // Not Linux: nobody can be asked.
    return [];
  }
}

/** An ended process that nobody has waited for has no program any more. */
function isRunning(pid: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/exe`) !== '';
  } catch {
    return false;
  }
}

function look(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    // It ended while we were looking, or is not ours to look at.
    return '';
  }
}
