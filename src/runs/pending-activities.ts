import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { innermostText } from './failure-text.js';
import { millisOf } from './timestamp.js';

/** An activity that Temporal has not been able to finish yet. Times are milliseconds since 1970. */
export interface PendingActivity {
  readonly activity: string;
  /** The try that runs, or comes next. */
  readonly attempt: number;
  /** After how many tries Temporal gives up; null for never. */
  readonly limit: number | null;
  /** The backend's own message; null before the first failure. */
  readonly failure: string | null;
  /** When the next try begins; null while one runs. */
  readonly next_at: number | null;
  /** When the last try began, or was scheduled; null when Temporal does not say. */
  readonly last_at: number | null;
  /** How many tries have begun. */
  readonly made: number;
}

/** What a run waits for, as Temporal describes it. */
export function pendingActivities(
  client: Pick<Client, 'options'>,
  { raw }: Pick<WorkflowExecutionDescription, 'raw'>,
  now: number = Date.now(),
): Promise<PendingActivity[]> {
  const asPending = async (pending: Pending): Promise<PendingActivity> => {
    const attempt = pending.attempt ?? 1;
    const next = millisOf(pending.nextAttemptScheduleTime);
    return {
      activity: pending.activityType?.name ?? 'an activity',
      attempt,
      limit: pending.maximumAttempts || null,
      failure: await innermostText(client, pending.lastFailure),
      next_at: next !== null && next > now ? next : null,
      last_at: millisOf(pending.lastStartedTime) ?? millisOf(pending.scheduledTime),
      // In the pause after a failure the number is already that of the next try.
      made: pending.lastFailure ? attempt - 1 : attempt,
    };
  };
  return Promise.all((raw.pendingActivities ?? []).map(asPending));
}

type Pending = NonNullable<WorkflowExecutionDescription['raw']['pendingActivities']>[number];
