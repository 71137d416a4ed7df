import { percentile } from '../../../src/cli/terminal/percentiles.js';

/** @throws when nothing was measured: a figure of nothing would be a lie */
export function percent(values: readonly number[], percent: number): number {
  const value = percentile(values, percent);
  if (value === null) throw new Error('nothing was measured');
  return value;
}

export function median(values: readonly number[]): number {
  return percent(values, 50);
}
