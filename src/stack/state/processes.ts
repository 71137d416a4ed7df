import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { hasCode } from './errors.js';

/** A process that can be recognised later: ids are used again, ids with a time of birth are not. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly born: string;
}

/**
 * Identifies a living process, or answers undefined when there is none with this id.
 * A zombie counts as dead: it holds no file, no port and no lock.
 */
export function identify(pid: number): ProcessIdentity | undefined {
  if (process.platform === 'linux') return identifyByProc(pid);
  try {
    const born = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return born === '' ? undefined : { pid, born };
  } catch {
    // ps exits with 1 when there is no such process.
    return undefined;
  }
}

function identifyByProc(pid: number): ProcessIdentity | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command's name is in parentheses and may itself hold spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const state = fields[0];
    const startTicks = fields[19];
    if (startTicks === undefined || state === 'Z' || state === 'X') return undefined;
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return { pid, born: `${boot}/${startTicks}` };
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH')) return undefined;
    throw error;
  }
}

/** Whether this very process is still alive. */
export function isAlive(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.born === identity.born;
}

/** Sends a signal to a process group; a group that is gone already is no error. */
export function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch (error) {
    if (!hasCode(error, 'ESRCH')) throw error;
  }
}

/** Waits until every one of these processes has ended; answers those that still live after the time given. */
export async function waitForEnd(processes: readonly ProcessIdentity[], withinMs: number): Promise<ProcessIdentity[]> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const living = processes.filter(isAlive);
    if (living.length === 0 || Date.now() >= deadline) return living;
    await delay(50);
  }
}
