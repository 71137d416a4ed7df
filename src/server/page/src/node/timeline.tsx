import type { ContractView } from '../../../api/contract.js';
import type { NodeView, StepView } from '../../../api/node.js';
import { Glyph, type GlyphShape, type GlyphTone } from '../glyph.js';
import { store } from '../store.js';
import { useTimed } from '../use.js';
import { clock, offset } from '../words.js';
import { Scale, textWidth, ticksOf } from './scale.js';

interface Props {
  readonly view: Pick<NodeView, 'steps' | 'spans' | 'pending'>;
  readonly contract: ContractView;
  readonly start: number;
  /** When the attempt ended; null while it lasts. */
  readonly ended: number | null;
  /** The last heartbeat; null where it is not known. */
  readonly beat: number | null;
}

/** The registration attempt on lines: what the node said, its state, each backend, what was published. */
export function Timeline({ view, contract, start, ended, beat }: Props) {
  // A second is enough: nobody reads a moving line to the millisecond.
  const second = useTimed((now) => Math.floor(now / 1_000) * 1_000);
  const now = ended ?? Math.max(second, view.steps.at(-1)?.at ?? second);
  const scale = Scale.of(view, start, now);
  const marks = marksOf(view, beat);
  return (
    <div className="timeline" aria-hidden="true">
      <Lane title="node" marks={marks.get('node') ?? []} scale={scale} start={start} />
      <div className="lane">
        <span>state</span>
        <div className="track">
          {view.spans.map(({ state, from, to }) => {
            const left = scale.at(from);
            const width = scale.at(to ?? now) - left;
            // Words stand before the break of the axis, not across it.
            const broken = scale.break !== null && left < scale.break && left + width > scale.break;
            const room = broken ? (scale.break ?? 0) - left : width;
            const tone = store.state(state)?.tone ?? 'plain';
            return (
              <div
                key={`${state} ${from}`}
                className={`span tone-${tone} ${to === null ? 'open' : ''} ${width < 0.6 ? 'tiny' : ''}`}
                style={{ left: `${left}%`, width: `${Math.max(width, 0.35)}%` }}
                title={`${state}, ${offset((to ?? now) - from)}`}
              >
                {room * pixelsAPercent() > textWidth(state) + 12 ? state : ''}
              </div>
            );
          })}
        </div>
      </div>
      {Object.entries(contract.backends).map(([backend, title]) => (
        <Lane key={backend} title={title} marks={marks.get(backend) ?? []} scale={scale} start={start} dotted />
      ))}
      <Lane title="published" marks={marks.get('published') ?? []} scale={scale} start={start} />
      {scale.break !== null && (
        <div className="axis-break" style={{ left: `calc(84px + (100% - 84px) * ${scale.break / 100})` }} />
      )}
      {ended === null && (
        <div className="now-line" style={{ left: `calc(84px + (100% - 84px) * ${scale.at(now) / 100})` }}>
          <b>now</b>
        </div>
      )}
      <div className="axis">
        {ticksOf(scale, start, pixelsAPercent() * 100).map(({ at, text }) =>
          ended === null && Math.abs(scale.at(at) - scale.at(now)) < 5 ? null : (
            <span key={at} style={{ left: `${scale.at(at)}%` }}>
              {text}
            </span>
          ),
        )}
      </div>
    </div>
  );
}

interface TimeMark {
  readonly at: number;
  readonly shape: GlyphShape;
  readonly tone: GlyphTone;
  readonly title: string;
  readonly words: string;
}

