import { LRUCache } from 'lru-cache';

/** A fleet in which more nodes than this have no lease is asked as one of this size. */
const MOST_NODES = 200_000;
/** The fleet is counted anew so often. */
const COUNTED_EVERY_MS = 60_000;
/** All are asked once within this time, however many they are. */
const ALL_WITHIN_SECONDS = 180;
const PER_SECOND = 50;
const PAUSE_MS = { least: 60_000, most: 600_000 };

/**
 * How many nodes without a lease are asked, and how often. The rate grows with their number, so that a whole fleet is
 * asked within minutes: at least 50 a second, and all within three minutes. The pause of each node grows too, from one
 * minute to ten: it is as long as 50 a second would take for all, and a registrar that is still busy with the first
 * answers of a large fleet gets no second ones meanwhile.
 */
export class RequestRate {
  readonly #clock: { now(): number };
  /** When each was asked. */
  readonly #asked: LRUCache<string, number>;
  /** Who has come since the count began, and how many came in the one before. */
  #seen = new Set<string>();
  #seenBefore = 0;
  #countedFrom: number;
  #second = 0;
  #inThisSecond = 0;

  /** @param clock for tests: milliseconds that only grow */
  constructor(clock: { now(): number } = performance) {
    this.#clock = clock;
    this.#countedFrom = clock.now();
    this.#asked = new LRUCache({ max: MOST_NODES, ttl: PAUSE_MS.most, ttlResolution: 0, perf: clock });
  }

  /** Whether a node may be asked now; if so it counts as asked. */
  allows(node_id: string): boolean {
    const now = this.#clock.now();
    const fleet = this.#count(node_id, now);
    const asked = this.#asked.peek(node_id);
    if (asked !== undefined && now - asked < pauseMs(fleet)) return false;
    const second = Math.floor(now / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#inThisSecond = 0;
    }
    if (this.#inThisSecond >= Math.max(PER_SECOND, fleet / ALL_WITHIN_SECONDS)) return false;
    this.#inThisSecond += 1;
    this.#asked.set(node_id, now);
    return true;
  }

  /** It was not asked after all. */
  forget(node_id: string): void {
    this.#asked.delete(node_id);
  }

  /** How many nodes without a lease there are: the more of this minute's and the last one's. */
  #count(node_id: string, now: number): number {
    if (now - this.#countedFrom >= COUNTED_EVERY_MS) {
      this.#seenBefore = now - this.#countedFrom < 2 * COUNTED_EVERY_MS ? this.#seen.size : 0;
      this.#seen = new Set();
      this.#countedFrom = now;
    }
    if (this.#seen.size < MOST_NODES) this.#seen.add(node_id);
    return Math.max(this.#seen.size, this.#seenBefore);
  }
}

function pauseMs(fleet: number): number {
  return Math.min(Math.max(PAUSE_MS.least, (fleet / PER_SECOND) * 1_000), PAUSE_MS.most);
}
