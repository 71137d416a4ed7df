import type { IHeaders, Message, Producer, RecordMetadata } from 'kafkajs';
import { explainRefusal, explained } from './access/refusal.js';
import type { BrokerTime } from './broker-time.js';
import { CLIENT, type KafkaHandle } from './client.js';
import { partitioner } from './partitioner.js';
import { isAboutATopic } from './refusals.js';

export interface RecordToSend {
  readonly topic: string;
  /** Default: the one that its key belongs to. */
  readonly partition?: number;
  readonly key: Buffer | string | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<IHeaders>;
}

export interface EventProducer {
  /**
   * Connects now and learns where these topics are, so that the first send need not.
   * Rejects when the broker is away or one of them does not exist yet: that send will do it then.
   */
  connect(topics?: readonly string[]): Promise<void>;
  /**
   * Sends all of them, in order per topic and key, acknowledged by all replicas. Rejects if one of them may not have
   * arrived.
   */
  send(records: readonly RecordToSend[]): Promise<void>;
  close(): Promise<void>;
}

/** What a broker answers as its time for a topic whose records carry their senders'. */
const SENDERS_TIME = -1;

/** Twice this and a short pause stay below the 3 s of a local activity, which is tried first. */
const REQUEST_TIMEOUT_MS = 1_350;

/**
 * A producer that gives up in time. Two short tries (measured: 2.9 s at most with a broker that hangs), so that
 * whoever waits 10 s (an activity) never sees a late copy arrive after it has
 * reported a failure. kafkajs's idempotent mode retries without end and does
 * just that, hence it is off; the ids of our messages make a repeat recognisable.
 *
 * It connects with the first send, so a process can start while Kafka is away.
 *
 * @param time learns the broker's time from each answer
 */
export function createProducer(kafka: KafkaHandle, time?: BrokerTime): EventProducer {
  const open = (): Producer =>
    kafka[CLIENT](REQUEST_TIMEOUT_MS).producer({
      idempotent: false,
      allowAutoTopicCreation: false,
      createPartitioner: partitioner,
    });
  let producer = open();
  let connecting: Promise<void> | undefined;
  /** The topics that this producer has sent to. */
  const known = new Set<string>();
  const connected = (): Promise<void> => {
    connecting ??= explained(kafka, null, () => producer.connect()).catch((error: unknown) => {
      connecting = undefined;
      throw error;
    });
    return connecting;
  };
  /** kafkajs asks for all topics that it has ever sent to: one that was deleted since would fail every other send. */
  const beginAnew = async (): Promise<void> => {
    const before = producer;
    producer = open();
    connecting = undefined;
    known.clear();
    await before.disconnect();
  };
  return {
    async connect(topics = []) {
      await connected();
      // kafkajs asks for topics when it sends to them; of no messages, that is all it does.
      const topicMessages = topics.map((topic) => ({ topic, messages: [] }));
      await explained(kafka, { operation: 'WRITE', topics }, () => producer.sendBatch({ topicMessages }));
    },
    async send(records) {
      if (records.length === 0) return;
      await connected();
      const topicMessages = byTopic(records);
      try {
        const sent = Date.now();
        const answers = await producer.sendBatch({ acks: -1, timeout: REQUEST_TIMEOUT_MS, topicMessages });
        const stored = storedAt(answers);
        if (stored !== undefined) time?.learn(sent, stored, Date.now());
        for (const { topic } of topicMessages) known.add(topic);
      } catch (error) {
        const topics = topicMessages.map(({ topic }) => topic);
        if (isAboutATopic(error) && topics.every((topic) => known.has(topic))) await beginAnew();
        // Of several topics, whoever sends to them tries one after the other.
        throw topics.length > 1 ? error : await explainRefusal(kafka, { operation: 'WRITE', topics }, error);
      }
    },
    async close() {
      await producer.disconnect();
    },
  };
}

/** When the broker stored a request, of whose records one says enough: milliseconds since 1970. */
function storedAt(answers: readonly RecordMetadata[]): number | undefined {
  return answers.map(({ logAppendTime }) => Number(logAppendTime ?? SENDERS_TIME)).find((at) => at !== SENDERS_TIME);
}

function byTopic(records: readonly RecordToSend[]) {
  const topics = new Map<string, Message[]>();
  for (const { topic, partition, key, value, headers } of records) {
    const messages = topics.get(topic) ?? [];
    messages.push({ ...(partition === undefined ? {} : { partition }), key, value, headers: { ...headers } });
    topics.set(topic, messages);
  }
  return [...topics].map(([topic, messages]) => ({ topic, messages }));
}
