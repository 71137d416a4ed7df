import { readdirSync, readFileSync } from 'node:fs';
import { hasCode } from '../../../src/stack/state/errors.js';

/** Linux counts a process's time in ticks of 10 ms, whatever its clock. */
const TICKS_PER_SECOND = 100;

/** Processor time that a process has used so far, in seconds. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // After the command in brackets: state is field 3, user and system time are 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/**
 * Processor time that the calling thread has used so far, in milliseconds: what others do on a busy machine does not
 * count.
 */
export function threadMs(): number {
  const [nanoseconds] = readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ');
  return Number(nanoseconds) / 1e6;
}

/** Memory of a process in MB: now, and the most that it ever was. */
export function memoryMb(pid: number): { readonly now: number; readonly peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const megabytes = (field: string): number => {
    const [, kilobytes] = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status) ?? [];
    if (kilobytes === undefined) throw new Error(`process ${pid} has no ${field}`);
    return Number(kilobytes) / 1024;
  };
  return { now: megabytes('VmRSS'), peak: megabytes('VmHWM') };
}

/**
 * The Temporal server that was started on a data directory.
 *
 * @throws when there is none: the environment has named another one, whose processor time nobody here can see
 */
export function temporalServerOn(dataDir: string): number {
  const pid = readdirSync('/proc')
    .map(Number)
    .find((pid) => pid > 0 && isTemporal(commandOf(pid), dataDir));
  if (pid === undefined)
    throw new Error('no Temporal server of this run: the bench measures servers of its own, so unset TEMPORAL_ADDRESS');
  return pid;
}

function isTemporal(command: string, dataDir: string): boolean {
  return /^[^\0]*\/temporal\0server\0start-dev\0/.test(command) && command.includes(`\0${dataDir}/`);
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch (error) {
    // It has ended since the directory was read.
    if (hasCode(error, 'ENOENT', 'ESRCH')) return '';
    throw error;
  }
}
