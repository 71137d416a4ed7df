import type { Sql } from './pool.js';

type Counts = Readonly<Partial<Record<string, number>>>;

/** The last comparison of Consul with the registry, as everybody may read it. */
export interface StoredReconciliation {
  /** ISO 8601; null: none has ever been done. */
  readonly at: string | null;
  readonly seconds: number;
  /** Attempts of the registry that last. */
  readonly rows: number;
  /** Nodes that Consul showed. */
  readonly entries: number;
  /** By kind. */
  readonly differences: Counts;
  /** By what became of them. */
  readonly outcomes: Counts;
  /** Why none could be done since; null where that is not so. */
  readonly failure: string | null;
}

/** @param fleet its first heartbeat topic */
export async function storeReconciliation(
  sql: Sql,
  fleet: string,
  { at, seconds, rows, entries, differences, outcomes }: Omit<StoredReconciliation, 'failure'>,
): Promise<void> {
  await sql.query(
    `insert into reconciliations (fleet, at, seconds, rows_compared, entries_compared, differences, outcomes)
     values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (fleet) do update set
       at = excluded.at, seconds = excluded.seconds, rows_compared = excluded.rows_compared,
       entries_compared = excluded.entries_compared, differences = excluded.differences, outcomes = excluded.outcomes,
       failed_at = null, failure = null`,
    [fleet, at, seconds, rows, entries, JSON.stringify(differences), JSON.stringify(outcomes)],
  );
}

/** The comparison could not be done: what the last one found stays. */
export async function storeReconciliationFailure(sql: Sql, fleet: string, failure: string): Promise<void> {
  await sql.query(
    `insert into reconciliations as held (fleet, at, seconds, rows_compared, entries_compared, differences, outcomes,
       failed_at, failure)
     values ($1, '-infinity', 0, 0, 0, '{}', '{}', now(), $2)
     on conflict (fleet) do update set failed_at = excluded.failed_at, failure = excluded.failure`,
    [fleet, failure],
  );
}

/** null: this fleet was never compared. */
export async function readReconciliation(sql: Sql, fleet: string): Promise<StoredReconciliation | null> {
  const { rows } = await sql.query<StoredReconciliation>(
    `select nullif(at, '-infinity') as at, seconds, rows_compared as rows, entries_compared as entries,
       differences, outcomes, failure
     from reconciliations where fleet = $1`,
    [fleet],
  );
  return rows[0] ?? null;
}
