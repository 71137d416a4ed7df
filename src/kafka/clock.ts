import { explained } from './access/refusal.js';
import { CLIENT, type KafkaHandle } from './client.js';
import type { RecordToSend } from './producer.js';

/** A broker's clock, read by records. */
export interface BrokersClock {
  /** Sends the record; milliseconds since 1970 by the broker, null where the topic keeps its senders' times. */
  read(): Promise<number | null>;
  close(): Promise<void>;
}

/**
 * Connects to read the clock of the broker that leads a partition.
 *
 * @param record what is sent with each reading
 * @param requestTimeoutMs gives up soon: milliseconds
 * @throws Error when no broker answers
 */
export async function openBrokersClock(
  kafka: KafkaHandle,
  { topic, partition, key, value, headers }: RecordToSend,
  requestTimeoutMs: number,
): Promise<BrokersClock> {
  const producer = kafka[CLIENT](requestTimeoutMs).producer({ allowAutoTopicCreation: false });
  await explained(kafka, null, () => producer.connect());
  const message = { ...(partition === undefined ? {} : { partition }), key, value, headers: { ...headers } };
  return {
    async read() {
      const [sent] = await explained(kafka, { operation: 'WRITE', topics: [topic] }, () =>
        producer.send({ topic, acks: -1, timeout: requestTimeoutMs, messages: [message] }),
      );
      const time = Number(sent?.logAppendTime ?? -1);
      return time < 0 ? null : time;
    },
    close: () => producer.disconnect(),
  };
}
