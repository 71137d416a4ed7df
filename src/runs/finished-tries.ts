import type { Client } from '@temporalio/client';
import { workflowId } from '../../workflows/messages.js';
import { innermostText, type StoredFailure } from './failure-text.js';
import { millisOf, type Timestamp } from './timestamp.js';

/** An activity that took more than one try. Times are milliseconds since 1970. */
export interface FinishedTries {
  readonly activity: string;
  /** How many, the last included. */
  readonly tries: number;
  /** When the last began. */
  readonly last_at: number;
  /** The backend's own message at the try before the last; Temporal keeps no older one. */
  readonly failure: string | null;
}

/** What of an event is read here. */
interface HistoryEvent {
  readonly eventId?: unknown;
  readonly eventTime?: Timestamp;
  readonly activityTaskScheduledEventAttributes?: {
    readonly activityType?: { readonly name?: string | null } | null;
  } | null;
  readonly activityTaskStartedEventAttributes?: {
    readonly scheduledEventId?: unknown;
    readonly attempt?: number | null;
    readonly lastFailure?: StoredFailure | null;
  } | null;
}

/** The activities of a run that took more than one try, from its history: the last one's beginning is an event. */
export async function readFinishedTries(client: Client, node_id: string, runId: string): Promise<FinishedTries[]> {
  const { events } = await client.workflow.getHandle(workflowId(node_id), runId).fetchHistory();
  return finishedTries(client, events ?? []);
}

/** @param events a history, or the beginning of one */
export async function finishedTries(
  client: Pick<Client, 'options'>,
  events: readonly HistoryEvent[],
): Promise<FinishedTries[]> {
  const names = new Map<string, string>();
  const found: FinishedTries[] = [];
  for (const { eventId, eventTime, activityTaskScheduledEventAttributes: scheduled, ...event } of events) {
    const name = scheduled?.activityType?.name ?? '';
    if (name !== '') names.set(String(eventId), name);
    const started = event.activityTaskStartedEventAttributes;
    const tries = started?.attempt ?? 1;
    if (tries < 2) continue;
    found.push({
      activity: names.get(String(started?.scheduledEventId)) ?? 'an activity',
      tries,
      last_at: millisOf(eventTime) ?? 0,
      failure: await innermostText(client, started?.lastFailure),
    });
  }
  return found;
}
