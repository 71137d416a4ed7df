import type { Sql } from '../pool.js';
import { STREAM, type HeartbeatTopics } from './heartbeat-stream.js';

/** A node whose lease is over, or has expired without an end of its registration. */
export interface Suspect {
  readonly node_id: string;
  readonly node_type: string;
  readonly node_version: string;
  readonly attempt: number;
  /** As the database writes it, to the microsecond. */
  readonly deadline: string;
}

/** Where a page of leases ended, in the order of their deadlines. */
export interface SuspectsCursor {
  readonly deadline: string;
  readonly node_id: string;
}

export interface SuspectSearch {
  /** Final names of the heartbeat topics. */
  readonly topics: HeartbeatTopics;
  /** The lease duration. */
  readonly window_seconds: number;
  readonly grace_seconds: number;
  /** Leases that one page reads. */
  readonly limit: number;
  /** Where the page before ended; null for the first. */
  readonly after: SuspectsCursor | null;
}

export interface SuspectPage {
  readonly suspects: readonly Suspect[];
  /** Where the next page begins; null if this was the last. */
  readonly next: SuspectsCursor | null;
}

/**
 * A run whose lease has expired ends its registry row within seconds. One that did not is gone, or waits for a backend.
 */
const END_FOLLOWS_SECONDS = 30;

/**
 * The stream is the one by which a lease expires (heartbeat-stream.ts), so that nobody is woken for nothing: while
 * self-preservation holds, the statement reads no lease but those that were released. The page
 * is cut before the registry rows are joined: however many leases there are, it reads as many as its limit says.
 *
 * A lease of an earlier attempt, and a lease of a node without a registry row, can expire by no run: it is passed over.
 */
const statement = `
  with ${STREAM},
  late as materialized (
    select node_id, attempt, deadline from node_leases
    where deadline < (select expires_before from stream)
      and (deadline, node_id) > ($4::timestamptz, $5)
      and (expired_at is null or expired_at < now() - make_interval(secs => ${END_FOLLOWS_SECONDS}))
    order by deadline, node_id
    limit $6
  )
  select late.node_id, late.attempt, late.deadline::text, held.node_type, held.node_version
  from late
  left join node_registrations held
    on held.node_id = late.node_id and held.attempt = late.attempt and held.ended_at is null
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
