import type { FleetStore } from '../store.js';
import { endedLately, isCurrent } from './list-items.js';

/** All numbers of the fleet screen, counted once: each equals the list behind it. */
export interface Counts {
  /** By state, then by type; "" is every type. Ended ones are those of the last day. */
  readonly states: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** Current ones, by type. */
  readonly current: ReadonlyMap<string, number>;
  readonly types: readonly string[];
  readonly look: number;
  readonly lost: number;
}

/** @returns `before` where nothing differs: the matrix is drawn again for another number alone */
export function keptCounts(before: Counts, next: Counts): Counts {
  return textOf(before) === textOf(next) ? before : next;
}

function textOf({ states, current, ...rest }: Counts): string {
  return JSON.stringify([[...states].map(([state, byType]) => [state, [...byType]]), [...current], rest]);
}

export function fleetCounts(store: FleetStore, now: number): Counts {
  const states = new Map<string, Map<string, number>>();
  const current = new Map<string, number>();
  const types = new Set<string>();
  const sums = { look: 0, lost: 0 };
  const add = (map: Map<string, number>, key: string): void => void map.set(key, (map.get(key) ?? 0) + 1);
  for (const node of store.nodes()) {
    types.add(node.type);
    if (isCurrent(node)) add(current, node.type);
    if (node.look !== null) sums.look += 1;
    if (node.look === 'ended') sums.lost += 1;
    if (node.ended !== null && !endedLately(node, now)) continue;
    let byType = states.get(node.state);
    if (byType === undefined) states.set(node.state, (byType = new Map<string, number>()));
    add(byType, '');
    add(byType, node.type);
  }
  return { states, current, types: [...types].sort(), ...sums };
}
