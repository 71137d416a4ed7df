import type { Pool } from 'pg';
import type { SelfPreservationRule } from '../src/contracts/compiled.js';
import { expireLease, type LeaseVerdict } from '../src/registry/leases/expire-lease.js';
import type { HeartbeatTopics } from '../src/registry/leases/heartbeat-stream.js';
import { keepFirstDeadline } from '../src/registry/leases/keep-first-deadline.js';
import { SelfPreservationLog, heldSentence } from '../src/registry/leases/self-preservation-words.js';
import type { SelfPreservationQuestion } from '../src/registry/leases/self-preservation.js';
import { databaseAddress } from '../src/registry/pool.js';
import { whileWanted } from '../src/registry/while-wanted.js';
import { logger } from '../src/telemetry.js';
import type { Activities, LeaseAnswer, LeaseQuestion } from './api.js';
import { callBackend, DATABASE_SET_UP } from './failures.js';

export interface VerifyLeaseOptions {
  /** Final names of the heartbeat topics. */
  readonly heartbeatTopics: HeartbeatTopics;
  /** Version of the contract that this worker runs now. */
  readonly contractVersion: () => string;
  /** Self-preservation as this worker's contract has it. */
  readonly selfPreservation: SelfPreservationRule;
  /**
   * Whether a sweep signals every node whose lease may expire. A run then need not ask again by itself while the stream
   * or self-preservation keeps everybody from expiring: in an incident thousands would.
   */
  readonly isSwept: boolean;
}

/**
 * Verifies that the lease of a node is over. The statement that finds it over also marks it as expired. While that
 * cannot be known, nobody expires.
 */
export function verifyLease(
  pool: Pool,
  { heartbeatTopics, contractVersion, selfPreservation, isSwept }: VerifyLeaseOptions,
): Activities['verify_lease'] {
  const log = new SelfPreservationLog(logger('worker'));
  return async (question) => {
    const { window_seconds, grace_seconds, first_deadline, ...whose } = question;
    const { node_id, attempt } = whose;
    const about: SelfPreservationQuestion = {
      topics: heartbeatTopics,
      window_seconds,
      grace_seconds,
      rule: selfPreservation,
    };
    const verdict = await callBackend(
      {
        backend: `PostgreSQL at ${databaseAddress(pool)}`,
        what: `verify the lease of node ${node_id}, registration attempt ${attempt}`,
        node_id,
        setUp: DATABASE_SET_UP,
      },
      (signal) =>
        whileWanted(pool, signal, async (sql) => {
          if (first_deadline !== undefined)
            await keepFirstDeadline(sql, { node_id, attempt, first_deadline, window_seconds });
          return expireLease(sql, { ...about, ...whose });
        }),
    );
    log.update(verdict, about);
    return { contract_version: contractVersion(), ...answer(question, verdict, about, isSwept) };
  };
}

type Outcome = LeaseAnswer extends infer A ? (A extends LeaseAnswer ? Omit<A, 'contract_version'> : never) : never;

function answer(
  question: LeaseQuestion,
  verdict: LeaseVerdict,
  about: SelfPreservationQuestion,
  isSwept: boolean,
): Outcome {
  const { lease_expired, last_heartbeat_at, alive, deadline, holder } = verdict;
  if (lease_expired) return { outcome: 'expired', last_heartbeat_at };
  if (alive && deadline !== null && holder === question.attempt) return { outcome: 'renewed', deadline };
  const why = whyUnknown(question, verdict, about);
  return { outcome: 'unknown', why, again_in_seconds: secondsUntilAgain(question, verdict, isSwept) };
}

function whyUnknown(
  { node_id, attempt }: LeaseQuestion,
  { held, now, reopened_until, holder, watermark, expires_from, deadline, ...state }: LeaseVerdict,
  about: SelfPreservationQuestion,
): string {
  if (held) return heldSentence(state, about, now);
  if (reopened_until !== null)
    return (
      `the lease of node ${node_id} was lost; it is open again, ` +
      `and is over at ${reopened_until} without a heartbeat`
    );
  if (holder === null)
    return (
      `node ${node_id} has no lease, and its registry row says that registration attempt ${attempt} has ended: ` +
      'nothing is known of it'
    );
  if (holder !== attempt)
    return `the lease of node ${node_id} is held by registration attempt ${holder}, not by ${attempt}`;
  if (watermark === null) return `no heartbeat of ${about.topics.join(' or ')} was ever stored: is the bridge running?`;
  if (expires_from !== null)
    return (
      'the heartbeats had stalled, or many nodes are just coming back: nobody expires before they are stored up to ' +
      `${expires_from} (now: ${watermark})`
    );
  return `the heartbeats are stored up to ${watermark} only, which is not past the deadline ${deadline} and its grace`;
}

/** A watermark of less than this long ago belongs to a stream that keeps up. */
const KEEPS_UP_SECONDS = 5;

/** The net below the sweep: signals may be lost with a bridge that stops, and no sweep runs while none does. */
const BELOW_THE_SWEEP_SECONDS = 3 * 3_600;

/**
 * In how many seconds the run asks again. Each value varies at random, so that the runs of a fleet do not come at once.
 * - The stream keeps up, and has not reached the deadline yet: as long as it is short of it, plus 0.5 to 1.5 s.
 * - The stream or self-preservation keeps the lease from expiring, and there is a sweep: three hours, since the sweep
 *   finds the node before.
 * - Everything else: a lease duration. This and the three hours vary by a fifth.
 */
function secondsUntilAgain(
  { attempt, window_seconds, grace_seconds }: LeaseQuestion,
  { now, watermark, deadline, holder, expires_from, held }: LeaseVerdict,
  isSwept: boolean,
): number {
  // What is null becomes NaN, with which no comparison holds.
  const seconds = (time: string | null): number => Date.parse(time ?? '') / 1_000;
  const short = seconds(deadline) + grace_seconds - seconds(watermark);
  const keepsUp = seconds(now) - seconds(watermark) < KEEPS_UP_SECONDS;
  const isOurs = holder === attempt && !held && expires_from === null;
  if (isOurs && keepsUp && short >= 0) return short + 0.5 + Math.random();
  const isLeftToTheSweep = isSwept && holder === attempt && (held || expires_from !== null || !keepsUp);
  const again = isLeftToTheSweep ? BELOW_THE_SWEEP_SECONDS : window_seconds;
  return Math.max(0.5, again * (0.8 + 0.4 * Math.random()));
}
