import { Fragment, memo } from 'react';
import { Link } from 'wouter';
import type { StateView } from '../../../api/contract.js';
import { hrefOf, NO_FILTERS, type Filters } from '../filters.js';
import { StateGlyph } from '../glyph.js';
import { count } from '../words.js';
import type { Counts } from './counts.js';
import { Spark } from './spark.js';

const GROUP_TITLES = { on_the_way: 'On the way', registered: 'Registered', ended: 'Ended in the last 24 h' } as const;

interface Props {
  readonly states: readonly StateView[];
  readonly counts: Counts;
  readonly history: Readonly<Record<string, readonly number[]>>;
  readonly filters: Filters;
}

/** Counts by state and type, each with its last hour; each number filters the list. */
export const Matrix = memo(function Matrix({ states, counts, history, filters }: Props) {
  const groups = [...new Set(states.map(({ group }) => group))];
  const begins = (at: number): string => (at > 0 && states[at - 1]?.group !== states[at]?.group ? 'group-start' : '');
  return (
    <div className="card matrix-wrap no-phone" tabIndex={0} role="region" aria-label="Nodes by state and type">
      <table className="matrix">
        <caption className="sr">Nodes by state and type; each number filters the list</caption>
        <colgroup>
          <col className="types" />
          {states.map(({ name }) => (
            <col key={name} />
          ))}
        </colgroup>
        <thead>
          <tr className="caption">
            <td />
            {groups.map((group, at) => (
              <th
                key={group}
                scope="colgroup"
                colSpan={states.filter((state) => state.group === group).length}
                className={at > 0 ? 'group-start' : ''}
              >
                {GROUP_TITLES[group]}
              </th>
            ))}
          </tr>
          <tr>
            <td className="corner">the last hour</td>
            {states.map((state, at) => (
              <StateHead
                key={state.name}
                state={state}
                className={begins(at)}
                counts={counts}
                line={history[state.name] ?? []}
                filters={filters}
              />
            ))}
          </tr>
        </thead>
        <tbody>
          {counts.types.map((type) => (
            <tr key={type}>
              <th scope="row">
                <Link {...toggle(filters, { type })}>
                  <span>{type}</span>
                  <span className="num">{count(counts.current.get(type) ?? 0)}</span>
                </Link>
              </th>
              {states.map((state, at) => (
                <td key={state.name} className={`cell ${begins(at)}`}>
                  <Cell
                    state={state}
                    type={type}
                    value={counts.states.get(state.name)?.get(type) ?? 0}
                    filters={filters}
                  />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
});

function StateHead({
  state,
  className,
  counts,
  line,
  filters,
}: {
  state: StateView;
  className: string;
  counts: Counts;
  line: readonly number[];
  filters: Filters;
}) {
  const value = counts.states.get(state.name)?.get('') ?? 0;
  return (
    <th scope="col" className={`state-head tone-${state.tone} ${className}`}>
      <Link {...toggle(filters, stateFilter(state, ''))}>
        <span className="name">
          <StateGlyph view={state} size={13} />
          <span>{breakable(state.name)}</span>
        </span>
        <span className={`big num ${value === 0 ? 'zero' : ''}`}>{count(value)}</span>
        <Spark line={[...line, value]} />
      </Link>
    </th>
  );
}

function Cell({ state, type, value, filters }: { state: StateView; type: string; value: number; filters: Filters }) {
  if (value === 0) return <span className="none">–</span>;
  return (
    <Link
      className="num"
      {...toggle(filters, stateFilter(state, type))}
      aria-label={`${count(value)} ${type} in ${state.name}`}
    >
      {count(value)}
    </Link>
  );
}

/** The same numbers for a phone. */
export const Tiles = memo(function Tiles({ states, counts, filters }: Omit<Props, 'history'>) {
  const value = ({ name }: StateView): number => counts.states.get(name)?.get(filters.type) ?? 0;
  const shown = states.filter((state) => value(state) > 0);
  if (shown.length === 0) return null;
  return (
    <div className="card tiles only-phone">
      {shown.map((state) => (
        <Link key={state.name} {...toggle(filters, stateFilter(state, filters.type))} className={`tone-${state.tone}`}>
          <span className="name">
            <StateGlyph view={state} size={12} />
            <span>{breakable(state.name)}</span>
          </span>
          <b className="num">{count(value(state))}</b>
        </Link>
      ))}
    </div>
  );
});

/** Ended nodes are in a view of their own. */
function stateFilter(state: StateView, type: string): Partial<Filters> {
  return { state: state.name, type, view: state.group === 'ended' ? 'ended' : 'current' };
}

/** A number's link: to the nodes that it counts, whatever was filtered before; from there, to everybody. */
function toggle({ sort, ...others }: Filters, target: Partial<Filters>) {
  const counted = hrefOf({ ...NO_FILTERS, sort, ...target });
  const on = counted === hrefOf({ ...others, sort });
  return { href: on ? hrefOf({ ...NO_FILTERS, sort }) : counted, 'aria-current': on ? ('true' as const) : undefined };
}

/** A name that may be broken behind its "_". */
function breakable(name: string) {
  return name.split('_').map((part, at, parts) => (
    <Fragment key={part}>
      {part}
      {at < parts.length - 1 && (
        <>
          _<wbr />
        </>
      )}
    </Fragment>
  ));
}
