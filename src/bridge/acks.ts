import { WorkflowNotFoundError } from '@temporalio/client';
import pLimit from 'p-limit';
import { ACK_SIGNAL, workflowId, type AckSignal } from '../../workflows/messages.js';
import type { IncomingRecord, RecordBatch } from '../kafka/consumer.js';
import { parseAck, type Ack } from '../protocol/ack.js';
import type { BridgeContext } from './context.js';
import { handling } from './handling.js';
import { inOrderPerKey } from './in-order.js';
import { isAboutTheMessage } from './temporal-errors.js';
import { markStored } from './liveness/watermarks.js';

/** Signals under way at once, over all partitions. */
const IN_FLIGHT = 32;
const CALL_TIMEOUT_MS = 10_000;

/**
 * A node that acknowledges: its workflow is told. Afterwards the watermark says
 * that the topic is read so far; a workflow asks for that before it gives up on a node.
 */
export function acks(context: BridgeContext, stalledSeconds: number): (batch: RecordBatch) => Promise<void> {
  const limit = pLimit(IN_FLIGHT);
  return async (batch) => {
    let finished = 0;
    const done = (record: IncomingRecord): void => {
      finished += 1;
      batch.done(record);
    };
    await inOrderPerKey(
      batch.records.map((record) =>
        handling(
          context,
          batch,
          record,
          parseAck(record.value, record),
          (ack) => tell(context, ack, batch.signal),
          done,
        ),
      ),
      limit,
      () => batch.isRunning() && !batch.signal.aborted,
    );
    if (finished === batch.records.length) await readSoFar(context, batch, stalledSeconds);
  };
}

/** Waits for Temporal for as long as it takes. Returns why this message can't be told at all, else null. */
async function tell(
  { temporal, temporalClient, counters, logger }: BridgeContext,
  ack: Ack,
  signal: AbortSignal,
): Promise<string | null> {
  const { node_id, correlation_id, message_id } = ack;
  const handle = temporalClient.workflow.getHandle(workflowId(node_id));
  try {
    await temporal.untilAnswered(
      () =>
        temporalClient.withDeadline(Date.now() + CALL_TIMEOUT_MS, () => handle.signal<[AckSignal]>(ACK_SIGNAL, ack)),
      {
        signal,
        isFinal: (error) => error instanceof WorkflowNotFoundError || isAboutTheMessage(error),
      },
    );
    counters.acks += 1;
    return null;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof WorkflowNotFoundError) {
      // It came after the end of the registration, or for a node that never introduced itself. There is nothing to apply it to.
      counters.acks_without_run += 1;
      logger.info(
        { node_id, correlation_id, message_id, at: ack.at },
        'an ack for a node whose registration has no run',
      );
      return null;
    }
    logger.error({ node_id, message_id, error }, 'an ack can not be told to its workflow');
    return `Temporal refuses it: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** The acks themselves are told: a database that is away must not hold them up. The next second says it again. */
function readSoFar({ pool, postgres }: BridgeContext, batch: RecordBatch, stalledSeconds: number): Promise<void> {
  return postgres.once(() => markStored(pool, batch, stalledSeconds));
}
