/** What a fenced write answers: done, or the number of the higher attempt that holds the row. */
export type Written = { readonly done: true } | { readonly done: false; readonly fenced_by: number };

/** The answer of a write that found `holder` in the row. */
export function written(mine: number, holder: number): Written {
  return holder > mine ? { done: false, fenced_by: holder } : { done: true };
}
