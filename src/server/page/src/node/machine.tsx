import { useId } from 'react';
import type { DrawnBox, DrawnEdge, Drawing } from '../../../api/contract.js';
import type { PathTaken } from '../../../api/node.js';
import type { GlyphTone } from '../glyph.js';
import { offset } from '../words.js';

/** From line to line of words. */
const LINE = 13;

interface Props {
  readonly title: string;
  readonly drawing: Drawing;
  readonly path: PathTaken;
  /** When the attempt began; null when that is not known. */
  readonly start: number | null;
  readonly tone: GlyphTone;
}

type Mark = 'taken' | 'next' | '';

/** A state machine as the contract has it: the way taken in ink, the state lit, what may come next dashed. */
export function MachineFigure({ title, drawing, path, start, tone }: Props) {
  const id = useId();
  const shown = drawing.edges
    .filter((edge) => !edge.only_when_taken || markOf(edge, path) === 'taken')
    .map((edge) => ({ edge, mark: markOf(edge, path) }))
    .sort((a, b) => rank(a.mark) - rank(b.mark));
  const head = (mark: Mark): string => `url(#${id}-${mark === '' ? 'plain' : mark})`;
  return (
    <svg
      className={`machine tone-${tone}`}
      viewBox={`0 0 ${drawing.width} ${drawing.height}`}
      style={{ maxWidth: drawing.width }}
      role="img"
      aria-label={`${title}: ${inWords(path, start)}`}
    >
      <defs>
        {(['plain', 'taken', 'next'] as const).map((mark) => (
          <marker
            key={mark}
            id={`${id}-${mark}`}
            viewBox="0 0 8 8"
            refX="2"
            refY="4"
            markerWidth={mark === 'taken' ? 4.2 : 5.4}
            markerHeight={mark === 'taken' ? 4.2 : 5.4}
            orient="auto"
          >
            <path className={`head ${mark}`} d="M0 0 8 4 0 8z" />
          </marker>
        ))}
      </defs>
      <circle className="head taken" cx={drawing.start.x} cy={drawing.start.y} r="4.5" />
      <path className="edge taken" d={drawing.start.path} markerEnd={head('taken')} />
      {shown.map(({ edge, mark }) => (
        <path
          key={`${edge.from} ${edge.to} ${edge.triggers.join()}`}
          className={`edge ${mark}`}
          d={edge.path}
          markerEnd={head(mark)}
        />
      ))}
      {shown.map(({ edge, mark }) =>
        edge.label === null ? null : (
          <text
            key={`${edge.from} ${edge.to} ${edge.triggers.join()}`}
            className={`label ${mark}`}
            x={edge.label.x}
            y={edge.label.y}
            textAnchor={edge.label.anchor}
          >
            {edge.label.text}
          </text>
        ),
      )}
      {drawing.boxes.map((box) => (
        <Box key={box.name} box={box} here={path.here === box.name} at={path.seen[box.name]} start={start} />
      ))}
      {drawing.note !== null && <Note note={drawing.note} />}
    </svg>
  );
}

function Note({ note: { lines, x, y, anchor } }: { note: NonNullable<Drawing['note']> }) {
  return lines.map((line, at) => (
    <text key={line} className="label" x={x} y={y + at * LINE} textAnchor={anchor}>
      {line}
    </text>
  ));
}

function Box({ box, here, at, start }: { box: DrawnBox; here: boolean; at: number | undefined; start: number | null }) {
  const { x, y, width, height } = box;
  const time = at === undefined || start === null || at < start ? null : offset(at - start);
  const middle = y + height / 2 + 4;
  return (
    <g className={here ? 'here' : at === undefined ? '' : 'seen'}>
      {here && <rect className="halo" x={x - 4} y={y - 4} width={width + 8} height={height + 8} rx="10" />}
      <rect className="box" x={x} y={y} width={width} height={height} rx="7" />
      {box.terminal && <rect className="inner" x={x + 3} y={y + 3} width={width - 6} height={height - 6} rx="4.5" />}
      {box.lines.map((line, at) => (
        <text
          key={line}
          className="name"
          x={x + width / 2}
          y={middle + (at - (box.lines.length - 1) / 2) * LINE}
          textAnchor="middle"
        >
          {line}
        </text>
      ))}
      {time !== null && (
        <text className="at" x={x + 2} y={y - (here ? 9 : 6)}>
          {time}
        </text>
      )}
    </g>
  );
}

function markOf({ from, to, triggers }: DrawnEdge, path: PathTaken): Mark {
  const fits = (one: { readonly from: string; readonly to: string; readonly trigger: string | null }): boolean =>
    one.from === from && one.to === to && (one.trigger === null || triggers.includes(one.trigger));
  return path.edges.some(fits) ? 'taken' : path.next.some(fits) ? 'next' : '';
}

/** What is taken is drawn above what is not. */
function rank(mark: Mark): number {
  return mark === 'taken' ? 2 : mark === 'next' ? 1 : 0;
}

function inWords({ here, seen }: PathTaken, start: number | null): string {
  const steps = Object.entries(seen)
    .sort((a, b) => a[1] - b[1])
    .map(([name, at]) => (start === null ? name : `${name} ${offset(at - start)}`));
  return `now ${here ?? 'not known'}${steps.length > 0 ? `. Path: ${steps.join(', ')}` : ''}.`;
}
