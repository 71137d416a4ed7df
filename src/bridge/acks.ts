import pLimit from 'p-limit';
import { ACK_SIGNAL } from '../../workflows/messages.js';
import type { IncomingRecord, RecordBatch } from '../kafka/consumer.js';
import { parseAck, type Ack } from '../protocol/ack.js';
import type { BridgeContext } from './context.js';
import { handleEach } from './handling.js';
import { timedAnswer } from './record-times.js';
import { signalWorkflow } from './signal-workflow.js';
import { understand } from './understand.js';
import type { TopicWatermarks } from './liveness/topic-watermarks.js';

/** Signals in flight at once, over all partitions. */
const IN_FLIGHT = 32;

/**
 * Acknowledgements signal their nodes' workflows. Afterwards the watermark shows
 * how far the topic is read; a workflow asks for that before it gives up on a node.
 */
export function acks(
  context: BridgeContext,
  watermarksOf: (topic: string) => TopicWatermarks,
): (batch: RecordBatch) => Promise<void> {
  const limit = pLimit(IN_FLIGHT);
  return async (batch) => {
    let finished = 0;
    const done = (record: IncomingRecord): void => {
      finished += 1;
      batch.done(record);
    };
    await handleEach(context, batch, {
      kind: 'acks',
      read: (record) => understand(record, () => parseAck(record.value, timedAnswer(record))),
      apply: (ack) => apply(context, ack, batch),
      limit,
      done,
    });
    // The acks themselves are with Temporal: a database that is away must not hold them up. The next second writes it.
    if (finished === batch.records.length)
      await context.postgres.once(() => watermarksOf(batch.topic).store(context.pool, batch));
  };
}

/** Returns why this ack cannot be applied at all, else null. */
async function apply(context: BridgeContext, ack: Ack, { signal }: RecordBatch): Promise<string | null> {
  const { counters, logger } = context;
  const { node_id, correlation_id, message_id, at } = ack;
  const result = await signalWorkflow(context, node_id, { name: ACK_SIGNAL, args: [ack] }, signal);
  switch (result.outcome) {
    case 'delivered':
      counters.acks += 1;
      return null;
    case 'no_run':
      // It came after the end of the registration, or for a node that never introduced itself: it changes nothing.
      counters.acks_without_run += 1;
      logger.info({ node_id, correlation_id, message_id, at }, 'an ack for a node whose registration has no run');
      return null;
    case 'refused':
      return result.reason;
  }
}
