/**
 * Percentile by the nearest rank: a value that was really measured.
 *
 * @param values in any order
 * @param percent from 0 to 100
 * @returns null when nothing was measured
 */
export function percentile(values: readonly number[], percent: number): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? null;
}
