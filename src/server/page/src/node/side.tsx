import { Link } from 'wouter';
import type { NodeView } from '../../../api/node.js';
import { Glyph, StateGlyph } from '../glyph.js';
import { ReplayLetter } from '../replay-letter.js';
import { store } from '../store.js';
import { Ago } from '../time.js';
import { Whole } from '../whole.js';
import { clock, exact } from '../words.js';

/** Facts of the node, its earlier attempts, its dead letters. */
export function Side({ view }: { view: NodeView }) {
  return (
    <aside className="side" aria-label="About the node">
      <NodeFacts view={view} />
      <Others view={view} />
      {view.node !== null && <EarlierAttempts view={view} />}
      <Acts view={view} />
      <Letters view={view} />
    </aside>
  );
}

function NodeFacts({ view: { node, facts, key } }: { view: NodeView }) {
  return (
    <section className="card section">
      <h2>Node</h2>
      {node === null ? (
        <p className="dim">The registry has no row of it.</p>
      ) : (
        <dl className="facts">
          <dt>Type</dt>
          <dd>{node.type}</dd>
          <dt>Version</dt>
          <dd>{node.version === '' ? 'not known yet' : node.version}</dd>
          {facts !== null && (
            <>
              <dt>Capabilities</dt>
              <dd>
                {facts.capabilities.length === 0 ? <span className="dim">none</span> : facts.capabilities.join(', ')}
              </dd>
              <dt>Endpoints</dt>
              <dd>
                {Object.entries(facts.endpoints).map(([name, url]) => (
                  <div key={name} className="mono">
                    {name} {url}
                  </div>
                ))}
                {Object.keys(facts.endpoints).length === 0 && <span className="dim">none</span>}
              </dd>
              <dt>Epoch</dt>
              <dd>{facts.epoch ?? <span className="dim">it keeps none</span>}</dd>
              <dt>Instance</dt>
              <dd className="mono">{facts.instance_id ?? <span className="dim">it does not say</span>}</dd>
              <dt>Correlation</dt>
              <dd className="mono">{facts.correlation_id}</dd>
            </>
          )}
          {key !== null && (
            <>
              <dt>Key</dt>
              <dd>
                <span className="mono">{key.thumbprint}</span> <span className="dim">by {key.bound_by}</span>
              </dd>
            </>
          )}
        </dl>
      )}
    </section>
  );
}

/** Other processes under the node's id; nothing where there is none, which is as it should be. */
function Others({ view: { others } }: { view: NodeView }) {
  if (others.length === 0) return null;
  return (
    <section className="card section">
      <h2>
        <Glyph shape="warn" tone="warn" />
        Another process has this id
      </h2>
      <p className="dim">
        The registered one counts; heartbeats of others do not. Stop one, or give it an id of its own.
      </p>
      <ul className="letters">
        {others.map(({ instance_id, registered, since, last_seen, lasts }) => (
          <li key={instance_id}>
            <span>
              {lasts ? 'process' : 'was process'} <span className="mono">{instance_id}</span>
            </span>
            <span className="dim">
              since {clock(since)}, last seen <Ago at={last_seen} full suffix=" ago" />
            </span>
            <span className="dim">
              registered: <span className="mono">{registered ?? 'a process that does not say who it is'}</span>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** What people asked for. Nothing where nobody did. */
function Acts({ view: { acts } }: { view: NodeView }) {
  if (acts.length === 0) return null;
  return (
    <section className="card section">
      <h2>
        Asked by people <span>{acts.length}</span>
      </h2>
      <ul className="letters">
        {acts.slice(0, 10).map(({ id, at, who, what, why, outcome, refused }) => (
          <li key={id}>
            <span>
              <time className="mono dim" dateTime={new Date(at).toISOString()} title={exact(at)}>
                {clock(at)}
              </time>{' '}
              <b>{who}</b> asked to {what}
            </span>
            {why !== null && (
              <span>
                <Whole text={why} />
              </span>
            )}
            <span className="dim">
              {outcome === null ? (
                'What became of it is not known.'
              ) : (
                <Whole text={`${refused ? 'Refused: ' : ''}${outcome}`} />
              )}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Those in the journal of its run, and the runs before it, which Temporal keeps for a while. */
function EarlierAttempts({ view }: { view: NodeView }) {
  const { earlier, links } = view;
  const runs = view.earlier_runs ?? [];
  const many = earlier.length + runs.length;
  return (
    <section className="card section">
      <h2>
        Earlier attempts <span>{many === 0 ? '' : many}</span>
      </h2>
      {many === 0 ? (
        <p className="dim">
          {(view.attempt ?? 1) <= 1
            ? 'This is the first.'
            : view.earlier_runs === null
              ? 'Kept in their runs in Temporal, which was not asked.'
              : 'Temporal has none of their runs any more.'}
        </p>
      ) : (
        <ol className="attempts">
          {earlier.map(({ attempt, state, ended }) => (
            <li key={attempt}>
              <span className="num dim">{attempt}</span>
              <StateGlyph view={state === null ? undefined : store.state(state)} />
              <span className="mono">{state ?? 'not known'}</span>
              <span className="dim">
                <Ago at={ended} />
              </span>
            </li>
          ))}
          {runs.map(({ run_id, state, began, ended, link }) => (
            <li key={run_id}>
              <span />
              <StateGlyph view={state === null ? undefined : store.state(state)} />
              <span className="mono" title={`run ${run_id}, from ${exact(began)} to ${exact(ended)}`}>
                <Link className="underlined" href={`/nodes/${encodeURIComponent(view.id)}/runs/${run_id}`}>
                  {state ?? 'not known'}
                </Link>
                {link !== null && (
                  <>
                    {' '}
                    <a
                      href={link}
                      target="_blank"
                      rel="noreferrer"
                      aria-label="Its run in Temporal"
                      title="Its run in Temporal"
                    >
                      ↗
                    </a>
                  </>
                )}
              </span>
              <span className="dim">
                <Ago at={ended} />
              </span>
            </li>
          ))}
        </ol>
      )}
      {links.runs !== null && (
        <p>
          <a className="underlined" href={links.runs} target="_blank" rel="noreferrer">
            All its runs in Temporal
          </a>
        </p>
      )}
    </section>
  );
}

function Letters({ view }: { view: NodeView }) {
  return (
    <section className="card section">
      <h2>
        Dead letters <span>last day</span>
      </h2>
      {view.dead_letters.length === 0 ? (
        <p className="dim">None name this node.</p>
      ) : (
        <ul className="letters">
          {view.dead_letters.map((letter) => (
            <li key={letter.id}>
              <time className="mono dim" dateTime={new Date(letter.at).toISOString()} title={exact(letter.at)}>
                {clock(letter.at)}
              </time>
              <span className="words">
                <Whole text={letter.reason} />
              </span>
              <span className="dim mono">{letter.from}</span>
              <ReplayLetter letter={letter} />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
