import { useEffect, useState } from 'react';
import { Link, useLocation } from 'wouter';
import type { ContractView, StateView } from '../../../api/contract.js';
import type { Hello } from '../../../api/fleet.js';
import type { NodeView } from '../../../api/node.js';
import { CopyButton } from '../copy-button.js';
import { Icon, StateGlyph, type GlyphTone } from '../glyph.js';
import { onKey } from '../keyboard.js';
import { NO_FILTERS, type Filters } from '../filters.js';
import { lastList } from '../fleet/last-list.js';
import { idsOf, listOf } from '../fleet/list-items.js';
import { store } from '../store.js';
import { Ago } from '../time.js';
import { useFrame } from '../use.js';
import { cut } from '../words.js';
import { ActionButtons } from './actions.js';
import { isRegistering } from './is-registering.js';
import { Machines } from './machines.js';
import { confirmedNames, NowBox } from './now-box.js';
import { Notices } from './notices.js';
import { Side } from './side.js';
import { Steps } from './steps.js';
import { Strip } from './strip.js';
import { Timeline } from './timeline.js';
import { useNode } from './use-node.js';

export function NodeDetailPage({ id }: { id: string }) {
  const { answer, again } = useNode(id);
  const hello = useFrame(() => store.hello);
  if (hello === null || answer.kind === 'asking')
    return (
      <>
        <Crumb id={id} type={null} />
        <Title id={id} />
        <Asking />
      </>
    );
  if (answer.kind === 'known') return <KnownNode view={answer.view} hello={hello} again={again} />;
  return (
    <>
      <Crumb id={id} type={null} />
      <Title id={id} />
      <div className="card">
        <div className="empty">
          {answer.kind === 'unknown' ? (
            <>
              <h2>No node by this id is known</h2>
              <p>
                Looked for a run in Temporal, a row, a ban and a key in the registry, and dead letters of the last day.
                A node introduces itself on <span className="mono">{hello.contract.introspection_topic}</span>; what
                cannot be understood there becomes a dead letter.
              </p>
            </>
          ) : (
            <>
              <h2>This node could not be read</h2>
              <p>It is asked for again each second.</p>
              <span className="words">{answer.words}</span>
            </>
          )}
        </div>
      </div>
    </>
  );
}

function KnownNode({ view, hello, again }: { view: NodeView; hello: Hello; again: () => void }) {
  const state = view.state === null ? undefined : store.state(view.state);
  return (
    <>
      <Crumb id={view.id} type={view.node?.type ?? null} />
      <div className={`node-head tone-${state?.tone ?? 'plain'}`}>
        <div className="who">
          <Title id={view.id} />
          <Say view={view} state={state} contract={hello.contract} />
        </div>
        <ActionButtons view={view} state={state} allowed={hello.actions_allowed} done={again} />
      </div>
      {[
        ...view.unasked,
        ...(view.no_answer === null
          ? []
          : [`Its run gave no answer (${view.no_answer}): does a worker run? The row and the lease are shown.`]),
      ].map((words) => (
        <p key={words} className="note">
          {words}
        </p>
      ))}
      <Notices view={view} />
      {isRegistering(view) ? <Registering view={view} contract={hello.contract} state={state} /> : <Side view={view} />}
    </>
  );
}

interface RegisteringProps {
  readonly view: NodeView;
  readonly contract: ContractView;
  readonly state: StateView | undefined;
}

/** Its registration attempt: where it stands, how it came there, and what is known beside it. */
function Registering({ view, contract, state }: RegisteringProps) {
  const start = view.steps[0]?.at ?? view.facts?.introspected_at ?? view.node?.since ?? view.now;
  return (
    <>
      <Strip view={view} contract={contract} state={state} start={start} />
      <Machines
        view={view}
        contract={contract}
        start={start}
        tone={state?.tone ?? 'plain'}
        reducerTone={reducerTone(view)}
      >
        <NowBox view={view} contract={contract} state={state} />
      </Machines>
      <div className="split">
        <section className="card section">
          <h2>
            Registration attempt {view.attempt ?? ''}{' '}
            <span>{state?.group === 'ended' ? 'ended' : 'live'}; times from the introduction</span>
          </h2>
          {view.steps.length === 0 && view.spans.length === 0 ? (
            <p className="dim">Its steps are kept by its run, which cannot be asked any more.</p>
          ) : (
            <>
              <Timeline
                view={view}
                contract={contract}
                start={start}
                ended={view.node?.ended ?? null}
                beat={view.node?.beat ?? null}
              />
              <Steps view={view} contract={contract} start={start} />
            </>
          )}
        </section>
        <Side view={view} />
      </div>
    </>
  );
}

