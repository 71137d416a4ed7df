import { LRUCache } from 'lru-cache';
import type { Pool } from 'pg';
import type { Introspection } from '../protocol/introspection.js';
import { readBans } from '../registry/bans.js';

/** Above this many nodes the oldest are forgotten, and rejected once more. */
const REMEMBERED = 50_000;

/**
 * Who is banned, as last read. The node's run decides from the registry whether the node may come in. The bridge only
 * spares the servers: a banned node that goes on sending gets one run and one rejection in a while.
 */
export class Bans {
  #banned: ReadonlySet<string> = new Set();
  readonly #rejected: LRUCache<string, true>;

  /**
   * @param seconds a banned node gets one answer in so long a time
   * @param clock for tests: milliseconds that only grow
   */
  constructor(seconds: number, clock: { now(): number } = performance) {
    this.#rejected = new LRUCache({ max: REMEMBERED, ttl: seconds * 1_000, ttlResolution: 0, perf: clock });
  }

  /** Reads who is banned now. */
  async read(pool: Pool): Promise<void> {
    this.#banned = new Set((await readBans(pool)).map(({ node_id }) => node_id));
  }

  has(node_id: string): boolean {
    return this.#banned.has(node_id);
  }

  /** Whether an introspection needs no answer, since its node is banned and has had one. A goodbye always counts. */
  holdsBack({ node_id, reason }: Pick<Introspection, 'node_id' | 'reason'>): boolean {
    if (!this.has(node_id) || reason === 'shutdown') return false;
    if (this.#rejected.has(node_id)) return true;
    this.#rejected.set(node_id, true);
    return false;
  }
}
