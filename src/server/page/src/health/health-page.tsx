import { useEffect, useState, type ReactNode } from 'react';
import { Link } from 'wouter';
import type {
  BackendHealth,
  Health,
  HealthFigure,
  SelfPreservation,
  StreamHealth,
  Verdict,
} from '../../../api/health.js';
import type { DeadLetterView } from '../../../api/node.js';
import { AskButton, type Question } from '../ask-dialog.js';
import { getJson } from '../get-json.js';
import { Glyph } from '../glyph.js';
import { ReplayLetter } from '../replay-letter.js';
import { Lasting, Until } from '../time.js';
import { Whole } from '../whole.js';
import { clock, count, counted, cut, exact, long } from '../words.js';

const EVERY_MS = 2_000;

export function HealthPage() {
  const [health, setHealth] = useState<Health | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  useEffect(() => {
    const over = new AbortController();
    const refresh = async (): Promise<void> => {
      if (document.hidden) return;
      const answer = await getJson<Health>('/api/health', over.signal);
      if (over.signal.aborted) return;
      if (answer.kind === 'ok') setHealth(answer.data);
      setFailure(answer.kind === 'ok' ? null : answer.words);
    };
    void refresh();
    const timer = setInterval(() => void refresh(), EVERY_MS);
    return () => {
      over.abort();
      clearInterval(timer);
    };
  }, []);
  if (health === null)
    return (
      <div className="head">
        <h1>Health</h1>
        <p>{failure === null ? '' : `The server of this page gave no answer: ${failure}. It is asked again.`}</p>
      </div>
    );
  return (
    <>
      <div className="verdict">
        <VerdictGlyph verdict={health.verdict} size={20} />
        <h1>{health.title}</h1>
        <p>{health.sentence}</p>
      </div>
      <div className="grid-two">
        <SelfPreservationCard state={health.self_preservation} />
        <Streams streams={health.streams} />
      </div>
      <div className="grid-four">
        {health.backends.map((backend) => (
          <BackendCard key={backend.name} backend={backend} now={health.now} />
        ))}
      </div>
      <div className="grid-four">
        {health.parts.map((part) => (
          <PartCard key={part.name} part={part} />
        ))}
      </div>
      <DeadLetters health={health} />
    </>
  );
}

function VerdictGlyph({ verdict, size = 14 }: { verdict: Verdict; size?: number }) {
  if (verdict === 'ok') return <Glyph shape="ok" tone="active" size={size} />;
  return verdict === 'look' ? (
    <Glyph shape="warn" tone="warn" size={size} />
  ) : (
    <Glyph shape="ring" tone="plain" size={size} />
  );
}

function Card({
  title,
  beside,
  verdict,
  children,
}: {
  title: string;
  beside: ReactNode;
  verdict: Verdict;
  children: ReactNode;
}) {
  return (
    <section className="card health-card" aria-label={title}>
      <h2>
        <VerdictGlyph verdict={verdict} />
        {title}
        <small>{beside}</small>
      </h2>
      {children}
    </section>
  );
}

function SelfPreservationCard({ state }: { state: SelfPreservation | null }) {
  if (state === null)
    return (
      <Card title="Self-preservation" beside="" verdict="unknown">
        <p>The registry has not been asked yet, or does not answer.</p>
      </Card>
    );
  const { held_since, held_until, share_now, share, floor, gone, of } = state;
  const held = held_since !== null;
  const percent = (value: number): string => `${(value * 100).toFixed(value > 0 && value < 0.01 ? 2 : 0)} %`;
  return (
    <Card title="Self-preservation" beside={held ? `holds since ${clock(held_since)}` : 'off'} verdict={state.verdict}>
      <div className={`gauge tone-${held ? 'warn' : 'plain'}`}>
        <i style={{ width: along(share_now) }} />
        <span className="limit" style={{ left: along(share) }} />
        <span className="above" style={{ left: along(share) }}>
          holds above <b className="num">{percent(share)}</b>
        </span>
        <span className="below" style={{ left: `min(${along(share_now)}, 100% - 72px)` }}>
          <b className="num">{percent(share_now)}</b> gone
        </span>
      </div>
      <p>
        <b className="num">{count(gone)}</b> of <b className="num">{count(of)}</b>{' '}
        {held
          ? 'leases look dead or have expired at once. Nobody expires, and discovery stays as it is:'
          : `leases look dead or have just expired. Above ${percent(share)} at once, expiry is held:`}{' '}
        that is more likely a network than a fleet.
        {of < floor ? ` It never holds in fleets below ${floor} nodes.` : ''}
      </p>
      <div className="todo">
        {held ? (
          <>
            <b>What to do.</b> Look at the network between nodes and Kafka. It lets go by itself when enough are back,
            at the latest in {held_until === null ? 'a while' : <Until at={held_until} />} of a moving stream. If they
            are gone for good, release it: <span className="mono">registrar self-preservation release</span>
            <AskButton question={releaseQuestion(gone)} label="Release…" small />
          </>
        ) : (
          `Held at most ${long(state.max_hold_seconds * 1_000)} of a moving stream.`
        )}
      </div>
    </Card>
  );
}

