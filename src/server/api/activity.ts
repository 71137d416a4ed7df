/** What a person asked the registrar to do. */
export interface Act {
  readonly id: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly who: string;
  /** null: nobody has said. */
  readonly why: string | null;
  /** What was asked for, in words. */
  readonly what: string;
  /** null: it was about no node, or nobody knows about which. */
  readonly node_id: string | null;
  /** What became of it; null: it is being done, or nobody knows. */
  readonly outcome: string | null;
  readonly refused: boolean;
}

/** What the registrar has done without being asked. */
export interface Unasked {
  readonly id: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Which part of it. */
  readonly part: 'reconciler' | 'self-preservation';
  /** null: it was about the fleet. */
  readonly node_id: string | null;
  /** What was done and why, in words. */
  readonly what: string;
}

/** The newest of both, newest first. */
export interface Activity {
  readonly acts: readonly Act[];
  readonly unasked: readonly Unasked[];
}
