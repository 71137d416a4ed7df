import type { Positions } from './located.js';

type Map = Record<string, unknown>;

/** By what an item of each list is recognised, so that a partial contract can change one of them. */
const IDENTITY: Record<string, (item: Map) => string> = {
  consumed_events: (item) => String(item['event_type']),
  published_events: (item) => String(item['action']),
  handlers: (item) => {
    const model = item['event_model'] as Map | undefined;
    return model ? String(model['name']) : `${String(item['operation'])}/${String(item['backend'])}`;
  },
  state_decision_matrix: (item) =>
    `${JSON.stringify(item['current_state'])}/${String(item['reason'])}/${String(item['incarnation'])}`,
  states: (item) => String(item['state_name']),
  transitions: (item) => `${String(item['from_state'])}/${String(item['trigger'])}`,
  timers: (item) => String(item['timer']),
  confirmations: (item) => String(item['event_type']),
  intents: (item) => String(item['action']),
  calls: (item) => String(item['call']),
  questions: (item) => String(item['question']),
};

const isMap = (value: unknown): value is Map => typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Lays a partial contract over a whole one: maps are merged, lists of named
 * things by their name, every other list and value is replaced. Where the
 * partial contract names one thing several times (an event that comes from
 * several topics), each of them counts. Neither input is changed; positions
 * follow the values that won.
 *
 * @param base the whole contract
 * @param partial what is to be changed or added
 */
export function mergeContract(base: Map, partial: Map, positions: Positions): Map {
  const merged: Map = {};
  const carry = (from: Map, key: string): void => {
    const place = positions.get(from, key);
    if (place) positions.set(merged, key, place);
  };
  for (const key of Object.keys(base)) {
    merged[key] = base[key];
    carry(base, key);
  }
  for (const [key, value] of Object.entries(partial)) {
    const before = merged[key];
    const identity = IDENTITY[key];
    if (isMap(before) && isMap(value)) merged[key] = mergeContract(before, value, positions);
    else if (identity && Array.isArray(before) && Array.isArray(value))
      merged[key] = mergeList(before, value, identity, positions);
    else {
      merged[key] = value;
      carry(partial, key);
    }
  }
  return merged;
}

function mergeList(
  base: unknown[],
  partial: unknown[],
  identity: (item: Map) => string,
  positions: Positions,
): unknown[] {
  const merged = [...base];
  const carry = (from: unknown[], index: number, to: number): void => {
    const place = positions.get(from, index);
    if (place) positions.set(merged, to, place);
  };
  base.forEach((_, index) => carry(base, index, index));
  const changed = new Set<number>();
  partial.forEach((item, index) => {
    const isKnown = (other: unknown, at: number): boolean =>
      at < base.length && !changed.has(at) && isMap(other) && isMap(item) && identity(other) === identity(item);
    const at = merged.findIndex(isKnown);
    const known = merged[at];
    if (isMap(known) && isMap(item)) {
      merged[at] = mergeContract(known, item, positions);
      changed.add(at);
    } else merged.push(item);
    carry(partial, index, at >= 0 ? at : merged.length - 1);
  });
  return merged;
}
