/** What is wanted of a figure, and what is not acceptable. */
interface Goal {
  readonly goal: number;
  readonly limit: number;
  readonly better: 'higher' | 'lower';
}

/** One line of the table. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What it is held against, measured in the same run; with its value and unit. */
  readonly baseline: string;
  /** Our figure divided by the baseline's. */
  readonly ratio: number;
  readonly goal?: Goal & { /** Of the ratio instead of the value. */ readonly of?: 'ratio' };
}

export interface Outcome {
  /** This scenario's part of the line that `--json` adds. */
  readonly json: Readonly<Record<string, number>>;
  /** How much was measured, and how. */
  readonly counts: string;
  readonly figures: readonly Figure[];
}

/**
 * A scenario: brings up what it needs, measures, and takes it down again.
 *
 * @param log prints what is going on, for the person who waits
 */
export type Scenario = (log: (text: string) => void) => Promise<Outcome>;
