import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import type { Environment } from './state/servers.js';

/** How a command is run so that it cannot outlive this process. */
export interface GuardedCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Environment;
  readonly cwd: string;
  /** Signal that asks the command to end in good order. */
  readonly stopSignal: 'TERM' | 'INT';
  /** After this many seconds of asking it is killed. */
  readonly graceSeconds: number;
  /** Run as this user instead of the current one (root only). */
  readonly user?: { readonly uid: number; readonly gid: number };
}

/** A guarded command that is running. */
export interface Guarded {
  /** Id of the guardian, which is also the id of the process group. */
  readonly pid: number;
  readonly process: ChildProcess;
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** Asks the command to end, kills it when it does not, and resolves once it is gone. */
  stop(): Promise<void>;
}

/*
 * The guardian is a shell, because one costs two milliseconds and a second node a hundred. Its standard input is a
 * pipe whose other end only this process holds: end of file means that we asked it to stop or that we are dead,
 * kill -9 included. It leads a session of its own, so a Ctrl-C in the terminal does not reach it or the server.
 *
 * When the command ends, the group is cleared with SIGTERM ignored by the guardian itself, so that the watcher and its
 * sleep go too and the command's own exit code is what we see. A command that does not end takes the whole group along.
 */
const GUARDIAN = `
signal=$1; grace=$2; shift 2
exec 3<&0 </dev/null
"$@" 3<&- &
child=$!
(
  while read -r _ <&3; do :; done
  kill -s "$signal" "$child" 2>/dev/null
  sleep "$grace"
  kill -s KILL 0
) >/dev/null 2>&1 &
exec 3<&-
wait "$child"; code=$?
trap '' TERM
kill -s TERM 0
exit "$code"
`;

/** Starts a command under a guardian that ends it when this process ends, whatever the reason. */
export function spawnGuarded(what: GuardedCommand, output: 'pipe' | number): Guarded {
  const stdio: StdioOptions = ['pipe', output, output];
  const child = spawn(
    '/bin/sh',
    ['-c', GUARDIAN, 'node-registrar-guardian', what.stopSignal, String(what.graceSeconds), what.command, ...what.args],
    { cwd: what.cwd, env: { ...what.env }, stdio, detached: true, ...(what.user ?? {}) },
  );
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  // Whoever awaits `exited` sees the error; without anyone waiting it must not end the process.
  exited.catch(() => undefined);
  // A guardian that is gone already leaves a broken pipe, which is what we wanted.
  child.stdin?.on('error', () => undefined);
  return {
    pid: child.pid ?? 0,
    process: child,
    exited,
    async stop() {
      child.stdin?.destroy();
      await exited;
    },
  };
}
