import pLimit from 'p-limit';
import { DRAIN, REQUEST_SIGNAL, UNDRAIN, type CommandRequest } from '../../workflows/messages.js';
import type { RecordBatch } from '../kafka/consumer.js';
import { parseDrainRequest, type DrainRequest } from '../protocol/drain-request.js';
import type { BridgeContext } from './context.js';
import { handleEach } from './handling.js';
import { timed } from './record-times.js';
import { signalWorkflow } from './signal-workflow.js';
import { understand } from './understand.js';

/** Signals in flight at once, over all partitions: a whole rack may drain at once, and nothing else waits for it. */
const IN_FLIGHT = 16;

/** What nodes ask for themselves signals their workflows. */
export function drainRequests(context: BridgeContext): (batch: RecordBatch) => Promise<void> {
  const limit = pLimit(IN_FLIGHT);
  return (batch) =>
    handleEach(context, batch, {
      kind: 'drains',
      read: (record) => understand(record, () => parseDrainRequest(record.value, timed(record))),
      apply: (request) => apply(context, request, batch.signal),
      limit,
      done: (record) => batch.done(record),
    });
}

/** Returns why this request cannot be applied at all, else null. */
async function apply(context: BridgeContext, request: DrainRequest, signal: AbortSignal): Promise<string | null> {
  const { counters, logger } = context;
  const { node_id, correlation_id, message_id } = request;
  const message: CommandRequest = { ...(request.draining ? DRAIN : UNDRAIN), payload: { ...request } };
  const result = await signalWorkflow(context, node_id, { name: REQUEST_SIGNAL, args: [message] }, signal);
  switch (result.outcome) {
    case 'delivered':
      counters.drain_requests += 1;
      return null;
    case 'no_run':
      // Its registration is over, or the node has never introduced itself: there is nothing to drain.
      counters.drain_requests_without_run += 1;
      logger.info({ node_id, correlation_id, message_id }, 'a drain request of a node whose registration has no run');
      return null;
    case 'refused':
      return result.reason;
  }
}
