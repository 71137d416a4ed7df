/**
 * Percentile by the nearest rank: a value that was really measured.
 *
 * @param values in any order
 * @param percent from 0 to 100
 * @throws when nothing was measured: a figure of nothing would be a lie
 */
export function percent(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)];
  if (value === undefined) throw new Error('nothing was measured');
  return value;
}

export function median(values: readonly number[]): number {
  return percent(values, 50);
}