function releaseQuestion(gone: number): Question {
  return {
    title: 'Release self-preservation?',
    verb: 'Release',
    what: [
      `${counted(gone, 'node')} that are silent now expire within a lease duration, unless their heartbeats arrive.`,
      'They leave Consul, and others find them no more. It holds again at the next mass failure.',
    ],
    url: '/api/self-preservation/release',
    confirm: { label: `Type how many nodes may expire: ${gone}`, number: gone, field: 'nodes' },
  };
}

/** A share as a length of the gauge: style sheets know no space before the sign. */
function along(share: number): string {
  return `${Math.min(1, share) * 100}%`;
}

function Streams({ streams }: { streams: readonly StreamHealth[] }) {
  const worst: Verdict = streams.some(({ verdict }) => verdict === 'look')
    ? 'look'
    : streams.every(({ verdict }) => verdict === 'ok') && streams.length > 0
      ? 'ok'
      : 'unknown';
  const highest = Math.max(1_000, ...streams.flatMap(({ partitions }) => partitions));
  return (
    <Card title="Streams" beside="what the bridge reads" verdict={worst}>
      <div className="scroll" tabIndex={0} role="region" aria-label="Topics">
        <table className="table stacked streams" role="table">
          <thead role="rowgroup">
            <tr role="row">
              <th scope="col" role="columnheader">
                Topic
              </th>
              <th scope="col" role="columnheader" className="right">
                Lag, records
              </th>
              <th scope="col" role="columnheader" className="right">
                Watermark behind
              </th>
              <th scope="col" role="columnheader" className="right no-phone">
                By partition
              </th>
            </tr>
          </thead>
          <tbody role="rowgroup">
            {streams.map((stream) => (
              <tr key={stream.topic} role="row">
                <td role="cell" className="mono">
                  {stream.topic}
                </td>
                <td role="cell" data-label="Lag, records" className="right num">
                  {stream.lag === null ? 'not known' : count(stream.lag)}
                </td>
                <td
                  role="cell"
                  data-label="Watermark behind"
                  className={`right num ${stream.keeps_watermark ? '' : 'dim'}`}
                >
                  {!stream.keeps_watermark
                    ? 'none kept'
                    : stream.behind === null
                      ? 'none yet'
                      : `${(stream.behind / 1_000).toFixed(1)} s`}
                </td>
                <td role="cell" className="right no-phone">
                  {stream.partitions.length > 0 && (
                    <span
                      className={`partitions tone-${stream.verdict === 'look' ? 'warn' : 'plain'}`}
                      role="img"
                      aria-label={partitionWords(stream)}
                    >
                      {stream.partitions.slice(0, 24).map((behind, at) => (
                        <i key={at} style={{ height: `${2 + (behind / highest) * 16}px` }} />
                      ))}
                    </span>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <div className="todo">
        {worst === 'look' ? (
          <>
            <b>What to do.</b> {[...new Set(streams.flatMap(({ todo }) => todo ?? []))].join(' ')}
          </>
        ) : (
          <>
            Worth a look: a watermark more than 10 s behind, since silence proves nothing while a stream stands still,
            and more than 1,000 records that wait for five minutes without becoming fewer.
          </>
        )}
      </div>
    </Card>
  );
}

function partitionWords({ partitions, behind }: StreamHealth): string {
  return `${counted(partitions.length, 'partition')}, the slowest ${((behind ?? 0) / 1_000).toFixed(1)} s behind`;
}

function BackendCard({ backend, now }: { backend: BackendHealth; now: number }) {
  const { name, address, verdict, p50, p99, failing_since, failure, minutes, todo } = backend;
  const failed = minutes.filter((minute) => minute === 'failed').length;
  return (
    <Card title={name} beside={<span className="mono">{address}</span>} verdict={verdict}>
      <div className="figure num">
        {failing_since !== null ? (
          <>
            no answer{' '}
            <small>
              for <Lasting since={failing_since} />
            </small>
          </>
        ) : p50 === null ? (
          'not asked yet'
        ) : (
          <>
            {p50.toFixed(p50 < 10 ? 1 : 0)} ms <small>p50, {(p99 ?? p50).toFixed(0)} ms p99</small>
          </>
        )}
      </div>
      <div
        className="minutes"
        role="img"
        aria-label={`The last hour: ${failed === 0 ? 'no failed minute' : counted(failed, 'failed minute')}`}
      >
        {minutes.map((minute, at) => (
          <i key={at} className={minute ?? 'none'} />
        ))}
      </div>
      <div className="minutes-axis">
        <span>{clock(now - 3_600_000).slice(0, 5)}</span>
        <span>now</span>
      </div>
      {failure === null ? (
        <p className="small dim">
          {failed === 0
            ? 'No error since this server was started.'
            : `${counted(failed, 'minute')} with errors in the last hour.`}
        </p>
      ) : (
        <span className="words">
          <Whole text={failure} />
        </span>
      )}
      {todo !== null && (
        <div className="todo">
          <b>What to do.</b> {todo}
        </div>
      )}
    </Card>
  );
}

function PartCard({ part }: { part: HealthFigure }) {
  return (
    <Card title={part.name} beside={<span className="mono">{part.beside}</span>} verdict={part.verdict}>
      <div className="figure num">
        {part.figure} <small>{part.unit}</small>
      </div>
      <p>{part.sentence}</p>
      <div className="todo">
        {part.verdict === 'look' && <b>What to do. </b>}
        {part.todo}
      </div>
    </Card>
  );
}

function DeadLetters({ health }: { health: Health }) {
  const { dead_letters: letters, dead_letters_count: many, dead_letters_failure: failure } = health;
  const newest = many > letters.length ? `, the newest ${letters.length} of them` : '';
  return (
    <section className="card section" id="dead-letters" aria-label="Dead letters">
      <h2>
        <VerdictGlyph verdict={health.dead_letters_verdict} />
        Dead letters
        <span>
          {many === 0
            ? 'none in the last day'
            : `${count(many)} in the last day${newest}; what could not be understood, with its reason`}
        </span>
      </h2>
      {failure !== null && <p className="dim">They cannot be read now: {failure}</p>}
      {letters.length > 0 && (
        <>
          <div className="scroll" tabIndex={0} role="region" aria-label="List of dead letters">
            <table className="table stacked letters-table" role="table">
              <thead role="rowgroup">
                <tr role="row">
                  {['Time', 'Reason', 'Node', 'Read from', 'Its original'].map((head) => (
                    <th key={head} scope="col" role="columnheader">
                      {head}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody role="rowgroup">
                {letters.map((letter) => (
                  <LetterRow key={letter.id} letter={letter} />
                ))}
              </tbody>
            </table>
          </div>
          <p className="todo">
            <b>What to do.</b> The reason says what was wrong with the message: correct the sender; its next
            introspection counts. A record that was right all along is replayed:{' '}
            <span className="mono">registrar dlq replay &lt;id&gt;</span>
          </p>
        </>
      )}
    </section>
  );
}

/** On a phone its cells stand below each other: the roles keep the table a table there. */
function LetterRow({ letter }: { letter: DeadLetterView }) {
  const { at, reason, text, node_id, from } = letter;
  return (
    <tr role="row">
      <td role="cell" className="mono num" title={exact(at)}>
        {clock(at)}
      </td>
      <td role="cell">
        <details>
          <summary>{cut(reason)}</summary>
          {cut(reason) !== reason && <p>{reason}</p>}
          <pre className="words">{text === '' ? '(no bytes)' : text}</pre>
        </details>
      </td>
      <td role="cell" className="mono">
        {node_id === null ? (
          'not known'
        ) : (
          <Link className="underlined" href={`/nodes/${encodeURIComponent(node_id)}`}>
            {node_id}
          </Link>
        )}
      </td>
      <td role="cell" className="mono">
        {from}
      </td>
      <td role="cell">
        <ReplayLetter letter={letter} />
      </td>
    </tr>
  );
}
