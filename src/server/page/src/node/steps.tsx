import type { ContractView } from '../../../api/contract.js';
import type { NodeView, PendingTry, StepView } from '../../../api/node.js';
import { Glyph } from '../glyph.js';
import { Until } from '../time.js';
import { Whole } from '../whole.js';
import { exact, offset } from '../words.js';
import { signOf, stepClock } from './timeline.js';

interface Props {
  readonly view: Pick<NodeView, 'steps' | 'pending'>;
  readonly contract: ContractView;
  readonly start: number;
}

/** The same as the timeline, in words. */
export function Steps({ view, contract, start }: Props) {
  const end = view.steps.at(-1)?.at ?? start;
  const failing = view.pending.filter(({ failure }) => failure !== null);
  return (
    <ol className="steps">
      {view.steps.map((step, at) => (
        <Line key={`${step.at} ${at}`} step={step} start={start} end={end} />
      ))}
      {failing.map((pending) => (
        <Failing key={pending.activity} pending={pending} contract={contract} start={start} />
      ))}
      {view.pending.map(
        (pending) =>
          pending.next_at !== null && (
            <li key={`next ${pending.activity}`} className="step-next tone-working">
              <span className="offset num">
                in <Until at={pending.next_at} />
              </span>
              <Glyph shape="ring" tone="ink" />
              <div className="soft">
                Next try of {pending.activity}, try {pending.attempt}
              </div>
              <span />
            </li>
          ),
      )}
    </ol>
  );
}

function Line({ step, start, end }: { step: StepView; start: number; end: number }) {
  const { shape, tone } = signOf(step);
  return (
    <li>
      <span className="offset">{offset(step.at - start)}</span>
      <Glyph shape={shape} tone={tone} />
      <div>
        {step.kind === 'state' ? <b>{step.text}</b> : step.text}
        {step.detail !== null && (
          <span className="dim">
            {' '}
            <Whole text={step.detail} />
          </span>
        )}
        {step.words !== null && (
          <span className="words">
            <Whole text={step.words} />
          </span>
        )}
      </div>
      <time dateTime={new Date(step.at).toISOString()} title={exact(step.at)}>
        {stepClock(step.at, start, end)}
      </time>
    </li>
  );
}

function Failing({ pending, contract, start }: { pending: PendingTry; contract: ContractView; start: number }) {
  const { tries, failure, backend, activity } = pending;
  const who = backend === null ? activity : (contract.backends[backend] ?? backend);
  const last = tries.at(-1) ?? start;
  const some = tries.slice(-10).map((at) => offset(at - start));
  return (
    <li>
      <span className="offset">{offset(last - start)}</span>
      <Glyph shape="cross" tone="expired" />
      <div>
        {who} has not confirmed: {tries.length} {tries.length === 1 ? 'try' : 'tries'}
        <span
          className="dim"
          title="Temporal keeps the time of the last try; those before it are computed from the retry policy"
        >
          {' '}
          {tries.length > 1 ? `about at ${some.join(', ')}` : ''}
        </span>
        {failure !== null && (
          <span className="words">
            <Whole text={failure} />
          </span>
        )}
      </div>
      <time dateTime={new Date(last).toISOString()} title={exact(last)}>
        {stepClock(last, start, last)}
      </time>
    </li>
  );
}
