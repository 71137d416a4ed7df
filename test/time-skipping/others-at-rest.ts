import { activityInfo } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import proto, { type google, type temporal } from '@temporalio/proto';

type IPendingActivityInfo = temporal.api.workflow.v1.IPendingActivityInfo;

const CANCEL_REQUESTED = proto.temporal.api.enums.v1.PendingActivityState.PENDING_ACTIVITY_STATE_CANCEL_REQUESTED;

const nanosOf = (at?: google.protobuf.ITimestamp | null): number => Number(at?.seconds ?? 0) * 1e9 + (at?.nanos ?? 0);

/** The time-skipping server calls it started then, too. */
const waitsForItsNextTry = (activity: IPendingActivityInfo): boolean =>
  nanosOf(activity.lastAttemptCompleteTime) > 0 &&
  nanosOf(activity.lastAttemptCompleteTime) >= nanosOf(activity.lastStartedTime);

/**
 * Waits, within an activity, until no other activity of its run is about to end. A run that cancels an activity while
 * it ends has a workflow task that the time-skipping server refuses ("ACTIVITY_UNKNOWN"; Temporal Server takes it):
 * the task times out, and that server skips no time any more.
 *
 * @param held says of an activity's type whether the test keeps it in flight, so that it does not end by itself
 * @throws Error when one has not ended within 5 s
 */
export async function othersAtRest(client: Client, held: (activityType: string) => boolean): Promise<void> {
  const { isLocal, activityId, workflowExecution } = activityInfo();
  // The local ones of a run share one workflow task, and are never cancelled.
  if (isLocal || workflowExecution === undefined) return;
  const { workflowId, runId } = workflowExecution;
  const ends = (other: IPendingActivityInfo): boolean => {
    if (other.activityId === activityId || other.state === CANCEL_REQUESTED) return false;
    return !held(other.activityType?.name ?? '') && !waitsForItsNextTry(other);
  };
  for (let tries = 0; tries < 500; tries++) {
    const { raw } = await client.workflow.getHandle(workflowId, runId).describe();
    if (!(raw.pendingActivities ?? []).some(ends)) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`another activity of ${workflowId} has not ended within 5 s beside activity ${activityId}`);
}
