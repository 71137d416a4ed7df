import Table from 'cli-table3';
import cliTruncate from 'cli-truncate';
import pc from 'picocolors';
import { cut } from '../../contracts/template.js';
import type { States } from './states.js';

/** How long ago, or for how long: "12 s", "3 min", "2 h 05 min", "4 d". */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${String(minutes % 60).padStart(2, '0')} min`;
  return `${Math.floor(hours / 24)} d`;
}

/** How long something has been so; "-" when nobody knows since when. */
export function since(at: string | null, now: number = Date.now()): string {
  return at === null ? '-' : duration(now - Date.parse(at));
}

/** A short span, as steps of a registration take: "+35 ms", "+1.24 s". */
export function span(milliseconds: number): string {
  return milliseconds < 1000 ? `+${Math.round(milliseconds)} ms` : `+${(milliseconds / 1000).toFixed(2)} s`;
}

/** What is left of a time: "12 s" while the twelfth second runs, never less than "1 s". */
export function secondsLeft(milliseconds: number): string {
  return duration(Math.max(1, Math.ceil(milliseconds / 1000)) * 1000);
}

/** Local time of the day with milliseconds, as people compare it with a clock. */
export function clock(at: string): string {
  return `${clockSeconds(at)}.${String(new Date(at).getMilliseconds()).padStart(3, '0')}`;
}

/** Local time of the day. */
export function clockSeconds(at: string): string {
  const date = new Date(at);
  const two = (value: number): string => String(value).padStart(2, '0');
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
}

/** A text of several lines, none wider than the terminal. */
export function fitted(text: string, width: number): string {
  return text
    .split('\n')
    .map((line) => cliTruncate(line, width))
    .join('\n');
}

/** Longer texts are cut on the screen; whole they are in JSON. */
const LONGEST_SHOWN = 200;

/** A long text as the screen shows it, on one line. */
export function shown(text: string): string {
  return cut(text.replace(/\s+/g, ' '), LONGEST_SHOWN);
}

const COLOURS = {
  discoverable: pc.green,
  lost: pc.red,
  left: pc.dim,
  draining: pc.cyan,
  on_the_way: pc.yellow,
} as const;

/** A state in the colour of what it means. */
export function colouredState(state: string, states: Pick<States, 'meaning'>): string {
  return COLOURS[states.meaning(state)](state);
}

const NO_LINES = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

/** Columns under their heads, without lines, so that `grep` and `awk` work on it too. */
export function columns(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const table = new Table({
    head: head.map((text) => pc.bold(text)),
    chars: NO_LINES,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  table.push(...rows.map((row) => [...row]));
  return trimmed(table.toString());
}

/** Names and values below each other; null values are left out. */
export function facts(pairs: readonly (readonly [name: string, value: string | null])[]): string {
  const known = pairs.filter((pair): pair is readonly [string, string] => pair[1] !== null);
  const width = Math.max(...known.map(([name]) => name.length));
  return known.map(([name, value]) => `${pc.dim(name.padEnd(width))}  ${value}`).join('\n');
}

/** The table of the terminal: with lines. */
export function lined(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const table = new Table({
    head: head.map((text) => pc.bold(text)),
    style: { head: [], border: ['dim'], compact: true },
  });
  table.push(...rows.map((row) => [...row]));
  return table.toString();
}

function trimmed(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** "1 node", "3 nodes". */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
