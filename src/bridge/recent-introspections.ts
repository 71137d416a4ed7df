import type { Introspection } from '../protocol/introspection.js';

/** A node that hears nothing repeats itself after 5, 15 and 35 s: a workflow that is slow need not be told each time. */
const FOR_MS = 30_000;
/** Above this many nodes the oldest are forgotten, and told again. */
const REMEMBERED = 50_000;

/**
 * What each node's workflow was told last. The same introspection again, with
 * nothing else in between, is a duplicate, which never does anything: while a
 * whole fleet starts, telling them all would take the server from the
 * registrations that the fleet waits for.
 */
export class RecentlyTold {
  readonly #last = new Map<string, { readonly what: string; readonly at: number }>();

  /** Has this node's workflow been told just this, not long ago, and nothing since? */
  has(introspection: Introspection, now: number): boolean {
    const last = this.#last.get(introspection.node_id);
    return last !== undefined && last.what === identityOf(introspection) && now - last.at < FOR_MS;
  }

  /** It was told: Temporal has it. */
  add(introspection: Introspection, now: number): void {
    const { node_id } = introspection;
    // Re-inserted at the end, so that the oldest stand first.
    this.#last.delete(node_id);
    this.#last.set(node_id, { what: identityOf(introspection), at: now });
    const [oldest] = this.#last.keys();
    if (this.#last.size > REMEMBERED && oldest !== undefined) this.#last.delete(oldest);
  }
}

function identityOf({ correlation_id, reason, epoch }: Introspection): string {
  return JSON.stringify([correlation_id, reason, epoch]);
}
