import type { Positions } from './located.js';

export type Values = Record<string, unknown>;
type NameOf = (item: Values) => string;

/** By which name an item of each list is known, so that a partial contract can change one of them. */
const NAMED_LISTS: Readonly<Record<string, NameOf>> = {
  published_events: (item) => String(item['action']),
  handlers: (item) =>
    isMap(item['event_model'])
      ? String(item['event_model']['name'])
      : `${String(item['operation'])} on ${String(item['backend'])}`,
  states: (item) => String(item['state_name']),
  transitions: (item) => `${String(item['from_state'])} on ${String(item['trigger'])}`,
  timers: (item) => String(item['timer']),
  confirmations: (item) => String(item['event_type']),
  intents: (item) => String(item['action']),
  calls: (item) => String(item['call']),
  questions: (item) => String(item['question']),
};

/** Lists of which a partial contract replaces all items of one name: one event may come from several topics. */
const GROUPED_LISTS: Readonly<Record<string, NameOf>> = {
  consumed_events: (item) => String(item['event_type']),
};

/** Lists to which a partial contract adds: its rows come before those that are there (see matrix.ts). */
const ADDED_LISTS: readonly string[] = ['state_decision_matrix'];

const isMap = (value: unknown): value is Values => typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Lays a partial contract over a whole one. Maps are merged key by key, and
 * lists of named things item by item; a decision matrix grows; every other list
 * and value is replaced. Neither input is changed. The positions of the result
 * are those of the values that stayed or won, so that each item and key still
 * knows its file.
 *
 * @param base the whole contract
 * @param partial what is to be changed or added
 * @param positions knows where both inputs stood; receives the places of the result
 */
export function mergeContract(base: Values, partial: Values, positions: Positions): Values {
  const merged: Values = {};
  for (const key of Object.keys(base)) {
    merged[key] = base[key];
    positions.copy(base, key, merged, key);
  }
  for (const [key, value] of Object.entries(partial)) {
    const before = merged[key];
    if (isMap(before) && isMap(value)) merged[key] = mergeContract(before, value, positions);
    else if (Array.isArray(before) && Array.isArray(value)) mergeLists(key, before, value);
    else replace(key, value);
  }
  return merged;

  function mergeLists(key: string, before: unknown[], value: unknown[]): void {
    const name = NAMED_LISTS[key];
    const group = GROUPED_LISTS[key];
    if (name !== undefined) merged[key] = mergeNamed(before, value, name, positions);
    else if (group !== undefined) merged[key] = join(mergeGroups(before, value, group), positions);
    else if (ADDED_LISTS.includes(key)) merged[key] = join([...placed(before), ...placed(value)], positions);
    else replace(key, value);
  }

  function replace(key: string, value: unknown): void {
    merged[key] = value;
    positions.copy(partial, key, merged, key);
  }
}

/** An item with the list and index at which its position is known. */
interface Placed {
  readonly item: unknown;
  readonly list: unknown[];
  readonly index: number;
}

const placed = (list: unknown[]): Placed[] => list.map((item, index) => ({ item, list, index }));

/** The partial list's items of a group stand where the first of the base's items of that group stood. */
function mergeGroups(base: unknown[], partial: unknown[], groupOf: NameOf): Placed[] {
  const group = ({ item }: Placed): string | null => (isMap(item) ? groupOf(item) : null);
  const added = placed(partial);
  const replaced = placed(base).flatMap((each, index, all) => {
    const news = added.filter((other) => group(other) === group(each));
    if (news.length === 0) return [each];
    return all.findIndex((other) => group(other) === group(each)) === index ? news : [];
  });
  return [...replaced, ...added.filter((each) => !replaced.includes(each))];
}

function join(items: readonly Placed[], positions: Positions): unknown[] {
  const merged = items.map(({ item }) => item);
  items.forEach(({ list, index }, to) => positions.copy(list, index, merged, to));
  return merged;
}

function mergeNamed(base: unknown[], partial: unknown[], name: NameOf, positions: Positions): unknown[] {
  const merged = [...base];
  base.forEach((_, index) => positions.copy(base, index, merged, index));
  partial.forEach((item, index) => {
    const at = isMap(item) ? base.findIndex((other) => isMap(other) && name(other) === name(item)) : -1;
    const known = merged[at];
    if (isMap(known) && isMap(item)) merged[at] = mergeContract(known, item, positions);
    else merged.push(item);
    positions.copy(partial, index, merged, at < 0 ? merged.length - 1 : at);
  });
  return merged;
}

/** Two items of one name in one file, of which the later would change the earlier: where both stand. */
export interface Twice {
  readonly name: string;
  /** The key of the list: "timers". */
  readonly key: string;
  readonly list: readonly unknown[];
  readonly first: number;
  readonly second: number;
}

/** Every second item of a name in the lists of one file, at whatever depth. */
export function namedTwice(data: unknown): Twice[] {
  if (Array.isArray(data)) return data.flatMap(namedTwice);
  if (!isMap(data)) return [];
  return Object.entries(data).flatMap(([key, value]) => [
    ...(Array.isArray(value) ? twiceIn(key, value) : []),
    ...namedTwice(value),
  ]);
}

function twiceIn(key: string, list: readonly unknown[]): Twice[] {
  const nameOf = NAMED_LISTS[key];
  if (nameOf === undefined) return [];
  const names = list.map((item) => (isMap(item) ? nameOf(item) : null));
  return names.flatMap((name, second) => {
    const first = names.indexOf(name);
    return name === null || first === second ? [] : [{ key, list, first, second, name }];
  });
}
