/**
 * Records of one partition are finished in any order, but an offset may only
 * be committed when everything before it is finished too.
 */
export class Contiguous {
  readonly #offsets: readonly string[];
  readonly #done = new Set<string>();
  #next = 0;

  /** @param offsets of a batch, in order */
  constructor(offsets: readonly string[]) {
    this.#offsets = offsets;
  }

  /**
   * Marks a record as finished.
   *
   * @returns the highest offset up to which everything is finished now, if this has moved it
   */
  done(offset: string): string | null {
    this.#done.add(offset);
    let moved: string | null = null;
    for (
      let next = this.#offsets[this.#next];
      next !== undefined && this.#done.delete(next);
      next = this.#offsets[this.#next]
    ) {
      moved = next;
      this.#next += 1;
    }
    return moved;
  }
}
