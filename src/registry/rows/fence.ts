/**
 * The fence of node_registrations, as SQL. In `on conflict do update` the row in the table is called `held`, the one
 * that was to be inserted `excluded`.
 *
 * The update always runs, and each column chooses for itself between the two: so one statement both decides and, by
 * `returning`, says who holds the row. A `where` would return no row to a fenced write, and a second statement could
 * read an older row than the write did.
 */

/** A higher attempt begins: the row is written anew. */
export const NEWER = 'excluded.attempt > held.attempt';

/** The attempt that holds the row, and has not ended. */
export const SAME_AND_OPEN = '(excluded.attempt = held.attempt and held.ended_at is null)';

/** The write is applied. */
export const ALLOWED = `(${NEWER} or ${SAME_AND_OPEN})`;

/** `set` clauses: these columns get the new value under a condition, and keep theirs otherwise. */
export function setWhen(condition: string, columns: readonly string[]): string {
  return columns
    .map((column) => `${column} = case when ${condition} then excluded.${column} else held.${column} end`)
    .join(',\n    ');
}

/** `set` clauses that every write shares: who the incarnation is, and when the row changed. */
export const IDENTITY_AND_TIMES = `attempt = greatest(held.attempt, excluded.attempt),
    ${setWhen(NEWER, ['correlation_id', 'epoch'])},
    introspected_at = case
      when ${NEWER} then excluded.introspected_at
      when ${SAME_AND_OPEN} then greatest(held.introspected_at, excluded.introspected_at)
      else held.introspected_at end,
    ${setWhen(ALLOWED, ['contract_version', 'updated_at'])}`;
