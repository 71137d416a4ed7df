import { fork, type ChildProcess } from 'node:child_process';
import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

export type Role = 'worker' | 'bridge';

/** What the parent sends over the channel. The end of the channel means that the parent is gone. */
export type ToChild = 'go';
/** What a child sends. */
type FromChild = 'ready';

interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The worker or the bridge in a process of its own. */
export interface Child {
  readonly role: Role;
  readonly pid: number;
  readonly exited: Promise<ChildExit>;
  /** Where its output goes; null for our own stderr, or while there is no file yet. */
  readonly logFile: string | null;
  /** The last lines that it wrote; empty for our own stderr. */
  lastLines(): string;
  /** The configuration can be read now: begin. */
  go(): void;
  /** Resolves when it has sent that it works. */
  ready(): Promise<void>;
  /** From now on its output goes there, the first file that is named; until then it is kept. */
  readonly logTo: (file: string) => void;
  /** Asks it to end in good order, kills it when it does not, and resolves once it is gone. */
  stop(): Promise<void>;
}

/** The worker finishes its tasks within 10 s, the bridge its batches within 8. */
const STOP_WITHIN_MS = 12_000;

// From source the loader of this process is handed on, so a child costs no second `tsx`.
const ENTRY = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './child.ts' : './child.js', import.meta.url));

/**
 * Starts a child, which loads its code and waits for `go`. It leads a session
 * of its own: a Ctrl-C in the terminal reaches only us, and we stop in order.
 *
 * @param where 'inherit': it writes to our stderr; 'file': to the file named later
 */
export function startChild(role: Role, where: 'inherit' | 'file'): Child {
  const sink = where === 'inherit' ? 'inherit' : 'pipe';
  const child = fork(ENTRY, [role], { detached: true, stdio: ['ignore', sink, sink, 'ipc'] });
  const exited = new Promise<ChildExit>((resolve) => {
    // Not `exit`: its last lines may still be on their way then.
    child.once('close', (code, signal) => resolve({ code, signal }));
    child.once('error', () => resolve({ code: null, signal: null }));
  });
  const ready = new Promise<void>((resolve) =>
    child.on('message', (message: FromChild) => message === 'ready' && resolve()),
  );
  let gone = false;
  let begun = false;
  void exited.then(() => (gone = true));
  const output = new Output(child);
  return {
    role,
    pid: child.pid ?? 0,
    exited,
    get logFile() {
      return output.file;
    },
    lastLines: () => output.lastLines(),
    go() {
      begun = true;
      sendTo(child, 'go');
    },
    ready: () => ready,
    logTo: (file) => output.writeTo(file),
    async stop() {
      if (gone) return;
      // Before `go` it holds nothing that could be finished.
      child.kill(begun ? 'SIGTERM' : 'SIGKILL');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
      await exited;
      clearTimeout(timer);
    },
  };
}

const TAIL = 4_000;
const LINES_SHOWN = 12;

/** What a child writes: kept until there is a file for it, and its end in any case. */
class Output {
  file: string | null = null;
  #log: WriteStream | undefined;
  #held: Buffer[] = [];
  #tail = '';

  /** false: it writes to our stderr by itself. */
  readonly #isOurs: boolean;

  constructor(child: ChildProcess) {
    this.#isOurs = child.stderr !== null;
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => this.#append(chunk));
  }

  writeTo(file: string): void {
    if (!this.#isOurs || this.file !== null) return;
    mkdirSync(dirname(file), { recursive: true });
    this.file = file;
    this.#log = createWriteStream(file);
    for (const chunk of this.#held.splice(0)) this.#log.write(chunk);
  }

  lastLines(): string {
    return this.#tail.trimEnd().split('\n').slice(-LINES_SHOWN).join('\n');
  }

  #append(chunk: Buffer): void {
    this.#tail = (this.#tail + chunk.toString('utf8')).slice(-TAIL);
    if (this.#log === undefined) this.#held.push(chunk);
    else this.#log.write(chunk);
  }
}

function sendTo(child: ChildProcess, message: ToChild): void {
  // One that is gone already is reported by its exit.
  if (child.connected) child.send(message, () => undefined);
}
