import { useDeferredValue, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { Link, useSearch } from 'wouter';
import type { Hello } from '../../../api/fleet.js';
import { CopyButton } from '../copy-button.js';
import { readFilters, hrefOf, NO_FILTERS, type Filters } from '../filters.js';
import { onKey } from '../keyboard.js';
import { cameBack } from '../came-back.js';
import { store } from '../store.js';
import { useFleetVersion, useFrame } from '../use.js';
import { count, counted } from '../words.js';
import { fleetCounts, keptCounts, type Counts } from './counts.js';
import { NodeList } from './list.js';
import { lastList } from './last-list.js';
import { isSame, listOf, moved, type List } from './list-items.js';
import { Loading } from './loading.js';
import { Matrix, Tiles } from './matrix.js';
import { Toolbar } from './toolbar.js';

/** Where each list was left, so that Back finds it there. */
const scrolled = new Map<string, number>();

export function FleetPage() {
  const hello = useFrame(() => store.hello);
  const loaded = useFrame(() => store.loaded);
  if (hello === null || !loaded) return <Loading />;
  return <LoadedFleet hello={hello} />;
}

/**
 * What somebody types or chooses is drawn at once. Ten thousand nodes are filtered and counted after that, in parts
 * between which the browser draws.
 */
function LoadedFleet({ hello }: { hello: Hello }) {
  const search = useSearch();
  const asked = useMemo(() => readFilters(search), [search]);
  const later = useDeferredValue(asked);
  // Back finds the list where it was left: it has to be there at once.
  const filters = cameBack() ? asked : later;
  const version = useDeferredValue(useFleetVersion());
  const history = useFrame(() => store.history);
  const held = useFrame(() => store.isHeld);
  // One time for the numbers and the list, so that they stay equal. History comes once a minute.
  const now = useMemo(() => store.registryNow(), [version, history]);
  const counts = useCounts(version, now);
  const { list, views, changed, apply } = useCalmList(filters, version, now);
  useScrollMemory(filters);
  useEffect(() => void (lastList.filters = filters), [filters]);
  const { contract } = hello;
  if (store.size === 0) return <Nobody hello={hello} />;
  return (
    <>
      <div className="head">
        <h1>Fleet</h1>
        <Sentence counts={counts} hello={hello} />
      </div>
      <Matrix states={contract.states} counts={counts} history={history.states} filters={filters} />
      <Tiles states={contract.states} counts={counts} filters={filters} />
      <Toolbar
        filters={asked}
        views={views}
        types={counts.types}
        states={contract.states}
        found={list.nodes}
        isGrouped={typeof list.items[0] === 'object'}
      />
      {changed > 0 && (
        <div className="moved">
          <button type="button" className="button" onClick={apply}>
            {counted(changed, 'node has', 'nodes have')} changed place <span className="dim">Update</span>
            <kbd aria-hidden="true">u</kbd>
          </button>
        </div>
      )}
      {list.items.length === 0 ? (
        <NoMatch filters={filters} />
      ) : (
        <NodeList list={list} filters={filters} contract={contract} held={held} />
      )}
    </>
  );
}

function useCounts(version: number, now: number): Counts {
  const newest = useMemo(() => fleetCounts(store, now), [version, now]);
  const shown = useRef(newest);
  return (shown.current = keptCounts(shown.current, newest));
}

/** Order and membership change at the top and at rest; else they wait until they are asked for. */
function useCalmList(
  filters: Filters,
  version: number,
  now: number,
): { readonly list: List; readonly views: List['views']; readonly changed: number; readonly apply: () => void } {
  const newest = useMemo(() => listOf(store, filters, now), [filters, version, now]);
  const shown = useRef<{ filters: Filters; list: List }>({ filters, list: newest });
  const [, draw] = useState(0);
  const apply = (): void => {
    shown.current = { filters, list: newest };
    draw((times) => times + 1);
  };
  const asked = shown.current.filters !== filters;
  const calm = window.scrollY < 40 && document.querySelector('.row:hover, .row a:focus-visible') === null;
  // A list that shows the same is the same one: it is not drawn again.
  const same = useMemo(() => isSame(shown.current.list, newest), [shown.current.list, newest]);
  if (asked || (calm && !same)) shown.current = { filters, list: newest };
  useEffect(() => onKey((key) => key === 'u' && (apply(), true)));
  const { list } = shown.current;
  const changed = same || list === newest ? 0 : moved(list.items, newest.items);
  return { list, views: newest.views, changed, apply };
}

function useScrollMemory(filters: Filters): void {
  const search = hrefOf(filters);
  useLayoutEffect(() => {
    if (cameBack()) window.scrollTo(0, scrolled.get(search) ?? 0);
    const keep = (): void => void scrolled.set(search, window.scrollY);
    addEventListener('scroll', keep, { passive: true });
    return () => removeEventListener('scroll', keep);
  }, [search]);
}

/** The fleet in a sentence; its numbers are those of the list. */
function Sentence({ counts, hello }: { counts: Counts; hello: Hello }) {
  const sum = (group: string, tone?: string): number =>
    hello.contract.states
      .filter((state) => state.group === group && (tone === undefined || state.tone === tone))
      .reduce((total, { name }) => total + (counts.states.get(name)?.get('') ?? 0), 0);
  const draining = sum('registered', 'draining');
  const current = [...counts.current.values()].reduce((total, each) => total + each, 0);
  return (
    <p>
      <span className="num">{counted(current, 'node')}</span>: {count(sum('registered', 'active'))} active,{' '}
      {count(sum('on_the_way'))} on the way{draining > 0 ? `, ${count(draining)} draining` : ''}
      {counts.lost > 0 ? `, ${count(counts.lost)} lost in the last hour` : ''}.{' '}
      {counts.look > 0 ? (
        <b>
          {count(counts.look)} {counts.look === 1 ? 'needs' : 'need'} a look.
        </b>
      ) : (
        'Nobody needs a look.'
      )}
    </p>
  );
}

function Nobody({ hello }: { hello: Hello }) {
  return (
    <>
      <div className="head">
        <h1>Fleet</h1>
      </div>
      <div className="card">
        <div className="empty">
          <h2>No node has introduced itself yet</h2>
          <p>
            Nodes introduce themselves on <span className="mono">{hello.contract.introspection_topic}</span>. As soon as
            one does, it appears here. To see one now:
          </p>
          <span className="command mono">
            {hello.try_command} <CopyButton text={hello.try_command} label="Copy the command" />
          </span>
        </div>
      </div>
    </>
  );
}

function NoMatch({ filters }: { filters: Filters }) {
  const asked = [filters.q === '' ? '' : `“${filters.q}”`, filters.state, filters.type].filter((part) => part !== '');
  const where = { current: 'the current nodes', ended: 'those that ended in the last 24 h', all: 'all nodes' }[
    filters.view
  ];
  return (
    <div className="card">
      <div className="empty">
        <h2>No node matches</h2>
        <p>
          {asked.length === 0 ? 'There is nobody' : `${asked.join(', ')} is not`} among {where}.{' '}
          <Link className="underlined" href={hrefOf(NO_FILTERS)}>
            Clear the filters
          </Link>
          {filters.view !== 'all' && (
            <>
              {' '}
              or{' '}
              <Link className="underlined" href={hrefOf(filters, { view: 'all' })}>
                look among all
              </Link>
            </>
          )}
          .
        </p>
      </div>
    </div>
  );
}
