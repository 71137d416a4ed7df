import type { IncomingRecord, RecordBatch } from '../kafka/consumer.js';
import type { Parsed } from '../protocol/incoming.js';
import type { BridgeContext } from './context.js';
import type { Keyed } from './in-order.js';

/**
 * One record for a node's workflow: applied in its node's turn, or put into the
 * dead letters with the reason; done only after that.
 *
 * @param apply returns why this message cannot be applied at all, else null
 */
export function handling<Message extends { readonly node_id: string }>(
  { deadLetters }: Pick<BridgeContext, 'deadLetters'>,
  batch: RecordBatch,
  record: IncomingRecord,
  parsed: Parsed<Message>,
  apply: (message: Message) => Promise<string | null>,
  done: (record: IncomingRecord) => void,
): Keyed {
  const deadLetter = async (reason: string): Promise<void> => {
    await deadLetters.put([{ record, reason }], batch.signal);
    done(record);
  };
  if (!parsed.ok) return { key: null, run: () => deadLetter(parsed.reason) };
  const { message } = parsed;
  return {
    key: message.node_id,
    async run() {
      const refusal = await apply(message);
      if (refusal !== null) return deadLetter(refusal);
      done(record);
    },
  };
}
