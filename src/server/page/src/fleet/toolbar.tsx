import { useEffect, useRef, useState } from 'react';
import { Link, useLocation } from 'wouter';
import type { StateView } from '../../../api/contract.js';
import { hrefOf, type Filters } from '../filters.js';
import { Icon } from '../glyph.js';
import { count, counted } from '../words.js';
import type { List } from './list-items.js';

interface Props {
  readonly filters: Filters;
  readonly views: List['views'];
  readonly types: readonly string[];
  readonly states: readonly StateView[];
  readonly found: number;
  /** The list begins with those that need a look. */
  readonly isGrouped: boolean;
}

const VIEWS = [
  ['current', 'Current'],
  ['ended', 'Ended in 24 h'],
  ['all', 'All'],
] as const;

export function Toolbar({ filters, views, types, states, found, isGrouped }: Props) {
  const [, navigate] = useLocation();
  return (
    <div className="bar">
      <nav className="segments" aria-label="Which nodes">
        {VIEWS.map(([view, label]) => (
          <Link
            key={view}
            href={hrefOf(filters, { view, state: '', look: '' })}
            aria-current={filters.view === view ? 'page' : undefined}
          >
            {label} <span className="num dim">{count(views[view])}</span>
          </Link>
        ))}
      </nav>
      <Search filters={filters} />
      <Pick
        label="Type"
        any="Any type"
        value={filters.type}
        options={types}
        onPick={(type) => navigate(hrefOf(filters, { type }))}
      />
      <Pick
        label="State"
        any="Any state"
        value={filters.state}
        options={states.map(({ name }) => name)}
        onPick={(state) => {
          const ended = states.find(({ name }) => name === state)?.group === 'ended';
          navigate(hrefOf(filters, { state, ...(ended && filters.view === 'current' ? { view: 'ended' } : {}) }));
        }}
      />
      <span className="found num" role="status">
        {counted(found, 'node')}
        <span className="no-phone">{isGrouped ? ', those that need a look first' : ''}</span>
      </span>
    </div>
  );
}

/** Typing replaces the history's entry: Back leaves the search, not its last letter. */
function Search({ filters }: { filters: Filters }) {
  const [, navigate] = useLocation();
  const [text, setText] = useState(filters.q);
  const asked = useRef(filters.q);
  useEffect(() => {
    // The address was changed by somebody else: Back, or a link that clears the filters.
    if (filters.q !== asked.current) setText((asked.current = filters.q));
  }, [filters.q]);
  const search = (q: string): void => {
    setText(q);
    asked.current = q;
    navigate(hrefOf(filters, { q }), { replace: true });
  };
  return (
    <label className="search">
      <span className="sr">Search</span>
      <Icon name="search" />
      <input
        id="search"
        type="search"
        autoComplete="off"
        spellCheck={false}
        placeholder="Search id, type, version, reason"
        value={text}
        onChange={(event) => search(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Escape') return;
          search('');
          event.currentTarget.blur();
        }}
      />
      <kbd aria-hidden="true">/</kbd>
    </label>
  );
}

interface PickProps {
  readonly label: string;
  readonly any: string;
  readonly value: string;
  readonly options: readonly string[];
  readonly onPick: (value: string) => void;
}

function Pick({ label, any, value, options, onPick }: PickProps) {
  return (
    <span className="pick">
      <select aria-label={label} value={value} onChange={(event) => onPick(event.target.value)}>
        <option value="">{any}</option>
        {options.map((option) => (
          <option key={option}>{option}</option>
        ))}
      </select>
      <Icon name="down" />
    </span>
  );
}
