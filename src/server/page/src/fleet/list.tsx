import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { memo, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { useLocation } from 'wouter';
import type { ContractView } from '../../../api/contract.js';
import type { RowDetail } from '../../../api/fleet.js';
import { cameBack } from '../came-back.js';
import { getJson } from '../get-json.js';
import { hrefOf, type Filters } from '../filters.js';
import { onKey } from '../keyboard.js';
import { store } from '../store.js';
import { useFrame } from '../use.js';
import { idsOf, SORTABLE, type Item, type List } from './list-items.js';
import { GroupRow, Row } from './row.js';

const GROUP_HEIGHT = 40;
/** Rows beyond the screen, at each end. */
const OVERSCAN = 4;
const DETAILS_EVERY_MS = 2_000;
const DETAILS_AFTER_MS = 150;

/** On which node each list was left, so that Back finds it there. */
const cursors = new Map<string, string>();

const COLUMNS = [
  ['state', 'State', ''],
  ['id', 'Node', ''],
  ['type', 'Type', 'type'],
  ['version', 'Version', 'version'],
  ['', 'What is going on', 'what'],
  ['attempt', 'Attempt', 'attempt right'],
  ['', 'Last heartbeat', 'beat right'],
  ['since', 'In state', 'since right'],
] as const;

interface Props {
  readonly list: List;
  readonly filters: Filters;
  readonly contract: ContractView;
  readonly held: boolean;
}

/** The nodes. Only the rows on the screen are drawn, and only their leases are asked for. */
export const NodeList = memo(function NodeList({ list, filters, contract, held }: Props) {
  const parent = useRef<HTMLDivElement>(null);
  const rowHeight = useRowHeight();
  const [top, setTop] = useState(0);
  const search = hrefOf(filters);
  const [cursor, setCursor] = useState(() => (cameBack() ? cursors.get(search) : undefined));
  const { items } = list;
  const cursorAt = useMemo(() => (cursor === undefined ? -1 : items.indexOf(cursor)), [items, cursor]);
  const [, navigate] = useLocation();
  useLayoutEffect(() => {
    const measure = (): void => {
      const box = parent.current?.getBoundingClientRect();
      if (box !== undefined) setTop(Math.round(box.top + window.scrollY));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(document.body);
    return () => observer.disconnect();
  }, []);
  // Another function makes the virtualizer place every row anew: only for another list, and for another height.
  const getItemKey = useCallback((at: number) => keyOf(items[at], at), [items, rowHeight]);
  const virtualizer = useWindowVirtualizer({
    count: items.length,
    estimateSize: (at) => (typeof items[at] === 'object' ? GROUP_HEIGHT : rowHeight),
    getItemKey,
    overscan: OVERSCAN,
    scrollMargin: top,
  });
  const visible = virtualizer.getVirtualItems();
  useLeases(idsOf(visible.flatMap(({ index }) => items[index] ?? [])));
  useCursorKeys(items, cursorAt, (at, id) => {
    cursors.set(search, id);
    setCursor(id);
    virtualizer.scrollToIndex(at, { align: 'auto' });
  });
  return (
    <div className="card list" role="table" aria-label="Nodes" aria-rowcount={items.length + 1}>
      <div role="rowgroup" className="list-head-group">
        <Head filters={filters} />
      </div>
      <div
        className="rows"
        role="rowgroup"
        ref={parent}
        style={{ height: virtualizer.getTotalSize() }}
        onClick={(event) => openWithoutLoading(event, navigate)}
      >
        {visible.map(({ index, key, start }) => {
          const item = items[index];
          if (item === undefined) return null;
          return typeof item === 'object' ? (
            <GroupRow
              key={key}
              item={item}
              top={start - top}
              index={index}
              filters={filters}
              contract={contract}
              held={held}
            />
          ) : (
            <Row
              key={key}
              id={item}
              top={start - top}
              index={index}
              isCursor={index === cursorAt}
              contract={contract}
            />
          );
        })}
      </div>
    </div>
  );
});

function keyOf(item: Item | undefined, at: number): string | number {
  return typeof item === 'object' ? `group ${item.look}` : (item ?? at);
}

/** Rows have plain links: a router's link in each of them would listen to the address as often as there are rows. */
function openWithoutLoading(event: React.MouseEvent, navigate: (to: string) => void): void {
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  if (link === null || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  if (event.defaultPrevented) return;
  event.preventDefault();
  navigate(`${link.pathname}${link.search}`);
}

function Head({ filters }: { filters: Filters }) {
  const [, navigate] = useLocation();
  const absolute = useFrame(() => store.hasAbsoluteTimes);
  const direction = filters.sort.startsWith('-') ? 'descending' : 'ascending';
  const sorted = filters.sort.replace(/^-/, '');
  // A column: first its own order, then the other way round, then those that need a look first.
  const next = (key: string): string => (sorted !== key ? key : direction === 'ascending' ? `-${key}` : '');
  return (
    <div className="list-head columns" role="row" aria-rowindex={1}>
      {COLUMNS.map(([key, label, className]) => (
        <span
          key={label}
          role="columnheader"
          className={className}
          aria-sort={key !== '' && sorted === key ? direction : undefined}
        >
          {SORTABLE.has(key) ? (
            <button type="button" onClick={() => navigate(hrefOf(filters, { sort: next(key) }))}>
              {key === 'since' && absolute ? 'Since' : label}
              {sorted === key && <span aria-hidden="true">{direction === 'ascending' ? ' ▾' : ' ▴'}</span>}
            </button>
          ) : (
            label
          )}
        </span>
      ))}
    </div>
  );
}

/** On a phone a row has two lines. */
function useRowHeight(): number {
  const [phone, setPhone] = useState(() => matchMedia('(max-width: 639px)').matches);
  useEffect(() => {
    const query = matchMedia('(max-width: 639px)');
    const change = (): void => setPhone(query.matches);
    query.addEventListener('change', change);
    return () => query.removeEventListener('change', change);
  }, []);
  return phone ? 60 : 34;
}

/** Heartbeats are not sent to everybody: the page asks for the leases of the rows that it shows. */
function useLeases(ids: readonly string[]): void {
  const shown = ids.join(',');
  useEffect(() => {
    if (shown === '') return;
    const over = new AbortController();
    const refresh = async (): Promise<void> => {
      if (document.hidden || store.line.kind !== 'live' || store.isRegistryAway) return;
      const answer = await getJson<readonly RowDetail[]>(`/api/rows?ids=${shown}`, over.signal);
      // Without an answer the bars go on from what was known; a banner says what is away.
      if (answer.kind === 'ok') store.takeDetails(answer.data);
    };
    // Not while somebody scrolls: each row would be asked for on its way.
    const first = setTimeout(() => void refresh(), DETAILS_AFTER_MS);
    const timer = setInterval(() => void refresh(), DETAILS_EVERY_MS);
    return () => {
      over.abort();
      clearTimeout(first);
      clearInterval(timer);
    };
  }, [shown]);
}

function useCursorKeys(items: List['items'], cursor: number, moveTo: (at: number, id: string) => void): void {
  const [, navigate] = useLocation();
  useEffect(() =>
    onKey((key) => {
      if (key === 'Enter') {
        const item = items[cursor];
        if (typeof item !== 'string' || document.activeElement !== document.body) return false;
        navigate(`/nodes/${encodeURIComponent(item)}`);
        return true;
      }
      if (key !== 'j' && key !== 'k') return false;
      const step = key === 'j' ? 1 : -1;
      let at = cursor + step;
      while (typeof items[at] === 'object') at += step;
      const id = items[at];
      if (typeof id === 'string') moveTo(at, id);
      return true;
    }),
  );
}
