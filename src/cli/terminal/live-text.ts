import type { WriteStream } from 'node:tty';
import { createLogUpdate } from 'log-update';
import { colouredFor } from './output.js';

/** The size of a terminal. */
export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** A text on a terminal that changes in its place. */
export interface LiveText {
  /**
   * Something has changed, or time has passed. The text is made when it is
   * shown: of many changes at once only the last one is painted.
   */
  draw(text: (size: Size) => string): void;
  /** Something for people to read that stays, above the text. */
  print(text: string): void;
  /** The last text stays. */
  end(): void;
}

const FRAME_MS = 100;

export function liveText(stream: WriteStream): LiveText {
  const update = createLogUpdate(stream);
  let last: ((size: Size) => string) | undefined;
  let next: NodeJS.Timeout | undefined;
  let height = 0;
  let ended = false;
  const paint = (): void => {
    clearTimeout(next);
    next = undefined;
    if (last === undefined) return;
    const text = last({ columns: stream.columns || 80, rows: stream.rows || 24 });
    const lines = text.split('\n').length;
    // log-update 7 rewrites only the lines that differ, and loses those below when their number changes.
    if (lines !== height) update.clear();
    height = lines;
    update(colouredFor(stream, text));
  };
  return {
    draw(text) {
      if (ended) return;
      last = text;
      next ??= setTimeout(paint, FRAME_MS);
    },
    print(text) {
      update.clear();
      stream.write(`${colouredFor(stream, text)}\n`);
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
