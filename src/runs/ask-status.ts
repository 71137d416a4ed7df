import { setTimeout as delay } from 'node:timers/promises';
import { WorkflowNotFoundError, type Client, type WorkflowExecutionDescription } from '@temporalio/client';
import type { Status } from '../../workflows/details.js';
import { STATUS_QUERY, workflowId } from '../../workflows/messages.js';
import { grpcErrorOf } from './temporal-errors.js';
import { errorText } from '../error-text.js';

/** What a run says of its node; both null when the node has no run. */
export interface AskedStatus {
  readonly status: Status | null;
  /** Why the run gave no answer, in the server's words: a query waits for a worker. */
  readonly no_answer: string | null;
}

const LOOK_EVERY_MS = 50;

/**
 * Asks a node's run what it knows, between its workflow tasks: a query that comes into one splits it, and such a
 * history may never be replayed again (docs/decisions/histories-that-cannot-be-replayed.md).
 *
 * @param withinMs how long the answer may take, in milliseconds
 * @param runId which of its runs; without, the newest
 * @throws Error when something else than Temporal fails
 */
export async function askStatus(
  client: Client,
  nodeId: string,
  withinMs: number,
  runId?: string,
): Promise<AskedStatus> {
  const handle = client.workflow.getHandle(workflowId(nodeId), runId);
  const deadline = Date.now() + withinMs;
  try {
    return await client.withDeadline(deadline, async () => {
      for (;;) {
        const busy = busyWith(await handle.describe());
        if (busy === null) return { status: await handle.query<Status>(STATUS_QUERY), no_answer: null };
        if (Date.now() + LOOK_EVERY_MS >= deadline) return { status: null, no_answer: busy };
        await delay(LOOK_EVERY_MS);
      }
    });
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { status: null, no_answer: null };
    const grpc = grpcErrorOf(error);
    if (grpc === undefined) throw error;
    return { status: null, no_answer: grpc.details || errorText(grpc) };
  }
}

/** Why a run is not between two workflow tasks, in words; null where it is. */
function busyWith({ raw }: WorkflowExecutionDescription): string | null {
  const task = raw.pendingWorkflowTask;
  if (task === null || task === undefined) return null;
  const failed = Number(task.attempt ?? 1) - 1;
  return failed === 0
    ? 'its workflow task is still under way'
    : `its workflow task has failed ${failed} times in a row`;
}
