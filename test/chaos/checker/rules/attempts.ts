import { clock, firstAppearances, type NodeFacts } from '../facts.js';
import type { Snapshot } from '../snapshot.js';

/** Attempts only grow: in the order of the row's writes, in that of what was published, and in the end. */
export function neverALowerAttempt({ node_id, events, row }: NodeFacts, { writes }: Snapshot): readonly string[] {
  const written = writes.filter((write) => write.node_id === node_id).sort((a, b) => a.sequence - b.sequence);
  const published = firstAppearances(events);
  const highest = Math.max(0, ...published.map(({ attempt }) => attempt));
  return [
    ...falls(written).map(
      ([before, write]) =>
        `attempt ${write.attempt} (${write.state}) was written over attempt ${before} at ${clock(write.at)}`,
    ),
    ...falls(published).map(
      ([before, event]) =>
        `${event.type} of attempt ${event.attempt} came at ${clock(event.at)}, after one of attempt ${before}`,
    ),
    ...(row !== undefined && row.attempt < highest
      ? [`attempt ${highest} was published, and the registry holds attempt ${row.attempt}`]
      : []),
  ];
}

/** Each one that is lower than an earlier one, with the highest before it. What came in one moment has no order. */
function falls<T extends { readonly attempt: number; readonly at: number }>(all: readonly T[]): [number, T][] {
  const found: [number, T][] = [];
  let highest: T | undefined;
  for (const one of all) {
    if (highest !== undefined && one.attempt < highest.attempt && one.at > highest.at)
      found.push([highest.attempt, one]);
    if (highest === undefined || one.attempt > highest.attempt) highest = one;
  }
  return found;
}