function Lane({
  title,
  marks,
  scale,
  start,
  dotted = false,
}: {
  title: string;
  marks: readonly TimeMark[];
  scale: Scale;
  start: number;
  dotted?: boolean;
}) {
  return (
    <div className="lane">
      <span>{title}</span>
      <div className="track">
        {dotted &&
          marks.slice(1).map((mark, at) => {
            const before = marks[at];
            if (before === undefined || (before.shape !== 'cross' && mark.shape !== 'ring')) return null;
            const left = scale.at(before.at);
            return (
              <div
                key={mark.at}
                className="gap"
                style={{ left: `calc(${left}% + 8px)`, width: `max(0px, calc(${scale.at(mark.at) - left}% - 16px))` }}
              />
            );
          })}
        {marks.map((mark, at) => {
          const left = scale.at(mark.at);
          const broken = scale.break !== null && left < scale.break ? scale.break : 100;
          const room = Math.min(scale.at(marks[at + 1]?.at ?? Infinity), broken) - left;
          return (
            <span
              key={`${mark.at} ${mark.title}`}
              className="mark"
              style={{ left: `${left}%` }}
              title={`${mark.title} ${offset(mark.at - start)}`}
            >
              <Glyph shape={mark.shape} tone={mark.tone} />
              {room * pixelsAPercent() > textWidth(mark.words) + 24 && <i>{mark.words}</i>}
            </span>
          );
        })}
      </div>
    </div>
  );
}

function marksOf(view: Props['view'], beat: number | null): Map<string, TimeMark[]> {
  const lanes = new Map<string, TimeMark[]>();
  const add = (lane: string, mark: TimeMark): void => {
    const marks = lanes.get(lane);
    if (marks === undefined) lanes.set(lane, [mark]);
    else marks.push(mark);
  };
  for (const step of view.steps) {
    if (step.lane === null || step.lane === 'state') continue;
    add(step.lane, { at: step.at, ...signOf(step), title: step.text, words: shortWords(step) });
  }
  if (beat !== null)
    add('node', { at: beat, shape: 'point', tone: 'plain', title: 'last heartbeat', words: 'last heartbeat' });
  for (const pending of view.pending) {
    if (pending.backend === null) continue;
    const failed = pending.failure === null ? [] : pending.tries;
    for (const at of failed)
      add(pending.backend, {
        at,
        shape: 'cross',
        tone: 'expired',
        title: `${pending.activity}: ${pending.failure ?? ''}`,
        words: '',
      });
    if (pending.next_at !== null)
      add(pending.backend, { at: pending.next_at, shape: 'ring', tone: 'ink', title: 'next try', words: '' });
  }
  for (const marks of lanes.values()) marks.sort((a, b) => a.at - b.at);
  return lanes;
}

/** The sign of a step, in the timeline and in the list of steps. */
export function signOf({ kind, state }: StepView): { readonly shape: GlyphShape; readonly tone: GlyphTone } {
  switch (kind) {
    case 'node':
      return { shape: 'point', tone: 'ink' };
    case 'person':
      return { shape: 'person', tone: 'ink' };
    case 'state': {
      const view = state === null ? undefined : store.state(state);
      return view === undefined ? { shape: 'ring', tone: 'plain' } : { shape: view.shape, tone: view.tone };
    }
    case 'confirmed':
      return { shape: 'ok', tone: 'active' };
    case 'failed':
      return { shape: 'cross', tone: 'expired' };
    case 'timer':
      return { shape: 'hour', tone: 'timed-out' };
    default:
      return { shape: 'point', tone: 'plain' };
  }
}

function shortWords({ kind, text }: StepView): string {
  if (kind === 'published') return text.replace(/^Published /, '').replaceAll(/Node(Registration)?([A-Z])/g, '$2');
  return kind === 'node' ? 'introspection' : '';
}

export function stepClock(at: number, start: number, end: number): string {
  return clock(at, end - start < 3_600_000 || at - start < 1_000);
}

/** Words stand where there is room for them; the lines are as wide as the screen leaves them. */
function pixelsAPercent(): number {
  const wide = Math.min(window.innerWidth, 1_680);
  return (wide - 84 - (wide > 1_279 ? 440 : wide > 1_023 ? 404 : 70)) / 100;
}
