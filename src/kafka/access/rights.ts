import Decoder from 'kafkajs/src/protocol/decoder.js';
import Encoder from 'kafkajs/src/protocol/encoder.js';
import { CLIENT, type KafkaHandle } from '../client.js';

/** Kafka's operations that the registrar knows, and their numbers in an answer. */
const OPERATIONS = { READ: 3, WRITE: 4, CREATE: 5, DELETE: 6, DESCRIBE: 8, DESCRIBE_CONFIGS: 10 } as const;

export type KafkaOperation = keyof typeof OPERATIONS;

const ASK_WITHIN_MS = 3_000;

/**
 * The topics on which this client may not do something. Where the broker cannot be asked, or names none, all of them:
 * one of these it is.
 */
export async function missingTopics(
  kafka: KafkaHandle,
  topics: readonly string[],
  operation: KafkaOperation,
): Promise<readonly string[]> {
  if (topics.length < 2) return topics;
  try {
    const rights = await rightsOn(kafka, topics);
    const missing = topics.filter((topic) => ((rights.get(topic) ?? 0) & (1 << OPERATIONS[operation])) === 0);
    return missing.length > 0 ? missing : topics;
  } catch (error) {
    kafka.logger.debug({ err: error }, 'the broker does not answer which rights this client has');
    return topics;
  }
}

interface InternalBroker {
  findGroupCoordinator(group: { readonly groupId: string; readonly coordinatorType: 0 }): Promise<unknown>;
  readonly connectionPool: { send(request: object): Promise<unknown> };
}

/** What is used here of kafkajs's own cluster, which it keeps below a symbol. */
interface InternalCluster {
  readonly brokerPool: { findConnectedBroker(): Promise<InternalBroker> };
  connect(): Promise<void>;
  disconnect(): Promise<void>;
}

/**
 * Why no coordinator of a group is found: kafkajs keeps the brokers' own answers to itself.
 *
 * @returns undefined where there is one, or the broker cannot be asked
 */
export async function coordinatorRefusal(kafka: KafkaHandle, groupId: string): Promise<unknown> {
  try {
    await withBroker(kafka, (broker) => broker.findGroupCoordinator({ groupId, coordinatorType: 0 }));
    return undefined;
  } catch (error) {
    return error;
  }
}

/** By topic, the operations that this client may do there: a bit each. */
async function rightsOn(kafka: KafkaHandle, topics: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const rights = await withBroker(kafka, ({ connectionPool }) => connectionPool.send(metadataWithRights(topics)));
  return rights as ReadonlyMap<string, number>;
}

async function withBroker<T>(kafka: KafkaHandle, query: (broker: InternalBroker) => Promise<T>): Promise<T> {
  const client = kafka[CLIENT](ASK_WITHIN_MS);
  const make = Object.getOwnPropertySymbols(client).find(
    ({ description }) => description === 'private:Kafka:createCluster',
  );
  if (make === undefined) throw new Error('kafkajs makes no cluster as 2.2.4 does: is it another version?');
  const makers = client as unknown as Record<symbol, (options: object) => InternalCluster>;
  const cluster = makers[make]?.({});
  if (cluster === undefined) throw new Error('kafkajs made no cluster');
  try {
    await cluster.connect();
    return await query(await cluster.brokerPool.findConnectedBroker());
  } finally {
    await cluster.disconnect();
  }
}

/** Version 8 of Kafka's Metadata, the first that answers with rights; kafkajs knows up to 6. */
function metadataWithRights(topics: readonly string[]): object {
  const [autoCreate, ofCluster, ofTopics] = [false, false, true];
  return {
    request: {
      apiKey: 3,
      apiVersion: 8,
      apiName: 'Metadata',
      encode: () =>
        Promise.resolve(
          new Encoder().writeArray(topics).writeBoolean(autoCreate).writeBoolean(ofCluster).writeBoolean(ofTopics),
        ),
    },
    response: {
      decode: (raw: Buffer) => Promise.resolve(rightsIn(new Decoder(raw))),
      parse: (rights: ReadonlyMap<string, number>) => Promise.resolve(rights),
    },
  };
}

function rightsIn(answer: Decoder): ReadonlyMap<string, number> {
  const int32s = (): void => void answer.readArray((one) => one.readInt32());
  answer.readInt32(); // throttle time
  answer.readArray((broker) => [broker.readInt32(), broker.readString(), broker.readInt32(), broker.readString()]);
  answer.readString(); // cluster id
  answer.readInt32(); // controller
  const topics = answer.readArray((topic): [string, number] => {
    const isRefused = topic.readInt16() !== 0;
    const name = topic.readString();
    topic.readBoolean(); // is internal
    topic.readArray((partition) => {
      partition.readInt16(); // error
      partition.readInt32(); // partition
      partition.readInt32(); // leader
      partition.readInt32(); // leader's epoch
      for (let list = 0; list < 3; list += 1) int32s(); // replicas, those in sync, those offline
    });
    const rights = topic.readInt32();
    return [name, isRefused ? 0 : rights];
  });
  return new Map(topics);
}
