import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import proto, { type temporal } from '@temporalio/proto';
import pLimit from 'p-limit';
import { workflowId } from '../../../workflows/messages.js';
import { median } from './statistics.js';

const { EventType } = proto.temporal.api.enums.v1;
type Events = readonly temporal.api.history.v1.IHistoryEvent[];

/** What a registration has cost the server so far. */
export interface Cost {
  readonly events: number;
  readonly workflow_tasks: number;
}

/**
 * Median of what these nodes have cost from the start of their workflow to
 * ACTIVE. Read soon after: a timer that has fired would be counted with it,
 * so one that has is an error.
 */
export async function medianCost(client: Client, node_ids: readonly string[]): Promise<Cost> {
  const costs: Cost[] = [];
  for (const node_id of node_ids) {
    const events = await settled(client, node_id);
    if (count(events, EventType.EVENT_TYPE_TIMER_FIRED) > 0)
      throw new Error(`${workflowId(node_id)} has gone on after ACTIVE: its history was read too late`);
    costs.push({ events: events.length, workflow_tasks: count(events, EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED) });
  }
  return {
    events: median(costs.map(({ events }) => events)),
    workflow_tasks: median(costs.map(({ workflow_tasks }) => workflow_tasks)),
  };
}

const READERS = 20;

/** How far a node's history has come. */
export interface Progress {
  readonly events: number;
  readonly timersFired: number;
}

export function readProgress(client: Client, node_ids: readonly string[]): Promise<readonly Progress[]> {
  const limit = pLimit(READERS);
  const progress = async (node_id: string): Promise<Progress> => {
    const events = await settled(client, node_id);
    return { events: events.length, timersFired: count(events, EventType.EVENT_TYPE_TIMER_FIRED) };
  };
  return Promise.all(node_ids.map((node_id) => limit(() => progress(node_id))));
}

/** How many tries of activities, ordinary and local, came after a failed one. */
export async function retriesOf(client: Client, node_ids: readonly string[]): Promise<number> {
  const limit = pLimit(READERS);
  const histories = await Promise.all(node_ids.map((node_id) => limit(() => settled(client, node_id))));
  return histories.flat().reduce((sum, event) => sum + Math.max(0, attemptOf(event) - 1), 0);
}

function attemptOf({
  activityTaskStartedEventAttributes: started,
  markerRecordedEventAttributes: marker,
}: temporal.api.history.v1.IHistoryEvent): number {
  if (started) return started.attempt ?? 1;
  const data = marker?.details?.['data']?.payloads?.[0];
  return data ? defaultPayloadConverter.fromPayload<{ readonly attempt: number }>(data).attempt : 1;
}

/** The event of ACTIVE is read a moment before the workflow's task is completed. */
async function settled(client: Client, node_id: string): Promise<Events> {
  for (let tries = 0; tries < 100; tries += 1) {
    const { events } = await client.workflow.getHandle(workflowId(node_id)).fetchHistory();
    const last = events?.at(-1)?.eventType;
    if (
      events &&
      last !== EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED &&
      last !== EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED
    )
      return events;
    await delay(100);
  }
  throw new Error(`${workflowId(node_id)} is still in a workflow task after 10 s`);
}

function count(events: Events, type: temporal.api.enums.v1.EventType): number {
  return events.filter(({ eventType }) => eventType === type).length;
}
