import { LRUCache } from 'lru-cache';

const MINUTE_MS = 60_000;
/** Above this many texts, the ones that were logged longest ago are forgotten. */
const REMEMBERED = 1_000;

/** What repeats itself is logged once a minute. */
export class OnceAMinute {
  readonly #logged: LRUCache<string, true>;

  /** @param clock for tests: milliseconds that only grow */
  constructor(clock: { now(): number } = performance) {
    this.#logged = new LRUCache({ max: REMEMBERED, ttl: MINUTE_MS, ttlResolution: 0, perf: clock });
  }

  /** Whether this text is due; if so it counts as logged. */
  isDue(text: string): boolean {
    if (this.#logged.peek(text) === true) return false;
    this.#logged.set(text, true);
    return true;
  }
}
