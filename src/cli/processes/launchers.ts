import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { identify, isAlive, type ProcessIdentity } from '../../stack/state/processes.js';
import { hasCode } from '../../stack/state/errors.js';

interface Process {
  readonly parent: number;
  readonly command: string;
}

/** npm and tsx stand between the person and us; a shell only where one of them has started it. */
const LAUNCHER = /^(npm|npx)\b|\/(npm|npx)-cli\.js|\/(npm|npx|tsx)( |$)|\/tsx\/dist\/cli/;
const SHELL = /^(\/bin\/)?(da|ba)?sh -c /;

/**
 * The processes that only exist to have started us (npm, tsx and the shells
 * between), nearest first. Who kills one of those means us.
 */
export function launchersOf(pid: number, look: (pid: number) => Process | undefined = lookUp): number[] {
  const found: number[] = [];
  let upToLauncher = 0;
  for (let next = look(pid)?.parent; next !== undefined && next > 1;) {
    const process = look(next);
    if (process === undefined) break;
    const isLauncher = LAUNCHER.test(process.command);
    if (!isLauncher && !SHELL.test(process.command)) break;
    found.push(next);
    if (isLauncher) upToLauncher = found.length;
    next = process.parent;
  }
  return found.slice(0, upToLauncher);
}

function lookUp(pid: number): Process | undefined {
  if (process.platform === 'linux') return lookUpByProc(pid);
  try {
    const [, parent, command] =
      /^\s*(\d+)\s+(.*)$/s.exec(execFileSync('ps', ['-o', 'ppid=,args=', '-p', String(pid)], { encoding: 'utf8' })) ??
      [];
    return parent === undefined ? undefined : { parent: Number(parent), command: (command ?? '').trim() };
  } catch {
    // ps exits with 1 when there is no such process.
    return undefined;
  }
}

function lookUpByProc(pid: number): Process | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    return { parent, command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim() };
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH')) return undefined;
    throw error;
  }
}

const LOOK_EVERY_MS = process.platform === 'linux' ? 500 : 3_000;

/**
 * Calls once when npm or tsx, which have started us, are gone: nobody could stop us any more. Answers a function that
 * ends the watch.
 */
export function whenLaunchersDie(call: () => void): () => void {
  const launchers = launchersOf(process.pid)
    .map(identify)
    .filter((identity): identity is ProcessIdentity => identity !== undefined);
  if (launchers.length === 0) return () => undefined;
  const timer = setInterval(() => {
    if (launchers.every(isAlive)) return;
    clearInterval(timer);
    call();
  }, LOOK_EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}
