import type { Kafka } from 'kafkajs';
import kafkajs from 'kafkajs';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { CLIENT, type KafkaHandle } from '../../../src/kafka/client.js';
import { openCluster } from '../../../src/kafka/cluster.js';

const { KafkaJSError } = kafkajs;

/** A broker's answer as kafkajs has it. */
const refusal = (type: string): Error => Object.assign(new KafkaJSError(`refused: ${type}`), { type });

/** A cluster that answers a question for metadata with these errors first. */
function clusterWith(...failures: Error[]) {
  const asked: (readonly string[])[] = [];
  const created: unknown[] = [];
  const admin = {
    connect: () => Promise.resolve(),
    createTopics({ topics }: { readonly topics: readonly object[] }) {
      created.push(...topics);
      return Promise.resolve(true);
    },
    fetchTopicMetadata({ topics }: { readonly topics: readonly string[] }) {
      asked.push(topics);
      const failure = failures.shift();
      return failure === undefined ? Promise.resolve({ topics: [] }) : Promise.reject(failure);
    },
  };
  const client = { admin: () => admin } as unknown as Kafka;
  const handle: KafkaHandle = { [CLIENT]: () => client, logger: pino({ level: 'silent' }) };
  return { cluster: openCluster(handle), asked, created };
}

/** A broker that has these topics, and takes no other of these names. */
function refusing(existing: readonly string[], names: readonly string[]): Promise<void> {
  const errors = names.map((topic) => Object.assign(refusal('INVALID_TOPIC_EXCEPTION'), { topic }));
  const admin = {
    connect: () => Promise.resolve(),
    createTopics: () => Promise.reject(Object.assign(new Error('Topic creation errors'), { errors })),
    listTopics: () => Promise.resolve(existing),
  };
  const client = { admin: () => admin } as unknown as Kafka;
  const handle: KafkaHandle = { [CLIENT]: () => client, logger: pino({ level: 'silent' }) };
  return openCluster(handle).then((cluster) => cluster.createTopics(names, { partitions: 1, settings: {} }));
}

describe('topics whose names Kafka does not take', () => {
  it.each([
    [['a.b.c'], ['a_b.c', 'a_b.d'], 'it takes no topic a_b.c and 1 more beside a.b.c, which is there'],
    [['a.b.d'], ['a_b.c'], 'it takes no topic a_b.c: a name has at most 249 of the characters'],
  ])('beside %j: the others are named, or what a name must be', async (existing, names, words) => {
    await expect(refusing(existing, names)).rejects.toThrow(words);
    await expect(refusing(existing, names)).rejects.toThrow(
      '. Set REGISTRAR_ENV or REGISTRAR_NAMESPACE to another name',
    );
  });
});

describe('topics that are created', () => {
  const create = async ({ cluster }: ReturnType<typeof clusterWith>): Promise<void> =>
    (await cluster).createTopics(['a', 'b'], { partitions: 1, settings: {} });

  it('are waited for while a busy broker does not know of them yet', async () => {
    const made = clusterWith(refusal('UNKNOWN_TOPIC_OR_PARTITION'), refusal('LEADER_NOT_AVAILABLE'));
    await create(made);
    expect(made.asked).toEqual([
      ['a', 'b'],
      ['a', 'b'],
      ['a', 'b'],
    ]);
  });

  it.each([
    [
      { partitions: 24, replicas: 3 },
      { numPartitions: 24, replicationFactor: 3 },
    ],
    [{ partitions: 6 }, { numPartitions: 6, replicationFactor: -1 }],
  ])('of %o: the broker is asked for %o', async (wanted, counts) => {
    const made = clusterWith();
    await (await made.cluster).createTopics(['a', 'b'], { ...wanted, settings: { 'retention.ms': '1' } });
    const settings = { configEntries: [{ name: 'retention.ms', value: '1' }] };
    expect(made.created).toEqual(['a', 'b'].map((topic) => ({ topic, ...counts, ...settings })));
  });

  it('are not waited for where the broker refuses to speak of them', async () => {
    const made = clusterWith(refusal('TOPIC_AUTHORIZATION_FAILED'));
    await expect(create(made)).rejects.toThrow('TOPIC_AUTHORIZATION_FAILED');
    expect(made.asked).toHaveLength(1);
  });
});
