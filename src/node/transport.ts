import type { Logger } from 'pino';
import { consume, createKafka, createProducer, type KafkaConnection, type RecordToSend } from '../kafka/index.js';
import type { RecordHeaders } from '../protocol/instance.js';

/** What a hub wants to consume. */
export interface SubscribeOptions {
  readonly groupId: string;
  readonly topics: readonly string[];
  /**
   * 'now': what is sent after subscribe() has resolved. 'where it left off': nothing since the last record is missed.
   */
  readonly from: 'now' | 'where it left off';
  /** Must not throw. */
  readonly onRecord: (value: Buffer | null, headers: RecordHeaders) => void;
  /** The consumer has ended for good. */
  readonly onFatal: (error: Error) => void;
  /** Why nothing can be read yet, or any more; it is tried again all the same. */
  readonly onTrouble: (error: Error) => void;
  /** Ends the waiting for Kafka. */
  readonly signal: AbortSignal;
}

/** What a hub needs of Kafka; tests have one in memory. */
export interface NodeTransport {
  /** Resolves when everything that is sent from then on will be read; until Kafka is there, it waits. */
  subscribe(options: SubscribeOptions): Promise<{ stop(): Promise<void> }>;
  /** Rejects when one of the records may not have arrived. */
  send(records: readonly RecordToSend[]): Promise<void>;
  close(): Promise<void>;
}

export interface KafkaTransportOptions extends KafkaConnection {
  readonly clientId: string;
  readonly logger: Logger;
  /** Topics that will be sent to. */
  readonly sentTopics: readonly string[];
}

/** One consumer and one producer. */
export function kafkaTransport(options: KafkaTransportOptions): NodeTransport {
  const kafka = createKafka(options);
  const producer = createProducer(kafka);
  return {
    subscribe({ groupId, topics, from, signal, onRecord, onFatal, onTrouble }) {
      // Meanwhile, so that the first introspection need not wait for it. A failure here comes again in that send.
      void Promise.allSettled([producer.connect(options.sentTopics)]);
      return consume(kafka, {
        groupId,
        topics,
        from: from === 'now' ? 'now' : 'beginning',
        signal,
        onFatal,
        onTrouble,
        onBatch(batch) {
          for (const record of batch.records) {
            onRecord(record.value, record.headers);
            batch.done(record);
          }
          return Promise.resolve();
        },
      });
    },
    send: (records) => producer.send(records),
    close: () => producer.close(),
  };
}
