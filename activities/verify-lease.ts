import type { Pool } from 'pg';
import type { SelfPreservationQuestion, SelfPreservationRule } from '../src/registry/leases/self-preservation.js';
import { SelfPreservationLog, heldSentence } from '../src/registry/leases/self-preservation-words.js';
import { expireLease, type LeaseVerdict } from '../src/registry/leases/expire-lease.js';
import type { Topics } from '../src/registry/leases/heartbeat-stream.js';
import { placeOf } from '../src/registry/pool.js';
import { logger } from '../src/telemetry.js';
import type { Activities, LeaseAnswer, LeaseQuestion } from './api.js';
import { asking } from './failures.js';

export interface VerifyLeaseOptions {
  /** Final names of the heartbeat topics. */
  readonly heartbeatTopics: Topics;
  /** Version of the contract that this worker runs now. */
  readonly contractVersion: () => string;
  /** The brake as this worker's contract has it. */
  readonly brake: SelfPreservationRule;
}

/** Is the node gone? If so its lease is claimed by the same statement; if that can't be known, nobody expires. */
export function verifyLease(
  pool: Pool,
  { heartbeatTopics, contractVersion, brake }: VerifyLeaseOptions,
): Activities['verify_lease'] {
  const log = new SelfPreservationLog(logger('worker'));
  return async (question) => {
    const { window_seconds, grace_seconds } = question;
    const about: SelfPreservationQuestion = { topics: heartbeatTopics, window_seconds, grace_seconds, rule: brake };
    const claim = await asking(
      {
        backend: `PostgreSQL at ${placeOf(pool)}`,
        what: `verify the lease of node ${question.node_id}, attempt ${question.attempt}`,
        node_id: question.node_id,
        ifRefused: 'look at the rights of the database user',
      },
      () => expireLease(pool, { ...about, node_id: question.node_id, attempt: question.attempt }),
    );
    log.update(claim, about);
    return { contract_version: contractVersion(), ...answer(question, claim, about) };
  };
}

type Outcome = LeaseAnswer extends infer A ? (A extends LeaseAnswer ? Omit<A, 'contract_version'> : never) : never;

function answer(question: LeaseQuestion, claim: LeaseVerdict, about: SelfPreservationQuestion): Outcome {
  if (claim.lease_expired) return { outcome: 'expired', last_heartbeat_at: claim.last_heartbeat_at };
  if (claim.alive && claim.deadline !== null && claim.holder === question.attempt) {
    return { outcome: 'renewed', deadline: claim.deadline };
  }
  return { outcome: 'unknown', why: whyUnknown(question, claim, about), again_in_seconds: lookAgain(question, claim) };
}

function whyUnknown({ node_id, attempt }: LeaseQuestion, claim: LeaseVerdict, about: SelfPreservationQuestion): string {
  if (claim.held) return heldSentence(claim, about, claim.now);
  if (claim.reopened_until !== null)
    return (
      `the lease of node ${node_id} was lost; it has one again, which runs out at ${claim.reopened_until} unless ` +
      'it beats'
    );
  if (claim.holder === null)
    return (
      `node ${node_id} has no lease, and its record says that attempt ${attempt} is over: nothing can be said ` +
      'about it'
    );
  if (claim.holder !== attempt)
    return `the lease of node ${node_id} is held by attempt ${claim.holder}, not by ${attempt}`;
  if (claim.watermark === null)
    return `no heartbeat of ${about.topics.join(' or ')} was ever stored: is the bridge running?`;
  if (claim.expires_from !== null)
    return (
      'the heartbeats had stalled, or many nodes are just coming back: nobody expires before they are stored up ' +
      `to ${claim.expires_from} (now: ${claim.watermark})`
    );
  return (
    `the heartbeats are stored up to ${claim.watermark} only, which is not past the deadline ${claim.deadline} ` +
    'and its grace'
  );
}

/** A watermark of less than this long ago belongs to a stream that keeps up. */
const KEEPS_UP_MS = 5_000;

/**
 * A stream that keeps up is past the deadline in as long as it is short of it,
 * give or take a second. Of any other nobody knows: a window from now, a fifth
 * more or less, so that a fleet that could not be judged does not come back as one.
 */
function lookAgain(
  { attempt, window_seconds, grace_seconds }: LeaseQuestion,
  { now, watermark, deadline, holder, expires_from }: LeaseVerdict,
): number {
  const asked = Date.parse(now);
  const stored = Date.parse(watermark ?? '');
  const short = Date.parse(deadline ?? '') + grace_seconds * 1_000 - stored;
  const soon = holder === attempt && expires_from === null && asked - stored < KEEPS_UP_MS && short >= 0;
  const wait = soon ? short / 1_000 + 0.5 + Math.random() : window_seconds * (0.8 + 0.4 * Math.random());
  return Math.max(0.5, wait);
}
