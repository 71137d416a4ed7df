/** The fleet screen's state stands in its address. */
export interface Filters {
  readonly view: 'current' | 'ended' | 'all';
  readonly state: string;
  readonly type: string;
  readonly q: string;
  readonly look: string;
  /** A column, with "-" before it for the other way round; empty for those that need a look first. */
  readonly sort: string;
}

export const NO_FILTERS: Filters = { view: 'current', state: '', type: '', q: '', look: '', sort: '' };

export function readFilters(search: string): Filters {
  const query = new URLSearchParams(search);
  const view = query.get('view');
  return {
    view: view === 'ended' || view === 'all' ? view : 'current',
    state: query.get('state') ?? '',
    type: query.get('type') ?? '',
    q: query.get('q') ?? '',
    look: query.get('look') ?? '',
    sort: query.get('sort') ?? '',
  };
}

/** The address of the fleet screen with these filters; what is usual is left out. */
export function hrefOf(filters: Filters, change: Partial<Filters> = {}): string {
  const all = { ...filters, ...change };
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(all)) if (value !== '' && value !== 'current') query.set(key, value);
  const text = query.toString();
  return text === '' ? '/' : `/?${text}`;
}
