import { closeSync, existsSync, mkdirSync, openSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ServerStatus } from './control.js';
import { spawnGuarded, type Guarded, type GuardedCommand } from './guardian.js';
import { logTail, waitUntilHealthy } from './health.js';
import { identify, signalGroup, type ProcessIdentity } from './state/processes.js';
import { StackError } from './state/errors.js';
import type { ServerName } from './state/servers.js';

/** What it takes to run one server, with everything that differs between servers already filled in. */
export interface Runnable {
  readonly name: ServerName;
  readonly title: string;
  readonly logFile: string;
  readonly startWithinMs: number;
  /** Ends a start that is under way. */
  readonly signal: AbortSignal;
  launch(): Promise<GuardedCommand>;
  probe(): Promise<void>;
}

/** A server that ended without being asked to. */
export interface ServerExit {
  readonly server: ServerName;
  readonly code: number | null;
  readonly logFile: string;
  /** What happened, in one line. */
  readonly summary: string;
  /** The same with the end of the log. */
  readonly message: string;
}

type State = Exclude<ServerStatus['state'], 'outside'>;

/** One server of ours: started, stopped and started again; its end is noticed. */
export class ManagedServer {
  private guarded: Guarded | undefined;
  private current: State = 'stopped';
  /** One thing at a time: a start that comes while a stop is under way waits for it. */
  private queue: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly runnable: Runnable,
    private readonly onSpawn: () => void,
    private readonly onExit: (exit: ServerExit) => void,
  ) {}

  get state(): State {
    return this.current;
  }

  /** The guardian's process, while there is one. */
  get guardian(): ProcessIdentity | undefined {
    return this.guarded === undefined ? undefined : identify(this.guarded.pid);
  }

  /** Starts it unless it runs; resolves once it is healthy. */
  start(): Promise<void> {
    return this.enqueue(() => this.startNow());
  }

  /** Stops it if it runs; resolves once it is gone. */
  stop(): Promise<void> {
    return this.enqueue(() => this.stopNow());
  }

  private enqueue(work: () => Promise<void>): Promise<void> {
    const result = this.queue.then(work);
    // Who asked gets the error; who comes next does not.
    this.queue = result.catch(() => undefined);
    return result;
  }

  private async startNow(): Promise<void> {
    if (this.guarded !== undefined) return;
    const { title, logFile, startWithinMs, signal } = this.runnable;
    this.current = 'starting';
    try {
      const guarded = this.spawn(await this.runnable.launch());
      await waitUntilHealthy(() => this.runnable.probe(), {
        withinMs: startWithinMs,
        title,
        logFile,
        ended: guarded.exited,
        signal,
      });
      // It may have ended between its last answer and now.
      if (this.guarded !== guarded)
        throw new StackError(`${title} ended right after it had started.${logTail(logFile)}`);
      this.current = 'running';
    } catch (error) {
      await this.stopNow();
      throw error;
    }
  }

  private spawn(command: GuardedCommand): Guarded {
    const log = openLog(this.runnable.logFile);
    const guarded = spawnGuarded(command, log);
    closeSync(log);
    this.guarded = guarded;
    const ended = (code: number | null) => {
      // A guardian that was itself killed leaves its server behind.
      if (guarded.pid > 0) signalGroup(guarded.pid, 'SIGKILL');
      if (this.guarded === guarded) this.noteEnd(code);
    };
    guarded.exited.then(
      ({ code }) => ended(code),
      () => ended(null),
    );
    this.onSpawn();
    return guarded;
  }

  private noteEnd(code: number | null): void {
    const wasRunning = this.current === 'running';
    this.guarded = undefined;
    this.current = 'exited';
    if (!wasRunning) return;
    const { name, title, logFile } = this.runnable;
    const summary = `${title} ${howItEnded(code)} without being asked to.`;
    this.onExit({ server: name, code, logFile, summary, message: `${summary}${logTail(logFile)}` });
  }

  private async stopNow(): Promise<void> {
    const guarded = this.guarded;
    // Forgotten before it ends, so that its end is not taken for an accident.
    this.guarded = undefined;
    this.current = 'stopped';
    await guarded?.stop();
  }
}

/** A shell reports a death by signal as 128 and the signal's number. */
function howItEnded(code: number | null): string {
  if (code === null) return 'was killed';
  return code > 128 ? `was killed by signal ${code - 128}` : `ended with exit code ${code}`;
}

/** Opens a log afresh and keeps the one before it. */
function openLog(file: string): number {
  mkdirSync(dirname(file), { recursive: true });
  if (existsSync(file)) renameSync(file, `${file}.1`);
  return openSync(file, 'a');
}
