import type { FleetNode, LookReason } from '../../../api/fleet.js';
import type { Filters } from '../filters.js';
import { LOOKS } from '../sentences.js';
import type { FleetStore } from '../store.js';

/** The heading of a group. */
export interface Group {
  readonly look: LookReason | 'rest';
  readonly count: number;
  readonly folded: boolean;
}

/** A line of the list: a node's id, or a heading. Ids alone: ten thousand objects at each change cost frames. */
export type Item = string | Group;

export interface List {
  readonly items: readonly Item[];
  readonly nodes: number;
  /** How many the search and the type leave in each view. */
  readonly views: Readonly<Record<Filters['view'], number>>;
}

const DAY = 86_400_000;

/** A longer group is folded: it would hide everybody else. */
const FOLDED_ABOVE = 200;

/** Not ended, or ended in the last hour without leaving. */
export function isCurrent({ ended, look }: FleetNode): boolean {
  return ended === null || look === 'ended';
}

/** Who ended longer ago stands among all. */
export function endedLately({ ended }: FleetNode, now: number): boolean {
  return ended !== null && now - ended < DAY;
}

/** The list that these filters leave, in the order that they ask for. */
export function listOf(store: FleetStore, filters: Filters, now: number): List {
  const words = filters.q.trim().toLowerCase();
  const found: FleetNode[] = [];
  const views = { current: 0, ended: 0, all: 0 };
  for (const id of store.sortedIds()) {
    const node = store.get(id);
    if (node === undefined) continue;
    if (filters.type !== '' && node.type !== filters.type) continue;
    if (words !== '' && !store.hay(node).includes(words)) continue;
    const isIn = { current: isCurrent(node), ended: endedLately(node, now), all: true };
    if (isIn.current) views.current += 1;
    if (isIn.ended) views.ended += 1;
    views.all += 1;
    if (!isIn[filters.view]) continue;
    if (filters.state !== '' && node.state !== filters.state) continue;
    if (filters.look !== '' && node.look !== filters.look) continue;
    found.push(node);
  }
  const items =
    filters.sort === '' ? grouped(found, filters.look !== '') : sorted(found, filters.sort, store.stateOrders);
  return { items, nodes: found.length, views };
}

function grouped(nodes: readonly FleetNode[], unfolded: boolean): Item[] {
  const byLook = new Map<LookReason, FleetNode[]>();
  const rest: Item[] = [];
  for (const node of nodes) {
    if (node.look === null) rest.push(node.id);
    else {
      const group = byLook.get(node.look);
      if (group === undefined) byLook.set(node.look, [node]);
      else group.push(node);
    }
  }
  if (byLook.size === 0) return rest;
  const items: Item[] = [];
  for (const look of LOOKS) {
    const group = byLook.get(look);
    if (group === undefined) continue;
    const folded = group.length > FOLDED_ABOVE && !unfolded;
    items.push({ look, count: group.length, folded });
    if (!folded) for (const { id } of group.sort((a, b) => a.since - b.since)) items.push(id);
  }
  if (rest.length > 0) items.push({ look: 'rest', count: rest.length, folded: false });
  return [...items, ...rest];
}

type Key = (node: FleetNode, orders: ReadonlyMap<string, number>) => string | number;

const KEYS: Readonly<Record<string, Key>> = {
  state: ({ state }, orders) => orders.get(state) ?? orders.size,
  id: ({ id }) => id,
  type: ({ type }) => type,
  version: ({ version }) => version,
  attempt: ({ attempt }) => -attempt,
  since: ({ since }) => -since,
};

/** Columns by which the list can be sorted. */
export const SORTABLE: ReadonlySet<string> = new Set(Object.keys(KEYS));

function sorted(nodes: readonly FleetNode[], sort: string, orders: ReadonlyMap<string, number>): Item[] {
  const key = KEYS[sort.replace(/^-/, '')] ?? KEYS.id;
  const keyed = nodes.map((node) => ({ id: node.id, key: key?.(node, orders) ?? node.id }));
  keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  if (sort.startsWith('-')) keyed.reverse();
  return keyed.map(({ id }) => id);
}

/** Whether both show the same. */
export function isSame(a: List, b: List): boolean {
  return a.items.length === b.items.length && a.items.every((item, at) => isSameItem(item, b.items[at]));
}

function isSameItem(a: Item, b: Item | undefined): boolean {
  if (a === b) return true;
  if (typeof a === 'string' || typeof b !== 'object') return false;
  return a.look === b.look && a.count === b.count && a.folded === b.folded;
}

/** How many nodes stand at another place in `next`, or are only in one of both; counted up to a hundred. */
export function moved(shown: readonly Item[], next: readonly Item[]): number {
  const [a, b] = [idsOf(shown), idsOf(next)];
  const inNext = new Set(b);
  const inShown = new Set(a);
  const lost = a.filter((id) => !inNext.has(id)).length;
  const fresh = b.filter((id) => !inShown.has(id)).length;
  if (lost + fresh > 0) return Math.max(lost, fresh);
  return a.reduce((sum, id, at) => sum + (b[at] === id ? 0 : 1), 0) > 0 ? 1 : 0;
}

/** The nodes of a list, without its headings. */
export function idsOf(items: readonly Item[]): string[] {
  return items.filter((item) => typeof item === 'string');
}
