import type { WriteStream } from 'node:tty';
import { createLogUpdate } from 'log-update';
import pc from 'picocolors';
import { keepLast } from './last-line.js';

const FRAMES = [...'⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'];
const FRAME_MS = 100;
/** What takes no longer needs no words. */
const SHOWN_AFTER_MS = 1_000;

/** The last line of a terminal while something takes longer than a second: what, and for how long so far. */
export class BusyLine {
  readonly #update: ReturnType<typeof createLogUpdate>;
  readonly #what: () => string | null;
  readonly #timer: NodeJS.Timeout;
  readonly #takeOut: () => void;
  #since: number | null = null;
  #frame = 0;

  /** @param what asked for each frame; null while there is nothing to say */
  constructor(stream: WriteStream, what: () => string | null) {
    this.#update = createLogUpdate(stream);
    this.#what = what;
    this.#timer = setInterval(() => this.#draw(), FRAME_MS);
    this.#timer.unref();
    this.#takeOut = keepLast(this);
  }

  /** Something else is about to be written: the line comes again below it. */
  clear(): void {
    this.#update.clear();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#takeOut();
    this.clear();
  }

  #draw(): void {
    const what = this.#what();
    if (what === null) {
      if (this.#since !== null) this.clear();
      this.#since = null;
      return;
    }
    this.#since ??= Date.now();
    const took = Date.now() - this.#since;
    if (took < SHOWN_AFTER_MS) return;
    const frame = FRAMES[this.#frame++ % FRAMES.length] ?? '';
    this.#update(`${pc.cyan(frame)} ${what} … ${Math.floor(took / 1_000)} s`);
  }
}

/** Does something, and says on a terminal what takes so long; elsewhere nothing. */
export async function busyWhile<T>(
  what: string,
  work: () => Promise<T>,
  stream: WriteStream = process.stderr,
): Promise<T> {
  if (!stream.isTTY) return work();
  const line = new BusyLine(stream, () => what);
  try {
    return await work();
  } finally {
    line.stop();
  }
}
