import { useEffect, useMemo, useState } from 'react';
import { Link, useSearchParams } from 'wouter';
import type { Activity, Act, Unasked } from '../../../api/activity.js';
import type { FleetNode } from '../../../api/fleet.js';
import { getJson } from '../get-json.js';
import { Glyph, StateGlyph } from '../glyph.js';
import { store } from '../store.js';
import { useFleetVersion } from '../use.js';
import { Whole } from '../whole.js';
import { clock, counted, cut, exact } from '../words.js';

const EVERY_MS = 3_000;
const DAY = 86_400_000;
const SHOWN = 200;
const NOTHING: Activity = { acts: [], unasked: [] };

type Event =
  | { readonly kind: 'person'; readonly at: number; readonly act: Act }
  | { readonly kind: 'registrar'; readonly at: number; readonly unasked: Unasked }
  | { readonly kind: 'ended'; readonly at: number; readonly node: FleetNode };

/** What people did, what the registrar did without being asked, and which nodes ended without leaving. */
export function ActivityPage() {
  const [activity, setActivity] = useState<Activity | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const [search] = useSearchParams();
  const onlyPeople = search.get('by') === 'people';
  useEffect(() => {
    const over = new AbortController();
    const refresh = async (): Promise<void> => {
      if (document.hidden) return;
      const answer = await getJson<Activity>('/api/activity', over.signal);
      if (over.signal.aborted) return;
      if (answer.kind === 'ok') setActivity(answer.data);
      setFailure(answer.kind === 'ok' ? null : answer.words);
    };
    void refresh();
    const timer = setInterval(() => void refresh(), EVERY_MS);
    return () => {
      over.abort();
      clearInterval(timer);
    };
  }, []);
  const version = useFleetVersion();
  const ended = useMemo(endedNodes, [version]);
  const { acts, unasked } = activity ?? NOTHING;
  const events = onlyPeople ? eventsOf({ acts, unasked: [] }, []) : eventsOf({ acts, unasked }, ended);
  return (
    <>
      <div className="head">
        <h1>Activity</h1>
        <p>What people did, and what the registrar did without being asked. Ordinary registrations are not listed.</p>
        <nav className="segments" aria-label="Whose doing">
          <Link href="/activity" aria-current={onlyPeople ? undefined : 'page'}>
            Everything
          </Link>
          <Link href="/activity?by=people" aria-current={onlyPeople ? 'page' : undefined}>
            By people
          </Link>
        </nav>
      </div>
      {failure !== null && <p className="note">What people did cannot be read now: {failure}. It is asked again.</p>}
      {(activity !== null || failure !== null) && <Events events={events} onlyPeople={onlyPeople} />}
    </>
  );
}

function endedNodes(): readonly FleetNode[] {
  const from = store.now() - DAY;
  return [...store.nodes()].filter(
    ({ ended, state }) => ended !== null && ended > from && store.state(state)?.tone !== 'left',
  );
}

function eventsOf({ acts, unasked }: Activity, ended: readonly FleetNode[]): readonly Event[] {
  const events: Event[] = [
    ...acts.map((act) => ({ kind: 'person', at: act.at, act }) as const),
    ...unasked.map((one) => ({ kind: 'registrar', at: one.at, unasked: one }) as const),
    ...ended.map((node) => ({ kind: 'ended', at: node.ended ?? 0, node }) as const),
  ];
  return events.sort((a, b) => b.at - a.at);
}

function Events({ events, onlyPeople }: { events: readonly Event[]; onlyPeople: boolean }) {
  if (events.length === 0)
    return (
      <div className="card">
        <div className="empty">
          <h2>Nothing has happened</h2>
          <p>
            {onlyPeople
              ? 'Nobody has asked for anything so far, here or in a terminal.'
              : 'Nobody has acted, nothing had to be mended, and in the last day no node ended but by leaving.'}
          </p>
        </div>
      </div>
    );
  const shown = events.slice(0, SHOWN);
  const days = [...new Set(shown.map(({ at }) => dayOf(at)))];
  return (
    <section className="card activity" aria-label="What happened">
      {days.map((day) => (
        <div key={day}>
          <h2 className="day">{day}</h2>
          <ol>
            {shown
              .filter(({ at }) => dayOf(at) === day)
              .map((event) => {
                switch (event.kind) {
                  case 'person':
                    return <ActLine key={`act ${event.act.id}`} act={event.act} />;
                  case 'registrar':
                    return <UnaskedLine key={`unasked ${event.unasked.id}`} unasked={event.unasked} />;
                  case 'ended':
                    return <EndedLine key={`${event.node.id} ${event.at}`} node={event.node} at={event.at} />;
                }
              })}
          </ol>
        </div>
      ))}
      {events.length > SHOWN && <p className="todo">{counted(events.length - SHOWN, 'older event')} not shown.</p>}
    </section>
  );
}

function dayOf(at: number): string {
  const day = new Date(at).toDateString();
  return day === new Date(store.now()).toDateString() ? 'Today' : day;
}

function ActLine({ act }: { act: Act }) {
  const { at, who, why, what, node_id, outcome, refused } = act;
  return (
    <li>
      <When at={at} />
      <Glyph shape="person" tone="ink" />
      <NodeLink id={node_id} />
      <span className="happened">
        <b>{what}</b>
        {why !== null && (
          <>
            : <Whole text={why} />
          </>
        )}
        <span className="dim">
          {' '}
          {outcome === null ? (
            'What became of it is not known.'
          ) : (
            <Whole text={`${refused ? 'Refused: ' : ''}${outcome}`} />
          )}
        </span>
      </span>
      <span className="by">{who}</span>
    </li>
  );
}

function UnaskedLine({ unasked: { at, part, node_id, what } }: { unasked: Unasked }) {
  return (
    <li>
      <When at={at} />
      <Glyph shape={part === 'reconciler' ? 'ok' : 'warn'} tone={part === 'reconciler' ? 'active' : 'warn'} />
      <NodeLink id={node_id} />
      <span className="happened">
        <Whole text={what} />
      </span>
      <span className="by dim">{part}</span>
    </li>
  );
}

function EndedLine({ node, at }: { node: FleetNode; at: number }) {
  return (
    <li>
      <When at={at} />
      <StateGlyph view={store.state(node.state)} />
      <NodeLink id={node.id} />
      <span className="happened">
        <span className="mono">{node.state}</span>
        {node.reason !== null && <span className="dim"> {cut(node.reason)}</span>}
      </span>
      <span className="by dim">registrar</span>
    </li>
  );
}

function When({ at }: { at: number }) {
  return (
    <time className="mono num" dateTime={new Date(at).toISOString()} title={exact(at)}>
      {clock(at)}
    </time>
  );
}

function NodeLink({ id }: { id: string | null }) {
  if (id === null) return <span className="dim">the registrar</span>;
  return (
    <Link className="mono id" href={`/nodes/${encodeURIComponent(id)}`}>
      {id}
    </Link>
  );
}
