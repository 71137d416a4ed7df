/** What happened to a node, in words, with its time (ISO 8601). */
export interface JournalEntry {
  readonly at: string;
  readonly what: string;
}

/** Enough to explain what a node is doing. The rest is in Temporal's history. */
const LENGTH = 40;

/** The newest things that happened to a node, for people. It is carried over continue-as-new. */
export class Journal {
  readonly entries: JournalEntry[];

  constructor(earlier: readonly JournalEntry[] = []) {
    this.entries = [...earlier];
  }

  /** Adds entries of one moment, oldest first. */
  note(at: string, ...whats: readonly string[]): void {
    this.entries.push(...whats.map((what) => ({ at, what })));
    this.entries.splice(0, Math.max(0, this.entries.length - LENGTH));
  }
}
