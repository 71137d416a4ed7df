import { useEffect, useState } from 'react';
import { Link } from 'wouter';
import type { ContractView } from '../../../api/contract.js';
import type { EarlierRunView } from '../../../api/node.js';
import { getJson } from '../get-json.js';
import { StateGlyph } from '../glyph.js';
import { store } from '../store.js';
import { Ago } from '../time.js';
import { useFrame } from '../use.js';
import { Whole } from '../whole.js';
import { Machines } from './machines.js';
import { Steps } from './steps.js';
import { Timeline } from './timeline.js';

/** A registration attempt that has ended, as its run has it. */
export function EarlierRunPage({ id, run }: { id: string; run: string }) {
  const hello = useFrame(() => store.hello);
  const [view, setView] = useState<EarlierRunView | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  useEffect(() => {
    const over = new AbortController();
    const read = async (): Promise<void> => {
      const answer = await getJson<EarlierRunView>(`/api/nodes/${encodeURIComponent(id)}/runs/${run}`, over.signal);
      if (over.signal.aborted) return;
      if (answer.kind === 'ok') setView(answer.data);
      setFailure(answer.kind === 'ok' ? answer.data.no_answer : answer.words);
    };
    void read();
    return () => over.abort();
  }, [id, run]);
  const attempt = view?.attempt ?? null;
  return (
    <>
      <nav className="crumb" aria-label="Where this is">
        <Link href="/">Fleet</Link>
        <span aria-hidden="true">/</span>
        <Link href={`/nodes/${encodeURIComponent(id)}`}>{id}</Link>
      </nav>
      <div className="node-head">
        <div className="who">
          <h1 className="node-id">
            {id} <span className="soft">{attempt === null ? 'an earlier attempt' : `attempt ${attempt}`}</span>
          </h1>
          {view !== null && view.state !== null && <Ending view={view} />}
        </div>
      </div>
      {failure !== null && (
        <div className="card">
          <div className="empty">
            <h2>This run could not be read</h2>
            <p>A run that has ended is asked like an open one: Temporal must still have it, and a worker must run.</p>
            <span className="words">{failure}</span>
          </div>
        </div>
      )}
      {view !== null && hello !== null && view.steps.length > 0 && <Ended view={view} contract={hello.contract} />}
    </>
  );
}

function Ended({ view, contract }: { view: EarlierRunView; contract: ContractView }) {
  const state = view.state === null ? undefined : store.state(view.state);
  const start = view.steps[0]?.at ?? 0;
  const shown = { ...view, pending: [] };
  return (
    <>
      <Machines
        view={view}
        contract={contract}
        start={start}
        tone={state?.tone ?? 'plain'}
        reducerTone={view.reducer.edges.length === 0 ? 'plain' : 'active'}
      />
      <section className="card section">
        <h2>
          Registration attempt {view.attempt ?? ''} <span>ended; times from the introduction</span>
        </h2>
        <Timeline
          view={shown}
          contract={contract}
          start={start}
          ended={view.ended ?? view.steps.at(-1)?.at ?? start}
          beat={null}
        />
        <Steps view={shown} contract={contract} start={start} />
      </section>
    </>
  );
}

/** How it ended, why and when. */
function Ending({ view }: { view: EarlierRunView }) {
  const state = view.state === null ? undefined : store.state(view.state);
  return (
    <p className="say">
      <StateGlyph view={state} size={18} />
      <span>
        <b>{view.state ?? 'state not known'}</b>{' '}
        <span className="soft">{view.reason === null ? 'it ended' : <Whole text={view.reason} />}.</span>{' '}
        {view.ended !== null && (
          <span className="soft">
            <Ago at={view.ended} full suffix=" ago" />.
          </span>
        )}
      </span>
    </p>
  );
}
