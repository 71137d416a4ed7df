import type { LimitFunction } from 'p-limit';

/** Work on an item, which belongs to somebody. */
export interface Keyed {
  /** Items of one key are worked on one after the other. */
  readonly key: string;
  run(): Promise<void>;
}

/**
 * Runs work of different keys at once, as many as the limit allows, and of one
 * key in the order given. What has not begun when `goOn` turns false is left.
 */
export async function inOrderPerKey(items: Iterable<Keyed>, limit: LimitFunction, goOn: () => boolean): Promise<void> {
  const chains = new Map<string, Promise<void>>();
  const all: Promise<void>[] = [];
  for (const item of items) {
    const before = chains.get(item.key);
    const run = (): Promise<void> => limit(async () => (goOn() ? item.run() : undefined));
    const mine = before === undefined ? run() : before.then(run);
    chains.set(item.key, mine);
    all.push(mine);
  }
  // All of them end before the first failure is reported: nothing goes on behind the caller's back.
  for (const result of await Promise.allSettled(all)) if (result.status === 'rejected') throw result.reason;
}
