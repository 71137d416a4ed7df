import type { FleetStore } from '../store.js';
import { isCurrent } from './list-items.js';

/** All numbers of the fleet screen, counted once: each equals the list behind it. */
export interface Counts {
  /** By state, then by type; "" is every type. Ended ones are those of the last day. */
  readonly states: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** Not ended, by type. */
  readonly lasting: ReadonlyMap<string, number>;
  readonly types: readonly string[];
  readonly current: number;
  readonly ended: number;
  readonly all: number;
  readonly look: number;
  readonly lost: number;
}

const DAY = 86_400_000;

/** @returns `before` where nothing differs: the matrix is drawn again for another number alone */
export function keptCounts(before: Counts, next: Counts): Counts {
  return textOf(before) === textOf(next) ? before : next;
}

function textOf({ states, lasting, ...rest }: Counts): string {
  return JSON.stringify([[...states].map(([state, byType]) => [state, [...byType]]), [...lasting], rest]);
}

export function countsOf(store: FleetStore): Counts {
  const states = new Map<string, Map<string, number>>();
  const lasting = new Map<string, number>();
  const types = new Set<string>();
  const sums = { current: 0, ended: 0, all: 0, look: 0, lost: 0 };
  const now = store.now();
  const add = (map: Map<string, number>, key: string): void => void map.set(key, (map.get(key) ?? 0) + 1);
  for (const node of store.nodes()) {
    sums.all += 1;
    types.add(node.type);
    if (isCurrent(node)) sums.current += 1;
    if (node.look !== null) sums.look += 1;
    if (node.look === 'ended') sums.lost += 1;
    if (node.ended === null) add(lasting, node.type);
    else {
      sums.ended += 1;
      if (now - node.ended > DAY) continue;
    }
    let byType = states.get(node.state);
    if (byType === undefined) states.set(node.state, (byType = new Map<string, number>()));
    add(byType, '');
    add(byType, node.type);
  }
  return { states, lasting, types: [...types].sort(), ...sums };
}
