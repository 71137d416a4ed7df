import pRetry from 'p-retry';
import { explained } from './access/refusal.js';
import { CLIENT, type KafkaHandle } from './client.js';
import { isWithoutLeader } from './refusals.js';

/** kafkajs itself gives up where a partition is so new, or its broker so lately gone, that nobody leads it. */
const LEADER_WITHIN = { retries: 10, minTimeout: 200, factor: 1 };

export interface PartitionEnds {
  readonly partition: number;
  /** Offset of the oldest record that is still kept. */
  readonly low: string;
  /** Offset that the next record will get. */
  readonly high: string;
}

export interface KafkaAdmin {
  /** The partitions that a topic has now. */
  partitions(topic: string): Promise<number[]>;
  /** Where each partition of a topic begins and ends. */
  topicEnds(topic: string): Promise<PartitionEnds[]>;
  /** By partition, the offset of the first record that is not older. */
  offsetsAt(topic: string, time: Date): Promise<ReadonlyMap<number, string>>;
  /** Committed offset by partition; partitions on which the group has committed nothing are missing. */
  committed(groupId: string, topic: string): Promise<ReadonlyMap<number, string>>;
  close(): Promise<void>;
}

/**
 * Asks the broker, and gives up after seconds: an answer that comes late is worth nothing. Connects with the first
 * question.
 *
 * @param operation what the topics are asked about for: the right to READ holds the one to DESCRIBE
 */
export function createAdmin(kafka: KafkaHandle, operation: 'READ' | 'DESCRIBE' = 'DESCRIBE'): KafkaAdmin {
  const admin = kafka[CLIENT](3_000).admin();
  let connecting: Promise<void> | undefined;
  const connected = (): Promise<void> => {
    connecting ??= explained(kafka, null, () => admin.connect()).catch((error: unknown) => {
      connecting = undefined;
      throw error;
    });
    return connecting;
  };
  const query = async <T>(topic: string, question: () => Promise<T>): Promise<T> => {
    await connected();
    return explained(kafka, { operation, topics: [topic] }, question);
  };
  return {
    async partitions(topic) {
      const { topics } = await query(topic, () => admin.fetchTopicMetadata({ topics: [topic] }));
      return topics.flatMap((one) => one.partitions.map(({ partitionId }) => partitionId));
    },
    async topicEnds(topic) {
      const ends = await query(topic, () => ledBySomebody(() => admin.fetchTopicOffsets(topic)));
      return ends.map(({ partition, low, high }) => ({ partition, low, high }));
    },
    async offsetsAt(topic, time) {
      const ends = () => admin.fetchTopicOffsetsByTimestamp(topic, time.getTime());
      const offsets = await query(topic, () => ledBySomebody(ends));
      return new Map(offsets.map(({ partition, offset }) => [partition, offset]));
    },
    async committed(groupId, topic) {
      await connected();
      const topics = await explained(kafka, { operation: 'DESCRIBE', group: groupId }, () =>
        admin.fetchOffsets({ groupId, topics: [topic] }),
      );
      const partitions = topics.flatMap((one) => one.partitions).filter(({ offset }) => offset !== '-1');
      return new Map(partitions.map(({ partition, offset }) => [partition, offset]));
    },
    async close() {
      await admin.disconnect();
    },
  };
}

function ledBySomebody<T>(query: () => Promise<T>): Promise<T> {
  return pRetry(query, { ...LEADER_WITHIN, shouldRetry: ({ error }) => isWithoutLeader(error) });
}
