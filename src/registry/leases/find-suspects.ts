import type { Sql } from '../pool.js';
import { LOWEST, type Topics } from './watermarks.js';

/** A node whose lease has run out, or was claimed without its registration ending. */
export interface Suspect {
  readonly node_id: string;
  readonly node_type: string;
  readonly node_version: string;
  readonly attempt: number;
  /** As the database writes it, to the microsecond. */
  readonly deadline: string;
}

/** Where a page of leases ended, in the order of their deadlines. */
export interface Position {
  readonly deadline: string;
  readonly node_id: string;
}

export interface SuspectSearch {
  /** Final names of the heartbeat topics. */
  readonly topics: Topics;
  readonly window_seconds: number;
  readonly grace_seconds: number;
  /** Leases looked at. */
  readonly limit: number;
  /** Where the page before ended; null for the first. */
  readonly after: Position | null;
}

export interface SuspectPage {
  readonly suspects: readonly Suspect[];
  /** Where the next page begins; null if this was the last. */
  readonly next: Position | null;
}

/** A run that claims its lease ends its record within seconds; one that did not is gone, or waits for a backend. */
const CLAIM_SETTLES_SECONDS = 30;

/**
 * The same conditions under which a lease may be claimed (claim-lease.ts), so
 * that nobody is woken for nothing. The page is cut before the records are
 * looked up: however many leases there are, it reads as many as it says.
 *
 * A lease of an earlier attempt, or of a node without a record, is nobody's to
 * claim: it is passed over.
 */
const statement = `
  with stream as (
    select ${LOWEST} - make_interval(secs => $3) as silent_since,
      ${LOWEST} as watermark,
      max(resumed_at) + make_interval(secs => $2) + make_interval(secs => $3) as judged_from
    from stream_watermarks where topic = any($1::text[])
  ),
  late as materialized (
    select node_id, attempt, deadline from node_leases
    where deadline < (select silent_since from stream where judged_from is null or watermark >= judged_from)
      and (deadline, node_id) > ($4::timestamptz, $5)
      and (expired_at is null or expired_at < now() - make_interval(secs => ${CLAIM_SETTLES_SECONDS}))
    order by deadline, node_id
    limit $6
  )
  select late.node_id, late.attempt, late.deadline::text, record.node_type, record.node_version
  from late
  left join node_registrations record on record.node_id = late.node_id and record.attempt = late.attempt and record.ended_at is null
  order by late.deadline, late.node_id`;

type Row = Pick<Suspect, 'node_id' | 'attempt' | 'deadline'> & {
  readonly node_type: string | null;
  readonly node_version: string | null;
};

/** One page of the nodes that are to be woken, the longest silent first. */
export async function findSuspects(
  sql: Sql,
  { topics, window_seconds, grace_seconds, limit, after }: SuspectSearch,
): Promise<SuspectPage> {
  const { rows } = await sql.query<Row>(statement, [
    topics,
    window_seconds,
    grace_seconds,
    after?.deadline ?? '-infinity',
    after?.node_id ?? '',
    limit,
  ]);
  const last = rows.at(-1);
  return {
    suspects: rows.flatMap(({ node_type, node_version, ...lease }) =>
      node_type === null || node_version === null ? [] : [{ ...lease, node_type, node_version }],
    ),
    next: last === undefined || rows.length < limit ? null : { deadline: last.deadline, node_id: last.node_id },
  };
}
