import pc from 'picocolors';
import { colouredState, columns, counted, fitted, shown as short, since, span } from '../terminal/format.js';
import type { Size } from '../terminal/live-text.js';
import type { StateMeaning, States } from '../terminal/states.js';
import type { ShownNode, Summary } from './fleet-state.js';

/** Something that happened to the node whose steps are shown. */
export interface DemoStep {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly what: string;
}

export interface View {
  readonly nodes: readonly ShownNode[];
  readonly states: States;
  readonly summary: Summary;
  readonly shown: { readonly node_id: string; readonly steps: readonly DemoStep[] } | null;
  /** Names and addresses. */
  readonly links: readonly (readonly [name: string, url: string])[];
  /** What is going on, or what to do next. */
  readonly line: string;
}

/** Below this width an id of 36 characters pushes the last columns off the line. */
const WHOLE_IDS_FROM = 96;
const FEWEST_STEPS = 3;
const FEWEST_NODES = 4;

/**
 * The screen as text, at most as high and as wide as the terminal: nodes that need a look come first when not all fit.
 * Only addresses are whole, however long they are.
 */
export function viewText(view: View, size: Size, now: number = Date.now()): string {
  const { nodes, states, summary, shown, links, line } = view;
  // Title, blank, head, blank, "Steps", blank, links, and two lines for what comes after the picture.
  const fixed = 8 + links.reduce((sum, [, url]) => sum + Math.ceil((LINK_NAME + 1 + url.length) / size.columns), 0);
  const room = Math.max(FEWEST_NODES, size.rows - fixed - FEWEST_STEPS);
  const rank = ({ state }: ShownNode): number => RANKS[states.meaning(state)];
  const visible = nodes.length <= room ? nodes : [...nodes].sort((a, b) => rank(a) - rank(b)).slice(0, room - 1);
  const lines = [`${pc.bold(title(summary, states))}  ${short(line)}`, '', nodesText(visible, states, size, now)];
  if (visible.length < nodes.length) {
    const others = nodes.filter((node) => !visible.includes(node));
    lines.push(pc.dim(`… and ${others.length} more, ${counts(others)}`));
  }
  const left = Math.max(FEWEST_STEPS, size.rows - fixed - Math.min(nodes.length, room));
  if (shown !== null && shown.steps.length > 0) lines.push('', ...stepLines(shown.node_id, shown.steps, left));
  const addresses = links.map(([name, url]) => `${pc.dim(name.padEnd(LINK_NAME))} ${url}`);
  return [fitted(lines.join('\n'), size.columns), '', ...addresses].join('\n');
}

const LINK_NAME = 10;

/** Who needs a look comes first. */
const RANKS: Readonly<Record<StateMeaning, number>> = { on_the_way: 0, lost: 0, draining: 1, discoverable: 1, left: 2 };

function nodesText(nodes: readonly ShownNode[], states: States, size: Size, now: number): string {
  const id = (node_id: string): string =>
    size.columns < WHOLE_IDS_FROM && node_id.length > 14 ? `${node_id.slice(0, 13)}…` : node_id;
  const rows = nodes.map((node) => [
    id(node.node_id),
    node.node_type,
    colouredState(node.state, states),
    String(node.attempt ?? '-'),
    since(node.since, now),
    short(node.reason ?? ''),
  ]);
  return columns(['NODE', 'TYPE', 'STATE', 'ATTEMPT', 'SINCE', ''], rows);
}

/** "10 nodes, 7 ACTIVE". */
function title({ nodes, active }: Summary, states: States): string {
  return `${counted(nodes, 'node')}, ${active === nodes ? 'all' : active} ${states.discoverable}`;
}

function counts(nodes: readonly ShownNode[]): string {
  const byState = new Map<string, number>();
  for (const { state } of nodes) byState.set(state, (byState.get(state) ?? 0) + 1);
  return [...byState].map(([state, count]) => `${count} ${state}`).join(', ');
}

/** The newest steps, each with its distance from the first one. */
export function stepLines(nodeId: string, steps: readonly DemoStep[], most: number): string[] {
  const first = steps[0]?.at ?? 0;
  const text = steps.slice(-most).map(({ at, what }) => `${span(at - first).padStart(9)}  ${short(what)}`);
  return [`${pc.bold('Steps of')} ${nodeId}`, ...text];
}
