import type { WriteStream } from 'node:tty';
import { liveText } from '../terminal/live-text.js';
import type { Size } from '../terminal/live-text.js';
import type { States } from '../terminal/states.js';
import { eventText } from './event-text.js';
import type { WatchEvent } from './events.js';
import { watchText, type WatchView } from './view.js';

/** How a watch shows what it sees. */
export interface WatchScreen {
  /** What happened, oldest first. */
  show(events: readonly WatchEvent[]): void;
  /** Something has changed, or time has passed. */
  draw(view: () => Omit<WatchView, 'events'>): void;
  /** How many lines the terminal has; null where nothing is drawn. */
  readonly size: Size | null;
  /** The last picture stays. */
  end(): void;
}

/** As many as fit on a tall terminal. */
const KEPT = 100;

/** A picture that changes, with the newest events below it. */
export function liveScreen(stream: WriteStream, states: States): WatchScreen {
  const live = liveText(stream);
  let events: readonly string[] = [];
  return {
    show(happened) {
      events = [...events, ...happened.map((event) => eventText(event, states))].slice(-KEPT);
    },
    draw: (view) => live.draw((size) => watchText({ ...view(), events }, size)),
    get size() {
      return { columns: stream.columns || 80, rows: stream.rows || 24 };
    },
    end: () => live.end(),
  };
}

/** A line for each event. */
export function lineScreen(write: (event: WatchEvent) => void): WatchScreen {
  return {
    show: (happened) => happened.forEach(write),
    draw: () => undefined,
    size: null,
    end: () => undefined,
  };
}
