import type { WorkflowHandle } from '@temporalio/client';
import type proto from '@temporalio/proto';

/** What a run's recorded history says, in the words and seconds of a contract. */

type Handle = Pick<WorkflowHandle, 'fetchHistory'>;
type Event = proto.temporal.api.history.v1.IHistoryEvent;

/** How an ordinary activity was scheduled. */
export interface Scheduled {
  readonly activity: string;
  readonly start_to_close_seconds: number;
  readonly initial_interval_seconds: number;
  readonly backoff_coefficient: number;
  readonly maximum_interval_seconds: number;
  readonly maximum_attempts: number;
}

async function eventsOf(handle: Handle): Promise<readonly Event[]> {
  return (await handle.fetchHistory()).events ?? [];
}

function secondsOf(duration: proto.google.protobuf.IDuration | null | undefined): number {
  return Number(duration?.seconds ?? 0) + (duration?.nanos ?? 0) / 1e9;
}

/** The ordinary activities of a run, in the order of its history. */
export async function scheduled(handle: Handle): Promise<Scheduled[]> {
  return (await eventsOf(handle)).flatMap(({ activityTaskScheduledEventAttributes: activity }) => {
    if (!activity) return [];
    const { retryPolicy } = activity;
    return {
      activity: activity.activityType?.name ?? '',
      start_to_close_seconds: secondsOf(activity.startToCloseTimeout),
      initial_interval_seconds: secondsOf(retryPolicy?.initialInterval),
      backoff_coefficient: retryPolicy?.backoffCoefficient ?? 0,
      maximum_interval_seconds: secondsOf(retryPolicy?.maximumInterval),
      maximum_attempts: retryPolicy?.maximumAttempts ?? 0,
    };
  });
}

/** The names of a run's ordinary activities, in the order of its history. */
export async function ordinary(handle: Handle): Promise<string[]> {
  return (await scheduled(handle)).map(({ activity }) => activity);
}

/** The search attributes that a run has changed, as "name: value", in the order of its history. */
export async function filteredBy(handle: Handle): Promise<string[]> {
  return (await eventsOf(handle)).flatMap(({ upsertWorkflowSearchAttributesEventAttributes: upsert }) =>
    Object.entries(upsert?.searchAttributes?.indexedFields ?? {}).map(
      ([name, { data }]) => `${name}: ${String(JSON.parse(Buffer.from(data ?? []).toString()))}`,
    ),
  );
}

/** What Temporal's web UI shows beside activities of both kinds, and beside timers. */
export async function summaries(handle: Handle): Promise<{ activities: string[]; timers: string[] }> {
  const events = await eventsOf(handle);
  const of = (which: (event: Event) => unknown): string[] =>
    events.flatMap((event) => {
      const data = event.userMetadata?.summary?.data;
      return which(event) && data ? String(JSON.parse(Buffer.from(data).toString())) : [];
    });
  return {
    activities: of((event) => event.activityTaskScheduledEventAttributes ?? event.markerRecordedEventAttributes),
    timers: of(({ timerStartedEventAttributes }) => timerStartedEventAttributes),
  };
}