/** Nothing for a moment; then what is waited for. */
function Asking() {
  const [slow, setSlow] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setSlow(true), 150);
    return () => clearTimeout(timer);
  }, []);
  if (!slow) return null;
  return (
    <>
      <p className="say soft">Asking its run, the registry and the dead letters…</p>
      <div className="card skeleton-matrix" aria-busy="true">
        {Array.from({ length: 6 }, (_, at) => (
          <div key={at} className="skeleton" />
        ))}
      </div>
    </>
  );
}

/** The reducer is about the backends: it has a colour of its own. */
function reducerTone({ reducer, confirmed }: NodeView): GlyphTone {
  if (reducer.next.length > 0) return 'working';
  if (Object.values(confirmed).every((is) => is)) return 'active';
  return reducer.edges.length === 0 ? 'plain' : 'rejected';
}

function Title({ id }: { id: string }) {
  return (
    <h1 className="node-id">
      {id}
      <CopyButton text={id} label="Copy the id" />
    </h1>
  );
}

function Say({ view, state, contract }: RegisteringProps) {
  const since = view.node?.since ?? null;
  const absolute = useFrame(() => store.hasAbsoluteTimes);
  const ended = state?.group === 'ended';
  if (!isRegistering(view))
    return (
      <p className="say soft">
        No registration of it is known: Temporal has no run of it, and the registry no row. What is known stands below.
      </p>
    );
  return (
    <p className="say">
      <StateGlyph view={state} size={18} />
      <span>
        <b>{view.state ?? 'state not known'}</b> <span className="soft">{sentence(view, state, contract)}.</span>{' '}
        {since !== null && (
          <span className="soft">
            {ended ? '' : absolute ? 'Since ' : 'For '}
            <Ago at={since} full suffix={ended ? ' ago' : ''} />.
          </span>
        )}
      </span>
    </p>
  );
}

function sentence(view: NodeView, state: StateView | undefined, contract: ContractView): string {
  if (state?.group === 'ended') return cut(view.node?.reason ?? 'the registration attempt ended');
  if (state?.group === 'registered') {
    if (view.node?.look === 'silent') return 'but silent: its lease has run out';
    return state.tone === 'active' ? 'and discoverable' : 'out of discovery, still registered and alive';
  }
  if (state?.tone === 'waiting' && state.shape === 'diamond') {
    const rounds = view.rounds ?? contract.ack?.rounds ?? null;
    return `waits for the node’s acknowledgement, round ${view.round ?? 1}${rounds === null ? '' : ` of ${rounds}`}`;
  }
  const missing = confirmedNames(view, contract, false);
  const confirmed = confirmedNames(view, contract, true);
  if (missing === '') return 'on its way';
  return `waits for ${missing}${confirmed === '' ? '' : `; ${confirmed} has confirmed`}`;
}

function Crumb({ id, type }: { id: string; type: string | null }) {
  const [, navigate] = useLocation();
  const go = (step: number): void => {
    const idsIn = (filters: Filters): string[] => idsOf(listOf(store, filters, store.registryNow()).items);
    const last = idsIn(lastList.filters);
    const ids = last.includes(id) ? last : idsIn(NO_FILTERS);
    const next = ids[ids.indexOf(id) + step];
    if (next !== undefined) navigate(`/nodes/${encodeURIComponent(next)}`);
  };
  useEffect(() =>
    onKey((key) => {
      if (key !== '[' && key !== ']') return false;
      go(key === ']' ? 1 : -1);
      return true;
    }),
  );
  return (
    <nav className="crumb" aria-label="Where this is">
      <Link href="/">Fleet</Link>
      {type !== null && (
        <>
          <span aria-hidden="true">/</span>
          <Link href={`/?type=${encodeURIComponent(type)}`}>{type}</Link>
        </>
      )}
      <span className="neighbours">
        <button
          type="button"
          className="icon-button"
          aria-label="Previous in the list"
          title="Previous in the list ( [ )"
          onClick={() => go(-1)}
        >
          <Icon name="up" />
        </button>
        <button
          type="button"
          className="icon-button"
          aria-label="Next in the list"
          title="Next in the list ( ] )"
          onClick={() => go(1)}
        >
          <Icon name="down" />
        </button>
      </span>
    </nav>
  );
}
