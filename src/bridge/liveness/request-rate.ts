import { LRUCache } from 'lru-cache';

const PER_NODE_MS = 60_000;
const PER_SECOND = 50;
/** More than can be asked within a minute: none is forgotten too early. */
const REMEMBERED = 10_000;

/** At most one request a minute for a node, and at most 50 a second for all. */
export class RequestRate {
  readonly #clock: { now(): number };
  readonly #asked: LRUCache<string, true>;
  #second = 0;
  #inThisSecond = 0;

  /** @param clock for tests: milliseconds that only grow */
  constructor(clock: { now(): number } = performance) {
    this.#clock = clock;
    this.#asked = new LRUCache({ max: REMEMBERED, ttl: PER_NODE_MS, ttlResolution: 0, perf: clock });
  }

  /** Whether a node may be asked now; if so it counts as asked. */
  allows(node_id: string): boolean {
    if (this.#asked.peek(node_id) === true) return false;
    const second = Math.floor(this.#clock.now() / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#inThisSecond = 0;
    }
    if (this.#inThisSecond >= PER_SECOND) return false;
    this.#inThisSecond += 1;
    this.#asked.set(node_id, true);
    return true;
  }

  /** It was not asked after all. */
  forget(node_id: string): void {
    this.#asked.delete(node_id);
  }
}
