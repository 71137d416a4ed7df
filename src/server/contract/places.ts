import type { Machine } from '../../contracts/compiled.js';

/** Where a state stands: its step along the main line, and the row (0 on the line, 1 beside it). */
export interface Place {
  readonly column: number;
  readonly row: 0 | 1;
}

/** Transitions of one pair of states. */
export interface Link {
  readonly from: string;
  readonly to: string;
  readonly triggers: readonly string[];
  /** Conditions of its first trigger, in words; empty if there are none. */
  readonly conditions: string;
}

/** Triggers that lead to one state from every state that is not terminal. */
export interface Everywhere {
  readonly triggers: readonly string[];
  readonly to: string;
}

/** More paths than this are not tried: a machine of that kind is drawn in its declared order. */
const MOST_STEPS = 20_000;

/**
 * Gives each state its place: the longest way from the initial state is the
 * main line; the others stand beside it, where they are reached from.
 */
export function placesOf(machine: Machine, links: readonly Link[]): Map<string, Place> {
  const line = mainLine(machine, links);
  const places = new Map<string, Place>(line.map((name, column) => [name, { column, row: 0 }]));
  const taken = new Set<number>();
  for (const name of Object.keys(machine.states)) {
    if (places.has(name)) continue;
    const columns = links.filter((link) => link.to === name).map((link) => line.indexOf(link.from));
    const known = columns.filter((column) => column >= 0).sort((a, b) => a - b);
    // In the middle of those that lead to it: the ways there are short.
    const near = known[Math.floor((known.length - 1) / 2)] ?? line.length - 1;
    const column = nearestFree(near, taken);
    taken.add(column);
    places.set(name, { column, row: 1 });
  }
  return places;
}

/** Every transition of the machine but those from everywhere; several triggers of one pair together. */
export function drawnLinks(machine: Machine): { readonly links: Link[]; readonly everywhere: Everywhere | null } {
  const everywhere = triggersFromEverywhere(machine);
  const links = Object.entries(machine.states).flatMap(([from, { transitions }]) => {
    const byTarget = new Map<string, { triggers: string[]; conditions: string }>();
    for (const [trigger, { to, conditions }] of Object.entries(transitions)) {
      const known = byTarget.get(to);
      if (known !== undefined) known.triggers.push(trigger);
      else
        byTarget.set(to, {
          triggers: [trigger],
          conditions: conditions
            .map(({ field, operator, value }) => [field, operator, value?.toString() ?? ''].join(' ').trim())
            .join(', '),
        });
    }
    return [...byTarget].map(([to, { triggers, conditions }]) => ({ from, to, triggers, conditions }));
  });
  return { links, everywhere };
}

function triggersFromEverywhere({ states }: Machine): Everywhere | null {
  const lasting = Object.values(states).filter(({ terminal }) => !terminal);
  const shared = Object.entries(lasting[0]?.transitions ?? {}).filter(
    ([trigger, { to }]) => lasting.length > 2 && lasting.every((state) => state.transitions[trigger]?.to === to),
  );
  const to = shared[0]?.[1].to;
  if (to === undefined) return null;
  return { triggers: shared.flatMap(([trigger, target]) => (target.to === to ? [trigger] : [])), to };
}

/** The longest way from the initial state through states that do not end a life; those that many lead to come last. */
function mainLine({ initial, states }: Machine, links: readonly Link[]): string[] {
  const popularity = (name: string): number => links.filter(({ to }) => to === name).length;
  const onward = new Map(
    Object.keys(states).map((from) => [
      from,
      links
        .filter((link) => link.from === from && states[link.to]?.terminal === false)
        .map(({ to }) => to)
        .sort((a, b) => popularity(a) - popularity(b)),
    ]),
  );
  let steps = 0;
  let longest: string[] = [initial];
  const walk = (path: string[]): void => {
    steps += 1;
    if (path.length > longest.length) longest = [...path];
    if (steps > MOST_STEPS) return;
    for (const to of onward.get(path.at(-1) ?? initial) ?? []) if (!path.includes(to)) walk([...path, to]);
  };
  walk([initial]);
  return longest;
}

function nearestFree(near: number, taken: ReadonlySet<number>): number {
  for (let distance = 0; ; distance += 1) {
    if (!taken.has(near + distance)) return near + distance;
    if (near - distance >= 0 && !taken.has(near - distance)) return near - distance;
  }
}
