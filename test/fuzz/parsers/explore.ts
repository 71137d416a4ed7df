import { setImmediate as turn } from 'node:timers/promises';
import { Random } from '../random.js';
import type { Coverage } from './coverage.js';
import { mutated } from './mutations.js';

/** What is fed with inputs. */
export interface Target {
  /** Inputs to begin with. */
  readonly seeds: readonly Buffer[];
  /** Whether the code of a file guides the search, by its URL. */
  readonly counts: (url: string) => boolean;
  /** @throws whatever it does that it must not do with an input */
  run(input: Buffer): void;
}

export interface Finding {
  readonly input: Buffer;
  readonly what: string;
}

export interface Progress {
  readonly inputs: number;
  /** Inputs that led to code that no other had reached. */
  readonly corpus: number;
  /** Characters of code that have run. */
  readonly reached: number;
}

export interface ExploreOptions {
  /** It was made before the target's code was loaded. */
  readonly coverage: Coverage;
  readonly seed: number;
  readonly seconds: number;
  /** Called before each input, so that one from which nobody returns is known. */
  readonly onInput?: (input: Buffer) => void;
  readonly onProgress?: (progress: Progress) => void;
  /** Milliseconds that only grow. Default: the process's own. */
  readonly clock?: { now(): number };
}

/** Asking V8 for its counts takes as long as fifty inputs do: it is asked after so many. */
const BATCH = 256;
const LONGEST_MS = 2_000;
/** More than the process held before: unit tests of all kinds share one. */
const MOST_MEMORY = 1024 ** 3;
const PROGRESS_EVERY_MS = 1_000;

/**
 * Feeds a target with changed inputs, and keeps those that reach code that no other has reached, to change them again.
 *
 * @returns the first input that the target does not stand, if there is one
 */
export async function explore(
  target: Target,
  options: ExploreOptions,
): Promise<Progress & { readonly finding: Finding | null }> {
  const { coverage, seed, seconds, onProgress, clock = performance } = options;
  const random = new Random(seed);
  const corpus: Buffer[] = [];
  const mostMemory = process.memoryUsage.rss() + MOST_MEMORY;
  const end = clock.now() + seconds * 1_000;
  let inputs = 0;
  let toldAt = 0;
  const progress = (): Progress => ({ inputs, corpus: corpus.length, reached: coverage.places });
  /** Runs inputs; where some of them reach new code, the halves again, until each that does is known. */
  const runAll = (batch: readonly Buffer[]): Finding | null => {
    for (const input of batch) {
      const finding = tried(target, input, options);
      if (finding !== null) return finding;
    }
    const isAlone = batch.length === 1;
    if (coverage.take(target.counts, isAlone) === 0) return null;
    if (isAlone) {
      corpus.push(...batch);
      return null;
    }
    const half = Math.ceil(batch.length / 2);
    return runAll(batch.slice(0, half)) ?? runAll(batch.slice(half));
  };
  let finding = runAll(target.seeds);
  while (finding === null && clock.now() < end) {
    const kept: readonly [Buffer, ...Buffer[]] = [corpus[0] ?? Buffer.alloc(0), ...corpus.slice(1)];
    const batch = Array.from({ length: BATCH }, () => mutated(random, kept));
    finding = runAll(batch);
    inputs += batch.length;
    if (finding === null && process.memoryUsage.rss() > mostMemory) finding = await stillLarge(batch, mostMemory);
    if (performance.now() - toldAt < PROGRESS_EVERY_MS) continue;
    toldAt = performance.now();
    onProgress?.(progress());
  }
  return { ...progress(), finding };
}

function tried(target: Target, input: Buffer, { onInput, clock = performance }: ExploreOptions): Finding | null {
  onInput?.(input);
  const began = clock.now();
  try {
    target.run(input);
  } catch (error) {
    return { input, what: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  const ms = clock.now() - began;
  return ms > LONGEST_MS ? { input, what: `it took ${ms.toFixed(0)} ms` } : null;
}

/** Memory that nobody needs any more is no finding. Native code gives back its own in a turn of the event loop. */
async function stillLarge(batch: readonly Buffer[], mostMemory: number): Promise<Finding | null> {
  globalThis.gc?.();
  await turn();
  globalThis.gc?.();
  const bytes = process.memoryUsage.rss();
  return bytes > mostMemory ? { input: Buffer.concat(batch), what: `${bytes} bytes of memory are in use` } : null;
}
