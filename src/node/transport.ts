import type { Logger } from 'pino';
import { consume, createKafka, createProducer, type RecordToSend } from '../kafka/index.js';

export interface Listening {
  readonly groupId: string;
  readonly topics: readonly string[];
  /** 'now': what is sent after subscribe() has resolved. 'where it left off': nothing since the last record is missed. */
  readonly from: 'now' | 'where it left off';
  /** Must not throw. */
  onRecord(value: Buffer | null): void;
  /** It hears nothing any more. */
  onFatal(error: Error): void;
  /** Gives up waiting for Kafka. */
  readonly signal: AbortSignal;
}

/** What a hub needs of Kafka; tests have one in memory. */
export interface NodeTransport {
  /** Resolves when everything that is sent from then on will be heard; until Kafka is there, it waits. */
  subscribe(listening: Listening): Promise<{ stop(): Promise<void> }>;
  /** Rejects when one of the records may not have arrived. */
  send(records: readonly RecordToSend[]): Promise<void>;
  close(): Promise<void>;
}

export interface KafkaTransportOptions {
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly logger: Logger;
  /** Topics that will be sent to. */
  readonly said: readonly string[];
}

/** One consumer and one producer. */
export function kafkaTransport(options: KafkaTransportOptions): NodeTransport {
  const kafka = createKafka(options);
  const producer = createProducer(kafka);
  return {
    subscribe(listening) {
      // Meanwhile, so that the first introspection need not wait for it. A failure here is met again, and told, by that send.
      void Promise.allSettled([producer.connect(options.said)]);
      return consume(kafka, {
        groupId: listening.groupId,
        topics: listening.topics,
        from: listening.from === 'now' ? 'now' : 'beginning',
        signal: listening.signal,
        onFatal: (error) => listening.onFatal(error),
        onBatch(batch) {
          for (const record of batch.records) {
            listening.onRecord(record.value);
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
