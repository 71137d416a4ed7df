/** Minutes that are kept. */
const MINUTES = 60;
const MINUTE = 60_000;

/** How many nodes stood in each state at the end of each minute, since the server was started. */
export class CountHistory {
  readonly #states = new Map<string, number[]>();
  #minute: number | null = null;

  /**
   * Keeps what is counted now, if a minute has passed.
   *
   * @returns whether a minute was added
   */
  count(now: number, counts: ReadonlyMap<string, number>): boolean {
    const minute = Math.floor(now / MINUTE);
    if (this.#minute === minute) return false;
    this.#minute = minute;
    for (const state of new Set([...counts.keys(), ...this.#states.keys()])) {
      const line = this.#states.get(state) ?? [];
      line.push(counts.get(state) ?? 0);
      if (line.length > MINUTES) line.shift();
      this.#states.set(state, line);
    }
    return true;
  }

  read(): Readonly<Record<string, readonly number[]>> {
    return Object.fromEntries(this.#states);
  }
}
