import { readdirSync, readFileSync } from 'node:fs';

/** What Linux shows of processes. Those that end while they are looked at are left out. */

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return '';
    throw error;
  }
}

function pids(): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0);
}

/** The server that runs on a directory; the guardian, a shell, names the same directory and is not meant. */
export function serverOn(directory: string): number | undefined {
  return pids().find((pid) => {
    const command = read(pid, 'cmdline');
    return command.includes(directory) && !command.startsWith('/bin/sh\0');
  });
}

/** A process and all that descend from it. */
export function familyOf(pid: number): readonly number[] {
  const parents = new Map(
    pids().map((one) => {
      const stat = read(one, 'stat');
      return [one, Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])] as const;
    }),
  );
  const family = [pid];
  for (const one of family) for (const [child, parent] of parents) if (parent === one) family.push(child);
  return family;
}

export function isAlive(pid: number): boolean {
  const stat = read(pid, 'stat');
  return stat !== '' && !['Z', 'X'].includes(stat.slice(stat.lastIndexOf(')') + 2)[0] ?? '');
}

/** Memory of a process without its children, in MB; undefined when it has ended. */
export function memoryMb(pid: number): number | undefined {
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(read(pid, 'status'))?.[1];
  return kilobytes === undefined ? undefined : Math.round(Number(kilobytes) / 1024);
}

export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
