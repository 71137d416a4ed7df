import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** A process of a scenario. */
export interface BenchProcess {
  readonly pid: number;
  /** Resolves with the next message that it sends. @throws when it ends instead */
  next(): Promise<unknown>;
  stop(): Promise<void>;
}

/**
 * Runs a file beside this one in a process of its own, with our environment.
 *
 * @param file for example "worker-process.ts"
 * @param args its command line
 */
export function startProcess(file: string, args: readonly string[] = []): BenchProcess {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), args);
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return {
    pid: child.pid ?? 0,
    next: () =>
      new Promise((resolve, reject) => {
        child.once('message', resolve);
        void exited.then((code) => reject(new Error(`${file} has ended with exit code ${code}; its output is above`)));
      }),
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}
