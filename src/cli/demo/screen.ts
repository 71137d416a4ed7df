import type { WriteStream } from 'node:tty';
import { createLogUpdate } from 'log-update';
import pc from 'picocolors';
import { clock } from '../terminal/format.js';
import type { NodeChange } from '../../node/index.js';
import type { ShownNode } from './fleet-state.js';
import { viewText, type View } from './view.js';

/** How the demo shows what happens. */
export interface Screen {
  /** The fleet has changed, or time has passed. The view is made when it is shown: the processor is needed elsewhere while nodes register. */
  draw(view: () => View): void;
  /** Something happened to one node. */
  tell(change: NodeChange, view: () => View): void;
  /** Something for people to read that stays. */
  say(text: string): void;
  /** The last picture stays. */
  end(): void;
}

const FRAME_MS = 100;

/** A live picture on a terminal, plain lines anywhere else. */
export function createScreen(stream: WriteStream): Screen {
  return stream.isTTY ? liveScreen(stream) : lineScreen((line) => stream.write(`${line}\n`));
}

function liveScreen(stream: WriteStream): Screen {
  const update = createLogUpdate(stream);
  const size = () => ({ columns: stream.columns || 80, rows: stream.rows || 24 });
  let last: (() => View) | undefined;
  let next: NodeJS.Timeout | undefined;
  let height = 0;
  let ended = false;
  const paint = (): void => {
    clearTimeout(next);
    next = undefined;
    if (last === undefined) return;
    const text = viewText(last(), size());
    const lines = text.split('\n').length;
    // log-update 7 rewrites only the lines that differ, and loses those below when their number changes.
    if (lines !== height) update.clear();
    height = lines;
    update(text);
  };
  // Of many changes at once only the last one is painted.
  const draw = (view: () => View): void => {
    if (ended) return;
    last = view;
    next ??= setTimeout(paint, FRAME_MS);
  };
  return {
    draw,
    tell: (_change, view) => draw(view),
    say(text) {
      update.clear();
      stream.write(`${text}\n`);
      paint();
    },
    end() {
      paint();
      update.done();
      last = undefined;
      ended = true;
    },
  };
}

/** One line for each node that becomes ACTIVE or leaves, and for each that does not do so. */
export function lineScreen(write: (line: string) => void): Screen {
  const known = new Map<string, string>();
  return {
    draw(view) {
      for (const node of view().nodes) tellRecord(node);
    },
    tell({ node, node_type, state, at, steps }, view) {
      const line = (what: string): void =>
        write(`${clock(at.toISOString())}  ${node.node_id}  ${node_type.padEnd(12)}  ${what}`);
      if (state === 'active') {
        const took =
          steps.active !== undefined && steps.introduced !== undefined
            ? `, ${steps.active - steps.introduced} ms after its introspection`
            : '';
        const { summary } = view();
        line(`ACTIVE${took} (${summary.active} of ${summary.nodes})`);
      } else if (state === 'waiting') line('has lost its registration and starts over shortly');
      else if (state === 'leaving') line('leaves');
    },
    say: write,
    end: () => undefined,
  };

  /** States that a node does not know of by itself. */
  function tellRecord({ node_id, node_type, state, reason }: ShownNode): void {
    if (known.get(node_id) === state) return;
    known.set(node_id, state);
    if (!['REJECTED', 'LIVENESS_EXPIRED', 'ACK_TIMED_OUT', 'DEREGISTERED'].includes(state)) return;
    write(
      `${clock(new Date().toISOString())}  ${node_id}  ${node_type.padEnd(12)}  ${pc.bold(state)}${reason === null ? '' : `: ${reason}`}`,
    );
  }
}
