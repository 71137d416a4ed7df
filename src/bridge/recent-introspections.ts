import { LRUCache } from 'lru-cache';
import type { Introspection } from '../protocol/introspection.js';

/** A node without an answer repeats itself after 5, 15 and 35 s: a slow workflow need not be signalled each time. */
const FOR_MS = 30_000;
/** Above this many nodes the oldest are forgotten, and signalled again. */
const REMEMBERED = 50_000;

/**
 * What each node's workflow was signalled last. The same startup again, with nothing else in between, is a duplicate
 * and never has an effect, so it is not signalled: while a whole fleet starts, such signals would take the server's
 * time from registrations. An introspection for another reason is always signalled: its data decide.
 */
export class RecentIntrospections {
  readonly #last: LRUCache<string, string>;

  /** @param clock for tests: milliseconds that only grow */
  constructor(clock: { now(): number } = performance) {
    this.#last = new LRUCache({ max: REMEMBERED, ttl: FOR_MS, ttlResolution: 0, perf: clock });
  }

  /** Whether this very startup was the last signal to its node's workflow, and not long ago. */
  has(introspection: Introspection): boolean {
    return introspection.reason === 'startup' && this.#last.peek(introspection.node_id) === identityOf(introspection);
  }

  /** Temporal has it. */
  add(introspection: Introspection): void {
    this.#last.set(introspection.node_id, identityOf(introspection));
  }
}

function identityOf({ correlation_id, reason, epoch }: Introspection): string {
  return JSON.stringify([correlation_id, reason, epoch]);
}
