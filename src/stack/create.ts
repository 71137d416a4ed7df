import { Connection, isGrpcServiceError } from '@temporalio/client';
import proto from '@temporalio/proto';
import { pino } from 'pino';
import type { TemporalConnection } from '../config/index.js';
import { openCluster } from '../kafka/cluster.js';
import { createKafka } from '../kafka/client.js';
import type { KafkaConnection } from '../kafka/connection.js';
import { StackError } from './state/errors.js';

const { IndexedValueType } = proto.temporal.api.enums.v1;

/** What a person filters nodes by in Temporal's web UI. */
const SEARCH_ATTRIBUTES = ['NodeId', 'NodeType', 'RegistrationState'] as const;

/** All that is asked of Temporal for the search attributes. */
const ATTRIBUTES_WITHIN_MS = 20_000;

/**
 * Creates the search attributes that workflows set, where they are missing.
 *
 * @throws Error of Temporal's client where the answers take more than 20 s
 * @throws StackError where the namespace is not there or whoever asks may not create them: it names the commands for
 * those who may
 */
export async function createSearchAttributes(
  address: string,
  namespace: string,
  access: Omit<TemporalConnection, 'address'> = {},
): Promise<void> {
  const connection = await Connection.connect({ address, ...access });
  try {
    await connection.withDeadline(Date.now() + ATTRIBUTES_WITHIN_MS, () =>
      addMissingAttributes(connection, address, namespace),
    );
  } finally {
    await connection.close();
  }
}

async function addMissingAttributes(connection: Connection, address: string, namespace: string): Promise<void> {
  const missing = await missingAttributes(connection, namespace);
  if (missing.length === 0) return;
  const searchAttributes = Object.fromEntries(
    missing.map((name) => [name, IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD]),
  );
  await connection.operatorService.addSearchAttributes({ namespace, searchAttributes }).catch((error: unknown) => {
    if (!isGrpcServiceError(error) || codeOf(error) !== PERMISSION_DENIED) throw error;
    throw new StackError(
      `namespace ${namespace} of Temporal at ${address} has no search attribute ${missing.join(', ')}, and whoever ` +
        `asks may not create them (${error.details}). ${byHand(createAttributes(namespace, missing))}`,
    );
  });
}

/** gRPC's status codes. */
const NOT_FOUND = 5;
const PERMISSION_DENIED = 7;

const codeOf = (error: unknown): number | undefined => (isGrpcServiceError(error) ? error.code : undefined);

async function missingAttributes(connection: Connection, namespace: string): Promise<string[]> {
  try {
    const { customAttributes = {} } = await connection.operatorService.listSearchAttributes({ namespace });
    for (const name of SEARCH_ATTRIBUTES) {
      const type = customAttributes?.[name];
      if (type !== undefined && type !== IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD) {
        throw new StackError(
          `the search attribute ${name} of namespace ${namespace} is ${IndexedValueType[type]}, and the ` +
            'registrar needs a Keyword',
        );
      }
    }
    return SEARCH_ATTRIBUTES.filter((name) => customAttributes?.[name] === undefined);
  } catch (error) {
    // Who may not use a namespace learns no more where there is none.
    const code = codeOf(error);
    if (!isGrpcServiceError(error) || (code !== NOT_FOUND && code !== PERMISSION_DENIED)) throw error;
    const create = `temporal operator namespace create --namespace ${namespace}`;
    const wrong = code === NOT_FOUND ? 'is not there' : 'is not there, or may not be used with this API key';
    throw new StackError(
      `namespace ${namespace} ${wrong} (${error.details}). Set TEMPORAL_NAMESPACE to another one, or: ` +
        byHand([create, ...createAttributes(namespace, SEARCH_ATTRIBUTES)]),
    );
  }
}

/** Given several names at once, Temporal's command line (1.9.1) creates the first, and says that all are there. */
function createAttributes(namespace: string, names: readonly string[]): string[] {
  const create = `temporal operator search-attribute create --namespace ${namespace} --type Keyword --name`;
  return names.map((name) => `${create} ${name}`);
}

/** What somebody with the rights of an operator does once. */
function byHand(commands: readonly string[]): string {
  const lines = commands.map((one) => `\n  ${one}`).join('');
  return `Have an operator run this once, and run 'registrar setup' again:${lines}`;
}

/** The setting of a topic for whose time its records carry, and its value for the broker's. */
const TIMESTAMP_TYPE = 'message.timestamp.type';
const BROKERS_TIME = 'LogAppendTime';

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
  connection: KafkaConnection,
  topics: readonly string[],
  options: {
    readonly partitions: number;
    /** How many brokers hold each partition. Default: the broker's own default. */
    readonly replicas?: number;
    readonly warn?: (message: string) => void;
    /** Kafka's own settings of new topics, besides their kind of time. */
    readonly settings?: Readonly<Record<string, string>>;
  },
): Promise<CreatedTopics> {
  const kafka = createKafka({ ...connection, clientId: 'node-registrar-prepare', logger: pino({ level: 'silent' }) });
  const cluster = await openCluster(kafka);
  try {
    const existing = await cluster.topics();
    const created = topics.filter((topic) => !existing.has(topic));
    if (created.length > 0)
      await cluster.createTopics(created, {
        partitions: options.partitions,
        ...(options.replicas !== undefined && { replicas: options.replicas }),
        settings: { ...options.settings, [TIMESTAMP_TYPE]: BROKERS_TIME },
      });
    const others = topics.filter((topic) => existing.has(topic));
    const types = await cluster.topicSetting(others, TIMESTAMP_TYPE);
    const otherTimestampType = others.filter((topic) => types.get(topic) !== BROKERS_TIME);
    for (const topic of otherTimestampType) {
      options.warn?.(
        `Topic ${topic} does not have message.timestamp.type=LogAppendTime: its records carry the senders' ` +
          'time, and count from when the registrar reads them.',
      );
    }
    return { created, otherTimestampType };
  } finally {
    await cluster.close();
  }
}
