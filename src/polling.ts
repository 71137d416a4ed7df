import proto from '@temporalio/proto';
import type { NativeConnection, Worker } from '@temporalio/worker';
import { errorText } from './error-text.js';

/** How long Temporal may take to answer. A probe of Kubernetes is given more. */
const ANSWERS_WITHIN_MS = 2_000;

/**
 * Why a worker does not poll its task queue; null while it does. Temporal itself is asked who polls: a worker goes on
 * trying while its server is away, and holds that for running.
 */
export async function whyNotPolling(worker: Worker, connection: NativeConnection): Promise<string | null> {
  const state = worker.getState();
  if (state !== 'RUNNING') return `the worker is ${state.toLowerCase()}`;
  const { namespace, identity, taskQueue } = worker.options;
  const question = {
    namespace,
    taskQueue: { name: taskQueue },
    taskQueueType: proto.temporal.api.enums.v1.TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
  };
  try {
    const { pollers } = await connection.withDeadline(Date.now() + ANSWERS_WITHIN_MS, () =>
      connection.workflowService.describeTaskQueue(question),
    );
    if (pollers.some((poller) => poller.identity === identity)) return null;
    return `Temporal has not seen it poll the task queue ${taskQueue} of namespace ${namespace}`;
  } catch (error) {
    return `Temporal does not answer: ${errorText(error)}`;
  }
}
