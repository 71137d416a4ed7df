import type { IncomingRecord, RecordBatch } from '../kafka/consumer.js';
import type { DeadLetterCode } from '../protocol/dead-letter.js';
import type { BridgeContext } from './context.js';
import type { Keyed } from './in-order.js';
import type { Understood } from './understand.js';

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
  understood: Understood<Message>,
  apply: (message: Message) => Promise<string | null>,
  done: (record: IncomingRecord) => void,
): Keyed {
  const deadLetter = async (code: DeadLetterCode, reason: string): Promise<void> => {
    await deadLetters.put([{ record, code, reason }], batch.signal);
    done(record);
  };
  if (!understood.ok) return { key: null, run: () => deadLetter(understood.code, understood.reason) };
  const { message } = understood;
  return {
    key: message.node_id,
    async run() {
      const refusal = await apply(message);
      if (refusal !== null) return deadLetter('refused_by_temporal', refusal);
      done(record);
    },
  };
}
