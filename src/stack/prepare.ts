import { Connection, type TLSConfig } from '@temporalio/client';
import proto from '@temporalio/proto';
import kafkajs, { type Admin } from 'kafkajs';
import { StackError } from './state/errors.js';

// Not all of its names can be imported one by one, for it is not an ES module.
const { ConfigResourceTypes, Kafka, KafkaJSError, logLevel } = kafkajs;
const { IndexedValueType } = proto.temporal.api.enums.v1;

/** What a person filters nodes by in Temporal's web UI. */
const SEARCH_ATTRIBUTES = ['NodeId', 'NodeType', 'RegistrationState'] as const;

/** Creates the search attributes that workflows set, where they are missing. */
export async function createSearchAttributes(
  address: string,
  namespace: string,
  options: { readonly apiKey?: string; readonly tls?: TLSConfig | boolean } = {},
): Promise<void> {
  const connection = await Connection.connect({ address, ...options });
  try {
    const { customAttributes = {} } = await connection.operatorService.listSearchAttributes({ namespace });
    const missing = SEARCH_ATTRIBUTES.filter((name) => customAttributes?.[name] === undefined);
    for (const name of SEARCH_ATTRIBUTES) {
      const type = customAttributes?.[name];
      if (type !== undefined && type !== IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD) {
        throw new StackError(
          `the search attribute ${name} of namespace ${namespace} is ${IndexedValueType[type]}, and the registrar needs a Keyword`,
        );
      }
    }
    if (missing.length === 0) return;
    const searchAttributes = Object.fromEntries(
      missing.map((name) => [name, IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD]),
    );
    await connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
  } finally {
    await connection.close();
  }
}

export interface CreatedTopics {
  readonly created: readonly string[];
  /** Topics of others, or of an earlier version, whose records do not carry the broker's time. */
  readonly otherTimestampType: readonly string[];
}

/**
 * Creates the topics that are missing. Their records carry the broker's time (LogAppendTime), by which the registrar
 * orders messages: the clocks of nodes are not trusted. A topic that exists with another setting is warned about.
 */
export async function createTopics(
  brokers: readonly string[],
  topics: readonly string[],
  options: { readonly partitions: number; readonly warn?: (message: string) => void },
): Promise<CreatedTopics> {
  const admin = new Kafka({
    clientId: 'node-registrar-prepare',
    brokers: [...brokers],
    logLevel: logLevel.NOTHING,
  }).admin();
  await admin.connect();
  try {
    const existing = new Set(await admin.listTopics());
    const created = topics.filter((topic) => !existing.has(topic));
    if (created.length > 0) await createMissing(admin, created, options.partitions);
    const otherTimestampType = await withOtherTimestampType(
      admin,
      topics.filter((topic) => existing.has(topic)),
    );
    for (const topic of otherTimestampType) {
      options.warn?.(
        `Topic ${topic} does not have message.timestamp.type=LogAppendTime: its records carry the senders' time, and the registrar then goes by that.`,
      );
    }
    return { created, otherTimestampType };
  } finally {
    await admin.disconnect();
  }
}

async function createMissing(admin: Admin, topics: readonly string[], partitions: number): Promise<void> {
  try {
    await admin.createTopics({
      waitForLeaders: true,
      topics: topics.map((topic) => ({
        topic,
        numPartitions: partitions,
        // -1: the broker's own default, one for a broker that is alone.
        replicationFactor: -1,
        configEntries: [{ name: 'message.timestamp.type', value: 'LogAppendTime' }],
      })),
    });
  } catch (error) {
    // Somebody else created one at the same moment.
    if (!(error instanceof KafkaJSError) || !error.message.includes('already exists')) throw error;
  }
}

async function withOtherTimestampType(admin: Admin, topics: readonly string[]): Promise<string[]> {
  if (topics.length === 0) return [];
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: topics.map((name) => ({
      type: ConfigResourceTypes.TOPIC,
      name,
      configNames: ['message.timestamp.type'],
    })),
  });
  return resources
    .filter(({ configEntries }) =>
      configEntries.some(
        ({ configName, configValue }) => configName === 'message.timestamp.type' && configValue !== 'LogAppendTime',
      ),
    )
    .map(({ resourceName }) => resourceName);
}
