import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto';
import type { Confirmation, Run } from '../snapshot.js';

const { WorkflowTaskFailedCause } = proto.temporal.api.enums.v1;

type HistoryEvent = proto.temporal.api.history.v1.IHistoryEvent;

const EFFECTS: readonly string[] = ['consul.register', 'postgres.upsert_registration'];

/** Reads every run of a task queue with its history. */
export async function readRuns(client: Client, taskQueue: string): Promise<readonly Run[]> {
  const runs: Run[] = [];
  for await (const { workflowId, runId, status, startTime, closeTime } of client.workflow.list({
    query: `TaskQueue = "${taskQueue}"`,
  })) {
    const handle = client.workflow.getHandle(workflowId, runId);
    const [{ events }, { searchAttributes }] = await Promise.all([handle.fetchHistory(), handle.describe()]);
    const history = events ?? [];
    runs.push({
      workflow_id: workflowId,
      run_id: runId,
      node_id: attribute(searchAttributes, 'NodeId'),
      state: attribute(searchAttributes, 'RegistrationState'),
      status: status.name,
      started_at: startTime.getTime(),
      closed_at: closeTime?.getTime() ?? null,
      confirmations: confirmationsIn(history),
      failed_tasks: history.flatMap(({ workflowTaskFailedEventAttributes: failed }) =>
        failed === null || failed === undefined
          ? []
          : [{ cause: String(WorkflowTaskFailedCause[failed.cause ?? 0]), message: failed.failure?.message ?? '' }],
      ),
    });
  }
  return runs;
}

function attribute(attributes: Readonly<Record<string, unknown>>, name: string): string | null {
  const values = attributes[name];
  return Array.isArray(values) && typeof values[0] === 'string' ? values[0] : null;
}

/** Activities that have completed with `done`, with the attempt that their input names. */
function confirmationsIn(history: readonly HistoryEvent[]): Confirmation[] {
  const scheduled = new Map(
    history.map((event) => [Number(event.eventId), event.activityTaskScheduledEventAttributes]),
  );
  return history.flatMap(({ eventTime, activityTaskCompletedEventAttributes: completed }) => {
    const asked = scheduled.get(Number(completed?.scheduledEventId ?? -1));
    const effect = asked?.activityType?.name ?? '';
    if (!EFFECTS.includes(effect)) return [];
    const { attempt } = decoded(asked?.input) as { readonly attempt: number };
    const { done } = decoded(completed?.result) as { readonly done: boolean };
    const at = Number(eventTime?.seconds ?? 0) * 1_000 + Math.floor((eventTime?.nanos ?? 0) / 1e6);
    return done ? [{ effect, attempt, at }] : [];
  });
}

function decoded(payloads: proto.temporal.api.common.v1.IPayloads | null | undefined): unknown {
  return JSON.parse(Buffer.from(payloads?.payloads?.[0]?.data ?? []).toString('utf8'));
}
