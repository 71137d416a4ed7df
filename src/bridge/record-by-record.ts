import { errorText } from '../error-text.js';
import type { IncomingRecord, RecordBatch } from '../kafka/consumer.js';
import type { BridgeContext } from './context.js';

type Handle = (batch: RecordBatch) => Promise<void>;

/**
 * A batch that fails twice at one place is taken record by record. The record that fails then too becomes a dead
 * letter, with the error as its reason, and those behind it go on.
 */
export function recordByRecord(
  { deadLetters, logger }: Pick<BridgeContext, 'deadLetters' | 'logger'>,
  handle: Handle,
): Handle {
  /** Partitions whose last batch failed. */
  const failing = new Set<string>();
  return async (batch) => {
    const place = `${batch.topic}/${batch.partition}`;
    const left = new Set(batch.records);
    const tracked: RecordBatch = {
      ...batch,
      done(record) {
        left.delete(record);
        batch.done(record);
      },
    };
    try {
      await handle(tracked);
    } catch (error) {
      if (batch.signal.aborted) throw error;
      logger.error({ topic: batch.topic, partition: batch.partition, err: error }, 'a batch could not be handled');
      // Kafka delivers what is not done again: a failure that passes, passes then.
      if (!failing.has(place)) {
        failing.add(place);
        throw error;
      }
      const [last] = [...left].slice(-1);
      for (const record of left)
        await alone(record, { ...tracked, upTo: record === last ? batch.upTo : upToHere(record) });
    }
    failing.delete(place);
  };

  async function alone(record: IncomingRecord, batch: RecordBatch): Promise<void> {
    if (!batch.isRunning() || batch.signal.aborted) return;
    try {
      await handle({ ...batch, records: [record] });
    } catch (error) {
      if (batch.signal.aborted) throw error;
      const reason = `handling it failed, again and again: ${errorText(error)}`;
      await deadLetters.put([{ record, code: 'unexpected_error', reason }], batch.signal);
      batch.done(record);
    }
  }
}

/** Those behind this record are not handled yet: no watermark may speak of them. */
function upToHere({ offset, timestamp, isBrokersTime }: IncomingRecord): RecordBatch['upTo'] {
  return { next_offset: String(BigInt(offset) + 1n), timestamp, isBrokersTime, markers: [] };
}
