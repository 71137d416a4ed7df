import { defaultPayloadConverter, type Headers } from '@temporalio/common';
import type { WorkflowClientInterceptor } from '@temporalio/client';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { LOG_IDS_HEADER } from '../protocol/log-ids-header.js';
import { currentLogIds, withLogIds, type LogIds } from './log-ids.js';

/** What a run cannot know by itself. It stands in Temporal as plain text, as the ids of traces do. */
type Carried = Pick<LogIds, 'correlation_id' | 'trace_id'>;

/**
 * A signal carries the ids of the message that is handled, and the run hands them on to its activities
 * (workflows/traces.ts).
 */
export const sendLogIds: WorkflowClientInterceptor = {
  signal: (input, next) => next({ ...input, headers: withIds(input.headers) }),
  signalWithStart: (input, next) => next({ ...input, headers: withIds(input.headers) }),
};

function withIds(headers: Headers): Headers {
  const ids = currentLogIds();
  if (ids === null) return headers;
  const { correlation_id, trace_id } = ids;
  return { ...headers, [LOG_IDS_HEADER]: defaultPayloadConverter.toPayload({ correlation_id, trace_id }) };
}

/** What an activity logs has its node's id, and the ids of the message that its run has handled last. */
export const receiveLogIds: ActivityInterceptorsFactory = ({ info: { workflowExecution } }) => ({
  inbound: {
    execute(input, next) {
      // "registration/<node_id>"
      const node_id = (workflowExecution?.workflowId ?? '').replace(/^[^/]*\//, '');
      const { [LOG_IDS_HEADER]: came } = input.headers;
      const carried = came === undefined ? {} : defaultPayloadConverter.fromPayload<Carried>(came);
      return withLogIds({ node_id, ...carried }, () => next(input));
    },
  },
});
