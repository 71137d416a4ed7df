import {
  isCancellation,
  proxyLocalActivities,
  scheduleActivity,
  scheduleLocalActivity,
  TemporalFailure,
} from '@temporalio/workflow';
import type { Activities, AcksReadAnswer, LeaseAnswer, LeaseQuestion, Opening, Published } from '../activities/api.js';
import type { OutgoingEvent } from '../src/protocol/published.js';
import { plusSeconds } from './core/time.js';

/**
 * Local activities are for backends that answer: two tries within 3 s, then the
 * same work goes on as an ordinary activity, where its retries are visible and
 * cost no history. (Failing local activities hold a workflow-task slot; see
 * DESIGN, "One node's life".)
 */
export const QUICK = {
  startToCloseTimeout: '1500ms',
  scheduleToCloseTimeout: '3s',
  retry: { maximumAttempts: 2, initialInterval: '100ms' },
} as const;
const PATIENT = {
  startToCloseTimeout: '10s',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '10s' },
} as const;
const once = proxyLocalActivities<Activities>({
  startToCloseTimeout: '1s',
  scheduleToCloseTimeout: '1s',
  retry: { maximumAttempts: 1 },
});

function ask<Answer>(activity: keyof Activities, summary: string, args: unknown[]): Promise<Answer> {
  return scheduleLocalActivity<Answer>(activity, args, { ...QUICK, summary }).catch((error: unknown) => {
    if (isCancellation(error) || !(error instanceof TemporalFailure)) throw error;
    return scheduleActivity<Answer>(activity, args, { ...PATIENT, summary });
  });
}

/** The record's last word on a node, and the contract as it is now. */
export function openAttempt(node_id: string): Promise<Opening> {
  return ask('open_attempt', 'last attempt of this node, and the contract', [node_id]);
}

/** Publishes events in order; when it returns, the broker has them. */
export function publish(events: readonly OutgoingEvent[]): Promise<Published> {
  return ask('publish_events', `publish ${events.map((event) => event.event_type).join(', ')}`, [events]);
}

/** One try of one second: a question that cannot be asked is not worth a queue. Failure means unknown. */
export async function verifyLease(question: LeaseQuestion, now: string): Promise<LeaseAnswer> {
  try {
    return await once.verify_lease.executeWithOptions({ summary: 'is the lease really over?' }, [question]);
  } catch (error) {
    if (isCancellation(error) || !(error instanceof TemporalFailure)) throw error;
    const again_at = plusSeconds(now, question.window_seconds * (0.8 + 0.4 * Math.random()));
    return {
      outcome: 'unknown',
      why: `the lease could not be verified: ${reasonOf(error)}`,
      again_at,
      contract_version: question.contract_version,
    };
  }
}

/** As above, for the ack topic: has it been read past the deadline? */
export async function verifyAcksRead(deadline: string, now: string): Promise<AcksReadAnswer> {
  try {
    return await once.verify_acks_read.executeWithOptions(
      { summary: 'has the ack topic been read past the deadline?' },
      [deadline],
    );
  } catch (error) {
    if (isCancellation(error) || !(error instanceof TemporalFailure)) throw error;
    return {
      read: false,
      why: `the ack topic's progress could not be read: ${reasonOf(error)}`,
      again_at: plusSeconds(now, 5),
    };
  }
}

/** The innermost message of a failed activity: the backend's own words. */
export function reasonOf(error: unknown): string {
  let reason = error instanceof Error ? error.message : String(error);
  for (let cause = error; cause instanceof Error; cause = cause.cause) reason = cause.message;
  return reason;
}
