import pc from 'picocolors';
import { colouredState, columns, counted, since, span } from '../terminal/format.js';
import type { ShownNode, Summary } from './fleet-state.js';

/** Something that happened to the node whose steps are shown. */
export interface Step {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly what: string;
}

export interface View {
  readonly nodes: readonly ShownNode[];
  readonly summary: Summary;
  readonly shown: { readonly node_id: string; readonly steps: readonly Step[] } | null;
  /** Names and addresses. */
  readonly links: readonly (readonly [name: string, url: string])[];
  /** What is going on, or what to do next. */
  readonly line: string;
}

/** The size of the terminal. */
export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** Below this width an id of 36 characters pushes the last columns off the line. */
const WHOLE_IDS_FROM = 96;
const FEWEST_STEPS = 3;
const FEWEST_NODES = 4;

/** The screen as text, at most as high as the terminal: nodes that need a look come first when not all fit. */
export function viewText({ nodes, summary, shown, links, line }: View, size: Size, now: number = Date.now()): string {
  const id = (node_id: string): string =>
    size.columns < WHOLE_IDS_FROM && node_id.length > 14 ? `${node_id.slice(0, 13)}…` : node_id;
  // Title, blank, head, blank, "Steps", blank, links, and two lines for what comes after the picture.
  const linkLines = links.map(([name, url]) => `${name.padEnd(10)} ${url}`);
  const fixed = 8 + linkLines.reduce((sum, link) => sum + Math.ceil(link.length / size.columns), 0);
  const room = Math.max(FEWEST_NODES, size.rows - fixed - FEWEST_STEPS);
  const visible = nodes.length <= room ? nodes : [...nodes].sort((a, b) => rank(a) - rank(b)).slice(0, room - 1);
  const rows = visible.map((node) => [
    id(node.node_id),
    node.node_type,
    colouredState(node.state),
    String(node.attempt ?? '-'),
    since(node.since, now),
    node.reason ?? '',
  ]);
  const lines = [
    `${pc.bold(title(summary))}  ${line}`,
    '',
    columns(['NODE', 'TYPE', 'STATE', 'ATTEMPT', 'SINCE', ''], rows),
  ];
  if (visible.length < nodes.length)
    lines.push(
      pc.dim(`… and ${nodes.length - visible.length} more, ${counts(nodes.filter((node) => !visible.includes(node)))}`),
    );
  const left = Math.max(FEWEST_STEPS, size.rows - fixed - Math.min(nodes.length, room));
  if (shown !== null && shown.steps.length > 0)
    lines.push('', ...stepLines(shown.node_id, shown.steps, left, size.columns));
  lines.push('', ...links.map(([name, url]) => `${pc.dim(name.padEnd(10))} ${url}`));
  return lines.join('\n');
}

/** "10 nodes, 7 ACTIVE". */
function title({ nodes, active }: Summary): string {
  return `${counted(nodes, 'node')}, ${active === nodes ? 'all' : active} ACTIVE`;
}

function rank({ state }: ShownNode): number {
  return state === 'ACTIVE' ? 1 : state === 'DEREGISTERED' ? 2 : 0;
}

function counts(nodes: readonly ShownNode[]): string {
  const byState = new Map<string, number>();
  for (const { state } of nodes) byState.set(state, (byState.get(state) ?? 0) + 1);
  return [...byState].map(([state, count]) => `${count} ${state}`).join(', ');
}

/** The newest steps, each with its distance from the first one. */
export function stepLines(nodeId: string, steps: readonly Step[], most: number, width = 200): string[] {
  const first = steps[0]?.at ?? 0;
  const text = steps.slice(-most).map(({ at, what }) => {
    const line = `${span(at - first).padStart(9)}  ${what}`;
    return line.length < width ? line : `${line.slice(0, width - 2)}…`;
  });
  return [`${pc.bold('Steps of')} ${nodeId}`, ...text];
}
