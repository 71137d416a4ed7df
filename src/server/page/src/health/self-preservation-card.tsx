import type { SelfPreservation } from '../../../api/health.js';
import { AskButton, type Question } from '../ask-dialog.js';
import { Until } from '../time.js';
import { clock, count, counted, long } from '../words.js';
import { Card } from './card.js';

export function SelfPreservationCard({ state }: { state: SelfPreservation | null }) {
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
