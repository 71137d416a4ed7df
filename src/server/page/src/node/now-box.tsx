import type { ContractView, StateView } from '../../../api/contract.js';
import type { NodeView } from '../../../api/node.js';
import { StateGlyph } from '../glyph.js';
import { store } from '../store.js';
import { Ago, Until } from '../time.js';
import { useFrame, useTimed } from '../use.js';
import { Whole } from '../whole.js';
import { clock } from '../words.js';

interface Props {
  readonly view: NodeView;
  readonly contract: ContractView;
  readonly state: StateView | undefined;
}

/** What the node waits for, whose words stand there, and how long it takes. */
export function NowBox(props: Props) {
  const { view, state, contract } = props;
  if (state?.group === 'ended') return <Ended {...props} />;
  if (state?.group === 'registered') return <Lease {...props} />;
  if (state?.tone === 'waiting' && state.shape === 'diamond') return <Acknowledgement {...props} />;
  const waiting = view.pending.find(({ failure }) => failure !== null) ?? view.pending[0];
  if (waiting === undefined)
    return (
      <>
        <h2>
          <StateGlyph view={state} />
          On its way
        </h2>
        <p>
          {view.no_answer === null ? 'Nothing is waited for.' : 'What it waits for is not known: no worker answers.'}
        </p>
      </>
    );
  const who = waiting.backend === null ? waiting.activity : (contract.backends[waiting.backend] ?? waiting.backend);
  const last = waiting.tries.at(-1) ?? view.now;
  return (
    <>
      <h2>
        <StateGlyph view={state} />
        Waits for {who}
      </h2>
      <p>
        {confirmedNames(view, contract, true) === '' ? '' : `${confirmedNames(view, contract, true)} has confirmed. `}
        {who} is tried again until it answers; nothing is lost.
      </p>
      {waiting.failure !== null && (
        <code>
          <Whole text={waiting.failure} />
        </code>
      )}
      <div className="meter-box">
        {waiting.next_at !== null && <Meter from={last} to={waiting.next_at} />}
        <div className="meter-labels">
          <span>
            try {waiting.next_at === null ? waiting.attempt : waiting.attempt - 1} of {waiting.limit ?? 'no limit'}
          </span>
          <span>
            {waiting.next_at === null ? (
              'a try is under way'
            ) : (
              <>
                next in{' '}
                <b>
                  <Until at={waiting.next_at} />
                </b>
              </>
            )}
          </span>
        </div>
      </div>
    </>
  );
}

/** Backends by name that have confirmed, or that have not. */
export function confirmedNames(view: NodeView, contract: ContractView, confirmed: boolean): string {
  return Object.entries(view.confirmed)
    .filter(([, is]) => is === confirmed)
    .map(([backend]) => contract.backends[backend] ?? backend)
    .join(' and ');
}

function Acknowledgement({ view, contract, state }: Props) {
  const seconds = contract.ack?.seconds ?? 30;
  const rounds = view.rounds ?? contract.ack?.rounds ?? null;
  const round = view.round ?? 1;
  return (
    <>
      <h2>
        <StateGlyph view={state} />
        Waits for the node
        {rounds !== null && (
          <span className="rounds" role="img" aria-label={`round ${round} of ${rounds}`}>
            {Array.from({ length: rounds }, (_, at) => (
              <i key={at} className={at < round ? 'on' : ''} />
            ))}
          </span>
        )}
      </h2>
      <p>
        The backends hold it. The node has to acknowledge with correlation_id{' '}
        <span className="mono">{view.facts?.correlation_id ?? 'of its introspection'}</span>.
      </p>
      {view.ack_deadline !== null && (
        <div className="meter-box">
          <Meter from={view.ack_deadline - seconds * 1_000} to={view.ack_deadline} />
          <div className="meter-labels">
            <span>
              round {round}
              {rounds === null ? '' : ` of ${rounds}`}, {seconds} s each
            </span>
            <span>
              until {clock(view.ack_deadline)}:{' '}
              <b>
                <Until at={view.ack_deadline} />
              </b>
            </span>
          </div>
        </div>
      )}
    </>
  );
}

