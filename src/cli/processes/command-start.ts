import { readFileSync } from 'node:fs';
import { launchersOf } from './launchers.js';
import { hasCode } from '../../stack/state/errors.js';

/** Ticks of the kernel's clock a second, the same on every Linux. */
const TICKS = 100;

/** When the person pressed Enter, in milliseconds since 1970: npm's and tsx's own start counts too, on Linux. */
export function commandStart(): number {
  if (process.platform !== 'linux') return performance.timeOrigin;
  const uptime = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000;
  const starts = launchersOf(process.pid).map((pid) => startOf(pid, uptime));
  return Math.min(performance.timeOrigin, ...starts);
}

function startOf(pid: number, uptime: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const ticks = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
    return Date.now() - (uptime - (ticks * 1000) / TICKS);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH')) return performance.timeOrigin;
    throw error;
  }
}
