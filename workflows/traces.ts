import type { Headers, WorkflowInterceptorsFactory } from '@temporalio/workflow';
import { LOG_IDS_HEADER } from '../src/protocol/log-ids-header.js';

/** The first is the header in which Temporal's OpenTelemetry interceptors carry a trace's context. */
const CARRIED = ['_tracer-data', LOG_IDS_HEADER];

/**
 * Carries the context of a trace, and the ids of log lines, from the message that came last to the activities that
 * follow from it. No span is made here: a run lasts as long as its node, and a span is exported only when it ends; and
 * OpenTelemetry's library would be loaded once for each cached run.
 */
export const interceptors: WorkflowInterceptorsFactory = () => {
  let context: Headers = {};
  const remember = (headers: Headers): void => {
    for (const name of CARRIED) {
      const came = headers[name];
      if (came !== undefined) context = { ...context, [name]: came };
    }
  };
  const withContext = <Input extends { readonly headers: Headers }>(input: Input): Input => ({
    ...input,
    headers: { ...input.headers, ...context },
  });
  return {
    inbound: [
      {
        execute(input, next) {
          remember(input.headers);
          return next(input);
        },
        handleSignal(input, next) {
          remember(input.headers);
          return next(input);
        },
        handleUpdate(input, next) {
          remember(input.headers);
          return next(input);
        },
      },
    ],
    outbound: [
      {
        scheduleActivity: (input, next) => next(withContext(input)),
        scheduleLocalActivity: (input, next) => next(withContext(input)),
        continueAsNew: (input, next) => next(withContext(input)),
      },
    ],
  };
};
