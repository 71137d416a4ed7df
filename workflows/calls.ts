import {
  isCancellation,
  scheduleActivity,
  scheduleLocalActivity,
  sleep,
  TemporalFailure,
  type ActivityOptions,
  type LocalActivityOptions,
} from '@temporalio/workflow';
import type { Activities, AcksReadAnswer, LeaseAnswer, LeaseQuestion, Opening } from '../activities/api.js';
import type { CompiledContract, LocalTries, RetryPolicy } from '../src/contracts/compiled.js';
import { errorText } from '../src/error-text.js';
import type { Finding } from './core/timer.js';

/**
 * How activities are called. Local ones are for backends that answer: a few
 * tries, then the same work goes on as an ordinary activity, where people see
 * its retries and a retry costs no history.
 * (docs/decisions/local-activities-fall-back.md)
 */
export function localOptions({
  maximum_attempts,
  initial_interval_seconds,
  start_to_close_seconds,
  schedule_to_close_seconds,
}: LocalTries): LocalActivityOptions {
  return {
    startToCloseTimeout: start_to_close_seconds * 1000,
    scheduleToCloseTimeout: schedule_to_close_seconds * 1000,
    retry: { maximumAttempts: maximum_attempts, initialInterval: initial_interval_seconds * 1000 },
  };
}

export function ordinaryOptions(start_to_close_seconds: number, retry: RetryPolicy): ActivityOptions {
  return {
    startToCloseTimeout: start_to_close_seconds * 1000,
    retry: {
      initialInterval: retry.initial_interval_seconds * 1000,
      backoffCoefficient: retry.backoff_coefficient,
      maximumInterval: retry.maximum_interval_seconds * 1000,
      ...(retry.maximum_attempts === undefined ? {} : { maximumAttempts: retry.maximum_attempts }),
    },
  };
}

/** A failed activity gives way to another try. What is no failure of an activity is thrown on. */
export function rethrowUnlessFailed(error: unknown): void {
  if (isCancellation(error) || !(error instanceof TemporalFailure)) throw error;
}

/** The contract comes by this call, so its own limits stand in code. */
const OPENING = {
  local: {
    maximum_attempts: 2,
    initial_interval_seconds: 0.1,
    start_to_close_seconds: 1.5,
    schedule_to_close_seconds: 3,
  },
  start_to_close_seconds: 10,
  retry: { initial_interval_seconds: 1, backoff_coefficient: 2, maximum_interval_seconds: 10 },
} as const;

/** The registry row of a node, and the contract that the worker has now. */
export async function openAttempt(node_id: string): Promise<Opening> {
  const summary = 'registry row of this node, and the contract';
  try {
    return await scheduleLocalActivity<Opening>('open_attempt', [node_id], { ...localOptions(OPENING.local), summary });
  } catch (error) {
    rethrowUnlessFailed(error);
    const options = ordinaryOptions(OPENING.start_to_close_seconds, OPENING.retry);
    return scheduleActivity<Opening>('open_attempt', [node_id], { ...options, summary });
  }
}

/**
 * Has the lease expired? One local try: without an answer nobody expires, and it is asked again.
 *
 * @returns what was found, and the contract's version that the worker has now (null: not known)
 */
export async function verifyLease(
  question: LeaseQuestion,
  contract: CompiledContract,
): Promise<{ readonly found: Finding; readonly contract_version: string | null }> {
  const answer = await answerTo<LeaseAnswer>('verify_lease', 'has the lease expired?', question, contract);
  if (answer instanceof Unanswered) {
    const why = `the lease could not be verified: ${answer.reason}`;
    // A fleet that could not be verified must not ask again as one.
    const again_in_seconds = answer.again_seconds * (0.8 + 0.4 * Math.random());
    return { found: { fires: false, why, again_in_seconds }, contract_version: null };
  }
  return { found: findingOf(answer, leaseTimerSeconds(contract)), contract_version: answer.contract_version };
}

function findingOf(answer: LeaseAnswer, timer_seconds: number): Finding {
  switch (answer.outcome) {
    case 'expired':
      return { fires: true, last_heartbeat_at: answer.last_heartbeat_at };
    case 'unknown':
      return { fires: false, why: answer.why, again_in_seconds: answer.again_in_seconds };
    case 'renewed': {
      // A lease that expires a moment after this look is to be found within the period, and verifying takes a moment.
      const again_in_seconds = timer_seconds - Math.min(1, timer_seconds / 4);
      return { fires: false, why: null, again_in_seconds, liveness_deadline: answer.deadline };
    }
  }
}

function leaseTimerSeconds({ timers }: CompiledContract): number {
  return Object.values(timers).find(({ verify }) => verify === 'lease')?.seconds ?? 0;
}

/** Has the ack topic been read past the deadline? One local try, as above. */
export async function verifyAcksRead(deadline: string, contract: CompiledContract): Promise<Finding> {
  const summary = 'has the ack topic been read past the deadline?';
  const answer = await answerTo<AcksReadAnswer>('verify_acks_read', summary, deadline, contract);
  if (answer instanceof Unanswered) {
    const why = `how far the ack topic was read is not known: ${answer.reason}`;
    return { fires: false, why, again_in_seconds: answer.again_seconds };
  }
  return answer.read ? { fires: true } : { fires: false, why: answer.why, again_in_seconds: answer.again_in_seconds };
}

class Unanswered {
  constructor(
    readonly reason: string,
    readonly again_seconds: number,
  ) {}
}

async function answerTo<Answer>(
  activity: keyof Activities & ('verify_lease' | 'verify_acks_read'),
  summary: string,
  question: LeaseQuestion | string,
  { questions }: CompiledContract,
): Promise<Answer | Unanswered> {
  const { start_to_close_seconds, again_seconds } = questions[activity];
  const timeout = start_to_close_seconds * 1000;
  const options = { startToCloseTimeout: timeout, scheduleToCloseTimeout: timeout, retry: { maximumAttempts: 1 } };
  try {
    return await scheduleLocalActivity<Answer>(activity, [question], { ...options, summary });
  } catch (error) {
    rethrowUnlessFailed(error);
    return new Unanswered(reasonOf(error), again_seconds);
  }
}

/**
 * Ends this workflow task. What was decided in it is then in history, together
 * with every message that had reached the server before: a signal that arrives
 * now can no longer make a replay decide otherwise.
 * (docs/decisions/decisions-are-committed-first.md)
 */
export async function commitDecision(): Promise<void> {
  await sleep(1, { summary: 'the decision is in history' });
}

/** The innermost message of a failed activity: the backend's own words. */
export function reasonOf(error: unknown): string {
  let innermost = error;
  while (innermost instanceof Error && innermost.cause instanceof Error) innermost = innermost.cause;
  return errorText(innermost);
}
