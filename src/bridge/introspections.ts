import pLimit from 'p-limit';
import { INTROSPECTION_SIGNAL, WORKFLOW_TYPE } from '../../workflows/messages.js';
import type { RecordBatch } from '../kafka/consumer.js';
import { parseIntrospection, type Introspection } from '../protocol/introspection.js';
import type { BridgeContext } from './context.js';
import { handling } from './handling.js';
import { inOrderPerKey } from './in-order.js';
import { RecentlyTold } from './recent-introspections.js';
import { startOf } from './start-of.js';
import { isAboutTheMessage } from './temporal-errors.js';

/**
 * Signals under way at once, over all partitions. Enough to keep a server busy, and few enough to leave it room for what
 * the workers tell it, or a fleet that starts at once would only ever begin (measured: with 64, a server that managed 3
 * registrations a second managed 0.5 of a burst, and half of its calls ran into their timeout and were made again).
 */
const IN_FLIGHT = 16;
const CALL_TIMEOUT_MS = 10_000;

/**
 * A node that introduces itself: its workflow is told, and started if it has no run.
 * Nodes do not wait for each other; the messages of one node stay in order. A repeat
 * of what its workflow was just told is left out.
 */
export function introspections(context: BridgeContext): (batch: RecordBatch) => Promise<void> {
  const limit = pLimit(IN_FLIGHT);
  const recently = new RecentlyTold();
  const tellOnce = async (message: Introspection, signal: AbortSignal): Promise<string | null> => {
    if (recently.has(message, Date.now())) {
      context.counters.introspections_repeated += 1;
      return null;
    }
    const refusal = await tell(context, message, signal);
    if (refusal === null) recently.add(message, Date.now());
    return refusal;
  };
  return (batch) =>
    inOrderPerKey(
      batch.records.map((record) =>
        handling(
          context,
          batch,
          record,
          parseIntrospection(record.value, record),
          (message) => tellOnce(message, batch.signal),
          (one) => batch.done(one),
        ),
      ),
      limit,
      () => batch.isRunning() && !batch.signal.aborted,
    );
}

/** Waits for Temporal for as long as it takes. Returns why this message can't be told at all, else null. */
async function tell(
  { temporal, temporalClient, taskQueue, counters, logger }: BridgeContext,
  message: Introspection,
  signal: AbortSignal,
): Promise<string | null> {
  try {
    await temporal.untilAnswered(
      () =>
        temporalClient.withDeadline(Date.now() + CALL_TIMEOUT_MS, () =>
          temporalClient.workflow.signalWithStart(WORKFLOW_TYPE, introductionOf(message, taskQueue)),
        ),
      { signal, isFinal: isAboutTheMessage },
    );
    counters.introspections += 1;
    return null;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const { node_id, message_id } = message;
    logger.error({ node_id, message_id, error }, 'an introspection can not be told to its workflow');
    return `Temporal refuses it: ${reasonOf(error)}`;
  }
}

/** How a node's registration is started by its introspection. */
export function introductionOf(message: Introspection, taskQueue: string) {
  return { ...startOf(message, taskQueue), signal: INTROSPECTION_SIGNAL, signalArgs: [message] };
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
