import { CLIENT, type KafkaHandle } from '../../src/kafka/client.js';
import type { EventProducer } from '../../src/kafka/index.js';
import { partitioner } from '../../src/kafka/partitioner.js';

export type PatientProducer = Pick<EventProducer, 'send' | 'close'>;

/**
 * The sender of a test, which waits as long as Kafka needs on a busy machine. The product's own producer gives up
 * within 3 s by design, and whoever uses it sends again; a test that sends once would fail then.
 */
export function patientProducer(kafka: KafkaHandle): PatientProducer {
  const producer = kafka[CLIENT]().producer({ allowAutoTopicCreation: false, createPartitioner: partitioner });
  let connecting: Promise<void> | undefined;
  return {
    async send(records) {
      await (connecting ??= producer.connect());
      const topicMessages = records.map(({ topic, headers, ...message }) => ({
        topic,
        messages: [{ ...message, headers: { ...headers } }],
      }));
      await producer.sendBatch({ topicMessages });
    },
    close: () => producer.disconnect(),
  };
}
