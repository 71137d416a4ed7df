import { WorkflowNotFoundError, type Client } from '@temporalio/client';
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

/**
 * Asks a node's run what it knows.
 *
 * @param withinMs how long the answer may take, in milliseconds
 * @throws Error when something else than Temporal fails
 */
export async function askStatus(client: Client, nodeId: string, withinMs: number): Promise<AskedStatus> {
  try {
    const status = await client.withDeadline(Date.now() + withinMs, () =>
      client.workflow.getHandle(workflowId(nodeId)).query<Status>(STATUS_QUERY),
    );
    return { status, no_answer: null };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { status: null, no_answer: null };
    const grpc = grpcErrorOf(error);
    if (grpc === undefined) throw error;
    return { status: null, no_answer: grpc.details || errorText(grpc) };
  }
}
