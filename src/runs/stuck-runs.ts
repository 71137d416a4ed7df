import { WorkflowNotFoundError, type Client, type WorkflowExecutionInfo } from '@temporalio/client';
import proto from '@temporalio/proto';
import { failureText } from './failure-text.js';
import { SEARCH_ATTRIBUTES, WORKFLOW_TYPE, workflowId } from '../../workflows/messages.js';

const { WorkflowTaskFailedCause: Cause, EventType } = proto.temporal.api.enums.v1;

/** The worker cannot go on with the history, and will not on the next try either. Other failures are the server's. */
const FAILURES_OF_THE_WORKER: readonly unknown[] = [
  Cause.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR,
  Cause.WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE,
];
const CALL_TIMEOUT_MS = 10_000;
/** Newest events of a history that are read: since its last good task a run gets little but signals. */
const EVENTS = 200;

/** A run whose workflow task fails again and again. */
export interface StuckRun {
  readonly node_id: string;
  readonly run_id: string;
  /** What the worker said last. */
  readonly failure: string;
}

/**
 * Finds the runs that Temporal reports because their workflow tasks fail in a row (search attribute
 * TemporalReportedProblems, server 1.30 and later), and whose worker has said why. The list has 10 s, and each history.
 *
 * @throws ServiceError when Temporal does not answer, or does not know the attribute; the signal's reason once aborted
 */
export async function findStuckRuns(client: Client, taskQueue: string, signal: AbortSignal): Promise<StuckRun[]> {
  const query = [
    `WorkflowType = '${WORKFLOW_TYPE}'`,
    `TaskQueue = '${taskQueue}'`,
    `ExecutionStatus = 'Running'`,
    'TemporalReportedProblems IS NOT NULL',
  ].join(' AND ');
  const reported = await within(client, async () => {
    const runs: WorkflowExecutionInfo[] = [];
    for await (const run of client.workflow.list({ query })) runs.push(run);
    return runs;
  });
  const stuck: StuckRun[] = [];
  for (const { workflowId: workflow_id, runId: run_id, typedSearchAttributes } of reported) {
    signal.throwIfAborted();
    const node_id = typedSearchAttributes.get(SEARCH_ATTRIBUTES.node_id);
    const failure = await within(client, () => lastFailure(client, workflow_id, run_id));
    if (node_id !== undefined && failure !== null) stuck.push({ node_id, run_id, failure });
  }
  return stuck;
}

function within<T>(client: Client, call: () => Promise<T>): Promise<T> {
  return client.withDeadline(Date.now() + CALL_TIMEOUT_MS, call);
}

/** Why the worker has failed the task after the last one that it completed; null where it has not. */
async function lastFailure(client: Client, workflow_id: string, run_id: string): Promise<string | null> {
  const { history } = await client.workflowService.getWorkflowExecutionHistoryReverse({
    namespace: client.options.namespace,
    execution: { workflowId: workflow_id, runId: run_id },
    maximumPageSize: EVENTS,
  });
  for (const { eventType, workflowTaskFailedEventAttributes: failed } of history?.events ?? []) {
    if (eventType === EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED) return null;
    if (FAILURES_OF_THE_WORKER.includes(failed?.cause))
      return (await failureText(client, failed?.failure)) ?? 'it does not say why';
  }
  return null;
}

/**
 * Ends a run that cannot go on, so that another can take over from the registry row.
 *
 * @returns false where it has ended by itself meanwhile
 */
export async function endStuckRun(client: Client, { node_id, run_id }: StuckRun): Promise<boolean> {
  try {
    // Temporal stores a reason readable, and what the worker said may be encrypted there.
    const reason = 'its history cannot be replayed; its last failed task says why';
    await within(client, () => client.workflow.getHandle(workflowId(node_id), run_id).terminate(reason));
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}
