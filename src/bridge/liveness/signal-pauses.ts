/** A node that may be signalled, and the lease that it is about. */
export interface Signallable {
  readonly node_id: string;
  readonly attempt: number;
  readonly deadline: string;
}

interface Signalled {
  readonly lease: string;
  /** When it may be signalled again, in milliseconds since 1970. */
  readonly again: number;
  readonly pauseMs: number;
}

/**
 * When each suspect was signalled last. A signalled run verifies its lease, and
 * asks again by itself where that has no answer; so the same suspect is
 * signalled again only after a pause, and each pause is twice the one before.
 */
export class SignalPauses {
  readonly #firstMs: number;
  readonly #longestMs: number;
  #signalled = new Map<string, Signalled>();
  #seen = new Map<string, Signalled>();

  constructor({ firstMs, longestMs }: { readonly firstMs: number; readonly longestMs: number }) {
    this.#firstMs = firstMs;
    this.#longestMs = Math.max(firstMs, longestMs);
  }

  /** Those that may be signalled now; they count as signalled. */
  due<T extends Signallable>(suspects: readonly T[], now: number): T[] {
    return suspects.filter((suspect) => {
      const lease = `${suspect.attempt} ${suspect.deadline}`;
      const before = this.#signalled.get(suspect.node_id);
      const known = before?.lease === lease ? before : undefined;
      const waits = known !== undefined && now < known.again;
      const pauseMs = known === undefined ? this.#firstMs : Math.min(2 * known.pauseMs, this.#longestMs);
      const entry = waits ? known : { lease, again: now + pauseMs, pauseMs };
      this.#signalled.set(suspect.node_id, entry);
      this.#seen.set(suspect.node_id, entry);
      return !waits;
    });
  }

  /** All suspects have been gone through: who was not among them is none any more. */
  passed(): void {
    this.#signalled = this.#seen;
    this.#seen = new Map();
  }

  /** A pass begins, whether or not the one before went through all of them. */
  begins(): void {
    this.#seen = new Map();
  }
}
