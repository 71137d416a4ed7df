import type { WriteStream } from 'node:tty';
import type { BusyLine } from '../../stack/busy-line.js';

/** What a command waits for, and the line of a terminal that says so. */
export class Waits {
  readonly #waits = new Set<string>();
  #line: Promise<BusyLine> | null = null;
  #shown: BusyLine | null = null;
  #isShown = true;

  constructor(private readonly stream: WriteStream) {}

  async waitFor<T>(what: string, work: () => Promise<T>): Promise<T> {
    if (!this.#isShown || !this.stream.isTTY || this.#waits.has(what)) return work();
    this.#waits.add(what);
    this.#line ??= this.#openLine();
    try {
      return await work();
    } finally {
      this.#waits.delete(what);
      if (this.#waits.size === 0) this.#shown?.clear();
    }
  }

  showNone(): void {
    this.#isShown = false;
    this.#shown?.stop();
  }

  /** Loaded only now: a command that nothing keeps waiting must not wait for this. */
  async #openLine(): Promise<BusyLine> {
    const { BusyLine: Line } = await import('../../stack/busy-line.js');
    const what = (): string | null => (this.#waits.size === 0 ? null : `waiting for ${[...this.#waits].join(', ')}`);
    this.#shown = new Line(this.stream, what);
    if (!this.#isShown) this.#shown.stop();
    return this.#shown;
  }
}

const ours = new Waits(process.stderr);

/**
 * Waits for something. When that takes longer than a second, a terminal says for what, and for how long so far;
 * elsewhere nothing is said.
 *
 * @param what as it stands behind "waiting for", e.g. "Temporal at 127.0.0.1:7233"
 */
export function waitingFor<T>(what: string, work: () => Promise<T>): Promise<T> {
  return ours.waitFor(what, work);
}

/** From now on nothing is said: who runs until stopped has a screen of its own. */
export function showNoWaiting(): void {
  ours.showNone();
}
