import { Session, type Profiler } from 'node:inspector';

/** Places of a function, by their offsets from its beginning: 1 has run. */
type Ran = Uint8Array;

/**
 * Which code runs, as V8 itself counts it: no tool rewrites the code, so nothing native has to be built or downloaded,
 * and it is the code of every other run. Functions are counted whole where they were compiled before.
 */
export class Coverage {
  readonly #session = new Session();
  readonly #seen = new Map<string, Ran>();
  #places = 0;

  constructor() {
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** Places that have run so far, in characters of code. */
  get places(): number {
    return this.#places;
  }

  /**
   * How many places have run since the last time, and never before.
   *
   * @param counts whether a file counts, by its URL
   * @param keep whether they are no news from now on
   */
  take(counts: (url: string) => boolean, keep: boolean): number {
    let fresh = 0;
    for (const { scriptId, url, functions } of this.#counted())
      if (counts(url)) for (const one of functions) fresh += this.#freshIn(scriptId, one, keep);
    if (keep) this.#places += fresh;
    return fresh;
  }

  stop(): void {
    this.#session.disconnect();
  }

  #freshIn(scriptId: string, { ranges }: Profiler.FunctionCoverage, keep: boolean): number {
    const [whole] = ranges;
    if (whole === undefined || whole.count === 0) return 0;
    const { startOffset: from, endOffset: to } = whole;
    const name = `${scriptId}:${from}:${to}`;
    const seen = this.#seen.get(name) ?? new Uint8Array(to - from);
    const ran = new Uint8Array(to - from);
    // A range within another one comes after it. Where it ran as often, V8 leaves it out.
    for (const { startOffset, endOffset, count } of ranges)
      ran.fill(count > 0 ? 1 : 0, startOffset - from, endOffset - from);
    let fresh = 0;
    for (const [at, has] of ran.entries()) {
      if (has === 0 || seen[at] === 1) continue;
      fresh += 1;
      if (keep) seen[at] = 1;
    }
    this.#seen.set(name, seen);
    return fresh;
  }

  /** The answer comes before `post` returns: it is this thread's own. */
  #counted(): readonly Profiler.ScriptCoverage[] {
    let counted: readonly Profiler.ScriptCoverage[] = [];
    this.#session.post('Profiler.takePreciseCoverage', (error, { result }) => {
      if (error !== null) throw error;
      counted = result;
    });
    return counted;
  }
}
