import type { MemorySample, Snapshot } from '../snapshot.js';

/** A shorter run says nothing: a process that has just started grows. */
const SHORTEST_MS = 20 * 60_000;
/** By how much a process may be larger at the end than after its first third. */
const ALLOWED = 1.25;

/** No process that lived for long is larger in the last third of its life than in the second. */
export function memoryStaysFlat({ memory }: Snapshot): readonly string[] {
  return [...new Set(memory.map(({ pid }) => pid))].flatMap((pid) => {
    const samples = memory.filter((sample) => sample.pid === pid).sort((a, b) => a.at - b.at);
    const [first, last] = [samples[0], samples.at(-1)];
    if (first === undefined || last === undefined || last.at - first.at < SHORTEST_MS) return [];
    const third = (last.at - first.at) / 3;
    const before = mean(samples.filter(({ at }) => at >= first.at + third && at < last.at - third));
    const after = mean(samples.filter(({ at }) => at >= last.at - third));
    if (after <= before * ALLOWED) return [];
    return [`${first.process} (process ${pid}) grew from ${Math.round(before)} to ${Math.round(after)} MB`];
  });
}

function mean(samples: readonly MemorySample[]): number {
  return samples.reduce((sum, { megabytes }) => sum + megabytes, 0) / Math.max(1, samples.length);
}