function Lease({ view, contract, state }: Props) {
  const held = useFrame(() => store.isHeld);
  const away = useFrame(() => store.isRegistryAway);
  const lease = view.node?.lease ?? null;
  const beat = view.node?.beat ?? null;
  const silent = useTimed((now) => lease !== null && lease < now);
  if (lease === null || away) return <NoLease state={state} away={away} />;
  const from = beat ?? lease - contract.lease_seconds * 1_000;
  const expiry = held
    ? 'Self-preservation holds: it does not expire.'
    : 'It expires when the grace is over, unless a heartbeat arrives.';
  return (
    <>
      <h2>
        <StateGlyph view={state} />
        Lease
      </h2>
      <p>
        {silent
          ? `Silent since ${clock(from)}. ${expiry}`
          : `Renewed by each heartbeat, every ${contract.heartbeat_interval_seconds} s.`}
      </p>
      <div className="meter-box">
        <Meter
          from={from}
          to={lease + contract.grace_seconds * 1_000}
          empties
          grace={contract.grace_seconds * 1_000}
          tone={silent ? 'expired' : undefined}
        />
        <div className="meter-labels">
          <span>
            {beat === null ? (
              'no heartbeat yet'
            ) : (
              <>
                last heartbeat{' '}
                <b>
                  <Ago at={beat} full suffix=" ago" />
                </b>
              </>
            )}
          </span>
          <span>
            {silent ? (
              <>
                ran out{' '}
                <b>
                  <Ago at={lease} full suffix=" ago" />
                </b>
              </>
            ) : (
              <>
                runs out in{' '}
                <b>
                  <Until at={lease} />
                </b>
                , then {contract.grace_seconds} s of grace
              </>
            )}
          </span>
        </div>
      </div>
    </>
  );
}

function NoLease({ state, away }: { state: StateView | undefined; away: boolean }) {
  return (
    <>
      <h2>
        <StateGlyph view={state} />
        {away ? 'Lease' : 'No lease'}
      </h2>
      <p>
        {away
          ? 'Its lease cannot be read now, and nobody expires: the registry does not answer.'
          : 'The registry holds no open lease of this registration attempt.'}
      </p>
    </>
  );
}

function Ended({ view, state }: Props) {
  const at = view.node?.ended ?? view.now;
  const reason = view.node?.reason ?? null;
  return (
    <>
      <h2>
        <StateGlyph view={state} />
        <span>
          Ended <Ago at={at} full suffix=" ago" />
        </span>
      </h2>
      {view.ban === null ? (
        <p>
          The registration attempt is over, not the node. Its next startup begins attempt {(view.attempt ?? 0) + 1}
          {state?.tone === 'left' ? '.' : '; so does Retry, with its last introspection.'}
        </p>
      ) : (
        <p>The registration attempt is over. Another one is rejected while the ban lasts.</p>
      )}
      {reason !== null && (
        <code className="own">
          <Whole text={reason} />
        </code>
      )}
    </>
  );
}

interface MeterProps {
  readonly from: number;
  readonly to: number;
  readonly empties?: boolean;
  readonly grace?: number;
  readonly tone?: 'expired' | undefined;
}

/** A bar that fills, or empties, with the time. */
function Meter({ from, to, empties = false, grace = 0, tone }: MeterProps) {
  const share = useTimed(
    (now) => Math.round(Math.max(0, Math.min(1, (now - from) / Math.max(1, to - from))) * 500) / 500,
  );
  const width = empties ? 1 - share : share;
  return (
    <div className={`meter ${tone === undefined ? '' : `tone-${tone}`}`} aria-hidden="true">
      <i style={{ width: `${width * 100}%` }} />
      {grace > 0 && <span className="grace" style={{ width: `${(grace / Math.max(1, to - from)) * 100}%` }} />}
    </div>
  );
}
