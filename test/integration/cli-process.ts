import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { BUILT_PROGRAM } from '../run/workers.js';

const ROOT = join(import.meta.dirname, '../..');

/** The program as a clone runs it. */
export const FROM_SOURCE: readonly string[] = ['--import', 'tsx', 'src/cli/main.ts'];
const built = process.env[BUILT_PROGRAM];
/** The program as it was built for this run, where it was: what node is given to run it. */
export const PROGRAM: readonly string[] = built === undefined ? FROM_SOURCE : [built];

export interface Result {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Those that this process has started and that have not ended. A crash of this one must not leave them behind. */
const living = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

/** `registrar …` as a person runs it, in a process of its own. */
export class RegistrarProcess {
  #stdout = '';
  #stderr = '';
  readonly child: ChildProcess;
  readonly #result: Promise<Result>;

  /** @param program how it is started; as it was built for this run by default, where it was */
  constructor(args: readonly string[], env: NodeJS.ProcessEnv, program = PROGRAM) {
    this.child = spawn(process.execPath, [...program, ...args], {
      cwd: ROOT,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout?.on('data', (chunk: Buffer) => (this.#stdout += chunk.toString('utf8')));
    this.child.stderr?.on('data', (chunk: Buffer) => (this.#stderr += chunk.toString('utf8')));
    living.add(this.child);
    this.#result = new Promise((resolve) =>
      this.child.once('close', (code, signal) => {
        living.delete(this.child);
        resolve({ code, signal, stdout: this.#stdout, stderr: this.#stderr });
      }),
    );
  }

  /** Waits until it has said something; fails with all that it said when it ends before. */
  async says(what: RegExp, withinMs = 90_000): Promise<RegExpExecArray> {
    let ended: Result | undefined;
    void this.#result.then((result) => (ended = result));
    const deadline = Date.now() + withinMs;
    for (;;) {
      const found = what.exec(this.#stdout) ?? what.exec(this.#stderr);
      if (found !== null) return found;
      if (ended !== undefined || Date.now() > deadline)
        throw new Error(`never said ${what}:\n${this.#stdout}\n${this.#stderr}`);
      await delay(50);
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Waits for its end; ends it and fails with all that it said when it takes longer. */
  async ends(withinMs = 300_000): Promise<Result> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.child.kill('SIGKILL');
    }, withinMs);
    const result = await this.#result;
    clearTimeout(timer);
    if (late) throw new Error(`had not ended after ${withinMs} ms:\n${result.stdout}\n${result.stderr}`);
    return result;
  }
}

/** Runs a command to its end. */
export function registrar(env: NodeJS.ProcessEnv, ...args: string[]): Promise<Result> {
  return new RegistrarProcess(args, env).ends();
}

/** Our environment without the servers of the test run: the command starts its own. */
export function withoutServers(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const own = /^(TEMPORAL_|KAFKA_|CONSUL_|DATABASE_URL$|PG|REGISTRAR_|npm_)/;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !own.test(name)));
}

/** The processes whose environment or command line names a directory: all that a command has started there. */
export function processesOf(dataDir: string): string[] {
  const look = (pid: string, file: string): string => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, 'utf8');
    } catch {
      // It ended while we were looking, or is not ours to look at.
      return '';
    }
  };
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => look(pid, 'environ').includes(dataDir) || look(pid, 'cmdline').includes(dataDir))
    .map((pid) => `${pid} ${look(pid, 'cmdline').replaceAll('\0', ' ').slice(0, 120)}`);
}

/** Waits until nothing is left; answers what still is. */
export async function leftOver(dataDir: string, withinMs: number): Promise<string[]> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const living = processesOf(dataDir);
    if (living.length === 0 || Date.now() > deadline) return living;
    await delay(200);
  }
}
