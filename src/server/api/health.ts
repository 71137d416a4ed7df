import type { DeadLetterView } from './node.js';

/** ok: nothing to do. look: somebody should look. unknown: not looked at yet. */
export type Verdict = 'ok' | 'look' | 'unknown';

export interface SelfPreservation {
  readonly verdict: Verdict;
  readonly held_since: number | null;
  readonly held_until: number | null;
  /** Of the fleet, how much is gone at once: 0 to 1. */
  readonly share_now: number;
  /** Above this share expiry is held. */
  readonly share: number;
  readonly floor: number;
  readonly gone: number;
  readonly of: number;
  /** Longest hold. */
  readonly max_hold_seconds: number;
}

export interface StreamHealth {
  readonly topic: string;
  /** Records that no bridge has read and committed yet; null: Kafka did not answer. */
  readonly lag: number | null;
  /** Milliseconds that the lowest watermark is behind; null: the topic has none. */
  readonly behind: number | null;
  readonly keeps_watermark: boolean;
  /** By partition, milliseconds. */
  readonly partitions: readonly number[];
  readonly verdict: Verdict;
  /** What to do; null when all is well. */
  readonly todo: string | null;
}

/** A minute of a backend: all answered, some were slow, some failed; null: not looked at yet. */
export type Minute = 'ok' | 'slow' | 'failed' | null;

export interface BackendHealth {
  readonly name: string;
  readonly address: string;
  readonly verdict: Verdict;
  /** Of the last minute, milliseconds. */
  readonly p50: number | null;
  readonly p99: number | null;
  /** Since when it fails; null while it answers. */
  readonly failing_since: number | null;
  /** Its own words. */
  readonly failure: string | null;
  readonly minutes: readonly Minute[];
  /** What to do; null when all is well. */
  readonly todo: string | null;
}

/** A smaller thing: one figure, a sentence, what to do. */
export interface HealthFigure {
  readonly name: string;
  readonly beside: string;
  readonly verdict: Verdict;
  readonly figure: string;
  readonly unit: string;
  readonly sentence: string;
  readonly todo: string;
}

export interface Health {
  readonly now: number;
  readonly title: string;
  readonly sentence: string;
  readonly verdict: Verdict;
  readonly self_preservation: SelfPreservation | null;
  readonly streams: readonly StreamHealth[];
  readonly backends: readonly BackendHealth[];
  readonly parts: readonly HealthFigure[];
  /** Of the last day. */
  readonly dead_letters_count: number;
  /** The newest of them, newest first. */
  readonly dead_letters: readonly DeadLetterView[];
  /** look: some have come of late, and were not sent again. */
  readonly dead_letters_verdict: Verdict;
  readonly dead_letters_failure: string | null;
}
