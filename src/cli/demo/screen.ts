import type { WriteStream } from 'node:tty';
import pc from 'picocolors';
import { clock, shown } from '../terminal/format.js';
import { liveText } from '../terminal/live-text.js';
import { printTo } from '../terminal/output.js';
import type { NodeChange } from '../../node/index.js';
import type { States } from '../terminal/states.js';
import type { ShownNode } from './fleet-state.js';
import { viewText, type View } from './view.js';

/** How the demo shows what happens. */
export interface Screen {
  /**
   * The fleet has changed, or time has passed. The view is made when it is
   * shown: the processor is needed elsewhere while nodes register.
   */
  draw(view: () => View): void;
  /** Something happened to one node. */
  show(change: NodeChange, view: () => View): void;
  /** Something for people to read that stays. */
  print(text: string): void;
  /** true: a picture that changes. false: lines below each other. */
  readonly isLive: boolean;
  /** The last picture stays. */
  end(): void;
}

/** A live picture on a terminal, plain lines anywhere else. */
export function createScreen(stream: WriteStream): Screen {
  return stream.isTTY ? liveScreen(stream) : lineScreen((line) => printTo(stream, line));
}

function liveScreen(stream: WriteStream): Screen {
  const live = liveText(stream);
  const draw = (view: () => View): void => live.draw((size) => viewText(view(), size));
  return {
    draw,
    isLive: true,
    show: (_change, view) => draw(view),
    print: (text) => live.print(text),
    end: () => live.end(),
  };
}

/** One line for each node that becomes active or leaves, and for each attempt that ends. */
export function lineScreen(write: (line: string) => void): Screen {
  const known = new Map<string, string>();
  const line = (at: string, { node_id, node_type }: Pick<ShownNode, 'node_id' | 'node_type'>, what: string): void =>
    write(`${clock(at)}  ${node_id}  ${node_type.padEnd(12)}  ${what}`);
  /** Ends, which a node need not know of by itself. */
  const showEnd = (node: ShownNode, states: States): void => {
    const { node_id, state, reason } = node;
    if (known.get(node_id) === state) return;
    known.set(node_id, state);
    if (!['lost', 'left'].includes(states.meaning(state))) return;
    line(new Date().toISOString(), node, `${pc.bold(state)}${reason === null ? '' : `: ${shown(reason)}`}`);
  };
  return {
    isLive: false,
    draw(view) {
      const { nodes, states } = view();
      for (const node of nodes) showEnd(node, states);
    },
    show({ node: { node_id }, node_type, state, at, steps }, view) {
      const node = { node_id, node_type };
      if (state === 'active') {
        const { summary, states } = view();
        const { introduced, active } = steps;
        const after =
          active === undefined || introduced === undefined ? '' : `, ${active - introduced} ms after its introspection`;
        line(at.toISOString(), node, `${states.discoverable}${after} (${summary.active} of ${summary.nodes})`);
      } else if (state === 'waiting') line(at.toISOString(), node, 'has lost its registration and starts over shortly');
      else if (state === 'leaving') line(at.toISOString(), node, 'leaves');
    },
    print: write,
    end: () => undefined,
  };
}
