import type { ReactNode } from 'react';
import type { ContractView, StateView } from '../../../api/contract.js';
import type { NodeView } from '../../../api/node.js';
import { CopyButton } from '../copy-button.js';
import { Glyph, Icon, type GlyphShape, type GlyphTone } from '../glyph.js';
import { Ago } from '../time.js';
import { exact } from '../words.js';

interface Props {
  readonly view: NodeView;
  readonly contract: ContractView;
  readonly state: StateView | undefined;
  readonly start: number;
}

type Sign = readonly [GlyphShape, GlyphTone, string];

/** The attempt, and where it stands in each of the systems, with the way there. */
export function Strip({ view, contract, state, start }: Props) {
  const { run, facts, node } = view;
  const version = view.contract_version;
  return (
    <div className="card strip">
      <div>
        <div className="key">Registration attempt</div>
        <div className="value num">
          {view.attempt ?? '–'}
          <span className="dim">
            began <Ago at={start} full suffix=" ago" />
          </span>
        </div>
        <div className="small" title={exact(start)}>
          contract <span className="mono">{version ?? 'not known'}</span>
          {version !== null && version !== contract.version ? ', older than what is drawn' : ''}
        </div>
      </div>
      {Object.entries(contract.backends).map(([backend, title]) => (
        <System
          key={backend}
          title={title}
          sign={backend === 'postgres' ? rowSign(view) : backendSign(view, backend, state)}
          small={
            backend === 'postgres' && node !== null && facts !== null
              ? `attempt ${node.attempt}, reducer ${node.reducer}`
              : pendingWords(view, backend)
          }
          href={backend === 'consul' ? view.links.consul : null}
          query={backend === 'postgres' ? `select * from node_registrations where node_id = '${view.id}'` : undefined}
        />
      ))}
      <System
        title="Temporal"
        sign={
          run === null
            ? ['bar', 'left', 'No run']
            : run.open
              ? ['ok', 'active', 'Run open']
              : ['bar', 'left', `Run ${run.ended_as ?? 'ended'}`]
        }
        small={
          run === null ? (
            'kept no longer, or never begun'
          ) : (
            <>
              <span className="mono">{run.run_id.slice(0, 8)}…</span>, {run.events} events
            </>
          )
        }
        href={view.links.temporal}
      />
    </div>
  );
}

function System({
  title,
  sign: [shape, tone, words],
  small,
  href,
  query,
}: {
  title: string;
  sign: Sign;
  small: ReactNode;
  href: string | null;
  query?: string | undefined;
}) {
  return (
    <div>
      <div className="key">
        {title}
        {query !== undefined && <CopyButton text={query} label="Copy the query of its row" />}
        {href !== null && (
          <a href={href} target="_blank" rel="noreferrer" aria-label={`Open in ${title}’s page`}>
            open
            <Icon name="out" />
          </a>
        )}
      </div>
      <div className="value">
        <Glyph shape={shape} tone={tone} />
        {words}
      </div>
      <div className="small">{small}</div>
    </div>
  );
}

function rowSign({ node }: NodeView): Sign {
  if (node === null || !node.recorded) return ['warn', 'warn', 'No row yet'];
  return node.ended === null ? ['ok', 'active', 'Row written'] : ['bar', 'left', 'Row ended'];
}

function backendSign(view: NodeView, backend: string, state: StateView | undefined): Sign {
  if (view.pending.some((pending) => pending.backend === backend && pending.failure !== null))
    return ['warn', 'warn', 'Does not answer'];
  if (state?.group === 'ended') return ['bar', 'left', 'Not listed'];
  if (state?.tone === 'active') return ['ok', 'active', 'Passing'];
  if (state?.tone === 'draining') return ['down', 'draining', 'Out of discovery'];
  return view.confirmed[backend] === true
    ? ['ok', 'active', 'Registered, check critical']
    : ['ring', 'plain', 'Not registered yet'];
}

function pendingWords({ pending, node }: NodeView, backend: string): string {
  const one = pending.find((each) => each.backend === backend);
  if (one !== undefined) return `${one.activity}, try ${one.next_at === null ? one.attempt : one.attempt - 1}`;
  return node === null ? '' : `onex-${node.type}`;
}
