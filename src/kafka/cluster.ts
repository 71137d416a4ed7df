import kafkajs from 'kafkajs';
import pRetry from 'p-retry';
import { explained } from './access/refusal.js';
import { CLIENT, type KafkaHandle } from './client.js';
import { isNotYetThere } from './refusals.js';
import { namesRefused } from './topic-names.js';

// kafkajs is no ES module: not all of its names can be imported one by one.
const { AssignerProtocol, ConfigResourceTypes, KafkaJSError } = kafkajs;

/** kafkajs itself gives up where a busy broker does not know yet of a topic that it has just created. */
const LEADERS_WITHIN = { retries: 100, minTimeout: 100, factor: 1 };

/** One for a broker that is alone. */
const BROKERS_DEFAULT = -1;

/** One member of a consumer group. */
interface GroupMember {
  readonly id: string;
  /** The partitions that it reads, by topic. */
  readonly partitions: Readonly<Record<string, readonly number[]>>;
}

interface NewTopics {
  readonly partitions: number;
  /** How many brokers hold each partition. Default: the broker's own default. */
  readonly replicas?: number;
  /** Settings of each topic, for example { "message.timestamp.type": "LogAppendTime" }. */
  readonly settings: Readonly<Record<string, string>>;
}

/** What is prepared and looked at in a cluster. */
export interface Cluster {
  /** How many brokers there are. */
  brokers(): Promise<number>;
  /** Names of all topics. */
  topics(): Promise<ReadonlySet<string>>;
  /**
   * Creates topics, and waits until they have leaders. One that somebody else creates at the same moment is no error.
   *
   * @throws KafkaRefusal where Kafka does not take a name; it says beside which
   */
  createTopics(topics: readonly string[], options: NewTopics): Promise<void>;
  /** The value of one setting, by topic. */
  topicSetting(topics: readonly string[], setting: string): Promise<ReadonlyMap<string, string>>;
  /** The members of a consumer group; none where there is no such group. */
  members(groupId: string): Promise<readonly GroupMember[]>;
  /** Forgets a group without members, and what it has committed. */
  deleteGroup(groupId: string): Promise<void>;
  close(): Promise<void>;
}

/**
 * Connects to a cluster.
 *
 * @param requestTimeoutMs gives up soon, after two short tries at each step: milliseconds. Without: patient
 * @throws Error when no broker answers
 */
export async function openCluster(kafka: KafkaHandle, requestTimeoutMs?: number): Promise<Cluster> {
  const admin = kafka[CLIENT](requestTimeoutMs).admin();
  await explained(kafka, null, () => admin.connect()).catch(async (error: unknown) => {
    await admin.disconnect();
    throw error;
  });
  return {
    brokers: async () => (await explained(kafka, null, () => admin.describeCluster())).brokers.length,
    topics: async () => new Set(await explained(kafka, null, () => admin.listTopics())),
    async createTopics(topics, { partitions, replicas = BROKERS_DEFAULT, settings }) {
      const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }));
      const options = { numPartitions: partitions, replicationFactor: replicas, configEntries };
      try {
        await explained(kafka, { operation: 'CREATE', topics }, () =>
          admin.createTopics({ waitForLeaders: false, topics: topics.map((topic) => ({ topic, ...options })) }),
        );
      } catch (error) {
        if (!(error instanceof KafkaJSError) || !error.message.includes('already exists'))
          throw namesRefused(error, new Set(await admin.listTopics())) ?? error;
      }
      await pRetry(() => admin.fetchTopicMetadata({ topics: [...topics] }), {
        ...LEADERS_WITHIN,
        shouldRetry: ({ error }) => isNotYetThere(error),
      });
    },
    async topicSetting(topics, setting) {
      if (topics.length === 0) return new Map();
      const { resources } = await explained(kafka, { operation: 'DESCRIBE_CONFIGS', topics }, () =>
        admin.describeConfigs({
          includeSynonyms: false,
          resources: topics.map((name) => ({ type: ConfigResourceTypes.TOPIC, name, configNames: [setting] })),
        }),
      );
      return new Map(
        resources.flatMap(({ resourceName, configEntries }) =>
          configEntries
            .filter(({ configName }) => configName === setting)
            .map(({ configValue }): [string, string] => [resourceName, configValue]),
        ),
      );
    },
    async members(groupId) {
      const { groups } = await explained(kafka, { operation: 'DESCRIBE', group: groupId }, () =>
        admin.describeGroups([groupId]),
      );
      return (groups[0]?.members ?? []).map(({ memberId, memberAssignment }) => ({
        id: memberId,
        partitions: AssignerProtocol.MemberAssignment.decode(memberAssignment)?.assignment ?? {},
      }));
    },
    async deleteGroup(groupId) {
      await explained(kafka, { operation: 'DELETE', group: groupId }, () => admin.deleteGroups([groupId]));
    },
    close: () => admin.disconnect(),
  };
}
