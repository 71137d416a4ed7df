/** A node that is to be woken, and the lease that it is about. */
export interface Waking {
  readonly node_id: string;
  readonly attempt: number;
  readonly deadline: string;
}

interface Woken {
  readonly lease: string;
  readonly again: number;
  readonly pauseMs: number;
}

/**
 * When each suspect was woken last. A woken run verifies its lease and looks
 * again by itself where nothing can be said; so the same suspect is woken again
 * only after a pause, and each pause is twice the one before.
 */
export class WakePauses {
  readonly #firstMs: number;
  readonly #longestMs: number;
  #woken = new Map<string, Woken>();
  #seen = new Map<string, Woken>();

  constructor({ firstMs, longestMs }: { readonly firstMs: number; readonly longestMs: number }) {
    this.#firstMs = firstMs;
    this.#longestMs = Math.max(firstMs, longestMs);
  }

  /** Those that may be woken now; they count as woken. */
  due<T extends Waking>(suspects: readonly T[], now: number): T[] {
    return suspects.filter((suspect) => {
      const lease = `${suspect.attempt} ${suspect.deadline}`;
      const before = this.#woken.get(suspect.node_id);
      const known = before?.lease === lease ? before : undefined;
      const waits = known !== undefined && now < known.again;
      const pauseMs = known === undefined ? this.#firstMs : Math.min(2 * known.pauseMs, this.#longestMs);
      const entry = waits ? known : { lease, again: now + pauseMs, pauseMs };
      this.#woken.set(suspect.node_id, entry);
      this.#seen.set(suspect.node_id, entry);
      return !waits;
    });
  }

  /** All suspects have been gone through: who was not among them is none any more. */
  passed(): void {
    this.#woken = this.#seen;
    this.#seen = new Map();
  }

  /** A pass begins, whether or not the one before went through all of them. */
  begins(): void {
    this.#seen = new Map();
  }
}
