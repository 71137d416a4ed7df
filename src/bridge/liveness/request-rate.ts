const PER_NODE_MS = 60_000;
const PER_SECOND = 50;
/** Above this many remembered nodes, those that may be asked again are forgotten. */
const REMEMBERED = 10_000;

/** At most one request a minute for a node, and at most 50 a second for all. */
export class RequestRate {
  readonly #askedAt = new Map<string, number>();
  #second = 0;
  #inThisSecond = 0;

  /** Whether a node may be asked now; if so it counts as asked. */
  allows(node_id: string, now: number): boolean {
    const last = this.#askedAt.get(node_id);
    if (last !== undefined && now - last < PER_NODE_MS) return false;
    const second = Math.floor(now / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#inThisSecond = 0;
    }
    if (this.#inThisSecond >= PER_SECOND) return false;
    this.#inThisSecond += 1;
    // Re-inserted at the end, so that the oldest stand first.
    this.#askedAt.delete(node_id);
    this.#askedAt.set(node_id, now);
    this.#forgetOld(now);
    return true;
  }

  /** It was not asked after all. */
  forget(node_id: string): void {
    this.#askedAt.delete(node_id);
  }

  #forgetOld(now: number): void {
    if (this.#askedAt.size <= REMEMBERED) return;
    for (const [node_id, asked] of this.#askedAt) {
      if (now - asked < PER_NODE_MS) return;
      this.#askedAt.delete(node_id);
    }
  }
}
