/**
 * What a fenced write answers: done, or the registration attempt that holds the row or the catalog. That is a higher
 * attempt, or the writer's own where the row says that it has ended. A write that was not applied is never done.
 */
export type Written = { readonly done: true } | { readonly done: false; readonly fenced_by: number };

/** The answer of a write that found `holder`; a lower one was overwritten. */
export function written(mine: number, holder: number): Written {
  return holder > mine ? { done: false, fenced_by: holder } : { done: true };
}

/** The answer of a write to a row that the same attempt holds as ended: the write was ignored. */
export function endedBefore(attempt: number): Written {
  return { done: false, fenced_by: attempt };
}
