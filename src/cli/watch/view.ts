import pc from 'picocolors';
import type { FleetNode, HeldBack, RowDetail } from '../../server/api/fleet.js';
import { colouredState, columns, counted, duration, fitted, shown } from '../terminal/format.js';
import type { Size } from '../terminal/live-text.js';
import type { States } from '../terminal/states.js';
import { statesText } from './event-text.js';
import type { Trouble } from './events.js';

/** What the watch shows. */
export interface WatchView {
  /** null: the registry has not answered yet. */
  readonly nodes: readonly FleetNode[] | null;
  /** Nodes that were named and are not known. */
  readonly unknown: readonly string[];
  readonly details: ReadonlyMap<string, RowDetail>;
  readonly troubles: readonly Trouble[];
  readonly held: HeldBack | null;
  /** As lines, newest last. */
  readonly events: readonly string[];
  readonly states: States;
  /** Nodes were named: they are shown however long ago they ended. */
  readonly named: boolean;
}

/** Who ended longer ago is counted, and not listed. Milliseconds. */
const ENDED_WITHIN = 3_600_000;
const FEWEST_ROWS = 3;
const MOST_EVENTS = 12;

/** The nodes in the order of the list, those first that need a look, then the newest change. */
export function listed(view: Pick<WatchView, 'nodes' | 'states' | 'named'>, now: number): readonly FleetNode[] {
  const rank = ({ look, ended, state }: FleetNode): number =>
    look !== null ? 0 : ended === null && view.states.meaning(state) === 'on_the_way' ? 1 : 2;
  return (view.nodes ?? [])
    .filter(({ ended }) => view.named || ended === null || now - ended < ENDED_WITHIN)
    .sort((a, b) => rank(a) - rank(b) || b.since - a.since || (a.id < b.id ? -1 : 1));
}

/** How many nodes there is room for. */
function roomFor({ troubles, held, events, unknown }: WatchView, { rows }: Size): number {
  // Title, blank, head, "… and more", blank, "Events", and a line for the cursor.
  const others = 7 + troubles.length + (held === null ? 0 : 1) + unknown.length;
  return Math.max(FEWEST_ROWS, rows - others - eventsShown(events, rows).length);
}

/** The screen as text, at most as high and as wide as the terminal. */
export function watchText(view: WatchView, size: Size, now: number = Date.now()): string {
  const { nodes, unknown, troubles, held, events } = view;
  const lines = [titleText(view), ...troubles.map((one) => troubleText(one, now))];
  if (held !== null) lines.push(heldText(held, now));
  if (nodes !== null) {
    const visible = listed(view, now).slice(0, roomFor(view, size));
    if (visible.length > 0) lines.push('', tableText(visible, view, now));
    if (visible.length < nodes.length) lines.push(pc.dim(`… and ${nodes.length - visible.length} more`));
    lines.push(...unknown.map((id) => `${id}  ${pc.dim('is not known yet')}`));
    const newest = eventsShown(events, size.rows);
    if (newest.length > 0) lines.push('', pc.bold('Events'), ...newest);
  }
  return fitted(lines.join('\n'), size.columns);
}

function eventsShown(events: readonly string[], rows: number): readonly string[] {
  return events.slice(-Math.min(MOST_EVENTS, Math.floor(rows / 3)));
}

function titleText({ nodes, states }: WatchView): string {
  if (nodes === null) return `${pc.bold('The fleet is being read …')}  ${pc.dim('Ctrl-C ends')}`;
  const counts: Record<string, number> = {};
  for (const { state } of nodes) counts[state] = (counts[state] ?? 0) + 1;
  const text = statesText(counts, (state) => colouredState(state, states));
  return `${pc.bold(counted(nodes.length, 'node'))}${text}  ${pc.dim('Ctrl-C ends')}`;
}

function troubleText({ server, since, words }: Trouble, now: number): string {
  return `${pc.red(`${server} has not answered for ${duration(now - since)}`)}: ${shown(words)}`;
}

function heldText({ gone, of, since }: HeldBack, now: number): string {
  return pc.yellow(
    `Self-preservation has held for ${duration(now - since)}: ${gone} of ${of} nodes are gone at once; nobody expires`,
  );
}

function tableText(nodes: readonly FleetNode[], { states, details }: WatchView, now: number): string {
  const rows = nodes.map((node) => {
    const detail = details.get(node.id);
    const beat = detail?.beat ?? node.beat;
    return [
      node.id,
      node.type,
      colouredState(node.state, states),
      node.attempt === 0 ? '-' : String(node.attempt),
      duration(now - node.since),
      beat === null || node.ended !== null ? '-' : duration(now - beat),
      noteOf(node, detail),
    ];
  });
  return columns(['NODE', 'TYPE', 'STATE', 'ATTEMPT', 'SINCE', 'LAST BEAT', ''], rows);
}

/** What is going on with a node, beside its state. */
function noteOf(node: FleetNode, detail: RowDetail | undefined): string {
  if (node.ended !== null) return shown(node.reason ?? '');
  if (!node.recorded) return 'not in the registry yet';
  switch (node.look) {
    case 'silent':
      return pc.yellow('silent: its lease has run out');
    case 'backend':
      return shown(detail?.waits_for ?? 'a backend has not confirmed it');
    case 'ack':
      return shown(detail?.waits_for ?? 'asked again for its acknowledgement');
    case 'conflict':
      return pc.yellow('a second process uses its id');
    case 'key':
      return pc.yellow('something came in its name that its key has not signed');
    case 'ended':
    case null:
      return shown(node.reason ?? '');
  }
}
