import { InvalidArgumentError } from 'commander';
import { parseUrl } from '../../parse-url.js';
import { nodeId } from '../../protocol/fields.js';

/** An argument that names a node, as the registrar's own edge takes it: a UUID in capitals is the same node. */
export function nodeIdArgument(value: string): string {
  const { data } = nodeId.safeParse(value);
  if (data === undefined) throw new InvalidArgumentError('A node id is 1 to 128 letters, digits or any of . _ : -');
  return data;
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** A moment in the past: so long ago ("90s", "15m", "2h", "7d"), or an ISO 8601 time. */
export function timeBefore(value: string): Date {
  const [, count, unit = ''] = /^(\d{1,6})([smhd])$/.exec(value) ?? [];
  const time = new Date(count === undefined ? value : Date.now() - Number(count) * (UNITS[unit] ?? 0) * 1_000);
  if (Number.isNaN(time.getTime()))
    throw new InvalidArgumentError('Give 90s, 15m, 2h, 7d, or a time as 2026-01-31T12:00Z.');
  return time;
}

/** An option that is a whole number from 1. */
export function wholeNumber(most: number): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (!/^\d+$/.test(value) || number < 1 || number > most)
      throw new InvalidArgumentError(`Give a whole number from 1 to ${most}.`);
    return number;
  };
}

/** A name with its URL, e.g. "health=http://10.0.0.7:8080/health". */
export type Endpoint = readonly [name: string, url: string];

/** Collects endpoints, however often the option is given. */
export function endpoint(value: string, before: readonly Endpoint[]): readonly Endpoint[] {
  const [, name, url] = /^([^=]+)=(.+)$/.exec(value) ?? [];
  if (name === undefined || url === undefined || parseUrl(url) === null)
    throw new InvalidArgumentError('Give name=url, e.g. health=http://10.0.0.7:8080/health');
  return [...before, [name, url]];
}

export interface ReasonOption {
  readonly reason?: string;
}

/** Flags and words of the option by which a person says why. */
export const REASON = ['--reason <text>', 'why; it stands in the history, beside your name'] as const;

/** A port to listen at. @throws InvalidArgumentError */
export function port(value: string): number {
  const number = Number(value);
  if (!/^\d+$/.test(value) || number > 65_535) throw new InvalidArgumentError('Give a port from 0 to 65535.');
  return number;
}
