/** Who asks for something, and why. It is written into the history of what it is about. */
export interface AskedBy {
  readonly who: string;
  /** null: nobody has said. */
  readonly why: string | null;
}

/** "ada: the topic was read-only". */
export function askedByText({ who, why }: AskedBy): string {
  return why === null || why === '' ? who : `${who}: ${why}`;
}
