import type { Kafka } from 'kafkajs';
import kafkajs from 'kafkajs';
import BrokerPool from 'kafkajs/src/cluster/brokerPool.js';
import { pino } from 'pino';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createAdmin } from '../../../src/kafka/admin.js';
import { CLIENT, createKafka, type KafkaHandle } from '../../../src/kafka/client.js';

const { KafkaJSNonRetriableError } = kafkajs;

afterEach(() => {
  vi.restoreAllMocks();
});

/** A broker that answers a question for offsets with these types of errors first; kafkajs gives up at each of them. */
function adminWith(...types: string[]) {
  let asked = 0;
  const answer = <T>(offsets: T): Promise<T> => {
    asked += 1;
    const type = types.shift();
    if (type === undefined) return Promise.resolve(offsets);
    const cause = Object.assign(new Error(type), { type });
    return Promise.reject(Object.assign(new KafkaJSNonRetriableError(type), { cause }));
  };
  const admin = {
    connect: () => Promise.resolve(),
    fetchTopicOffsets: () => answer([{ partition: 0, offset: '7', low: '2', high: '7' }]),
    fetchTopicOffsetsByTimestamp: () => answer([{ partition: 0, offset: '5' }]),
  };
  const client = { admin: () => admin } as unknown as Kafka;
  const handle: KafkaHandle = { [CLIENT]: () => client, logger: pino({ level: 'silent' }) };
  return { admin: createAdmin(handle), asked: () => asked };
}

describe('a partition that nobody leads yet', () => {
  it('is asked again for where it begins and ends', async () => {
    const { admin } = adminWith('NOT_LEADER_FOR_PARTITION', 'LEADER_NOT_AVAILABLE');
    expect(await admin.topicEnds('new')).toEqual([{ partition: 0, low: '2', high: '7' }]);
  });

  it('is asked again for where a time begins', async () => {
    const { admin } = adminWith('NOT_LEADER_FOR_PARTITION');
    expect(await admin.offsetsAt('new', new Date(0))).toEqual(new Map([[0, '5']]));
  });
});

/**
 * Brokers under kafkajs's own client, of which one leads the topic's only partition: it knows where that ends.
 *
 * @returns who leads it, and how often somebody has asked for that
 */
function brokersOf(topic: string): { leader: string; asked: number } {
  const brokers = { leader: '1', asked: 0 };
  vi.spyOn(BrokerPool.prototype, 'connect').mockResolvedValue();
  vi.spyOn(BrokerPool.prototype, 'refreshMetadata').mockImplementation(function (this: BrokerPool) {
    brokers.asked += 1;
    const partitionMetadata = [{ partitionId: 0, leader: brokers.leader }];
    this.metadata = { brokers: [], topicMetadata: [{ topic, partitionMetadata }] };
    this.metadataExpireAt = Date.now() + 300_000;
    return Promise.resolve(null);
  });
  vi.spyOn(BrokerPool.prototype, 'findBroker').mockImplementation(({ nodeId }) =>
    Promise.resolve({
      listOffsets: () =>
        nodeId === brokers.leader
          ? Promise.resolve({ responses: [{ topic, partitions: [{ partition: 0, offset: '7' }] }] })
          : Promise.reject(Object.assign(new Error('not the leader'), { type: 'NOT_LEADER_FOR_PARTITION' })),
    }),
  );
  return brokers;
}

describe('an election', () => {
  it('is followed by those who ask for the ends of a topic: the new leader is asked', async () => {
    const brokers = brokersOf('elected');
    const admin = createAdmin(createKafka({ brokers: [], clientId: 'test', logger: pino({ level: 'silent' }) }));
    expect(await admin.topicEnds('elected')).toEqual([{ partition: 0, low: '7', high: '7' }]);
    brokers.leader = '2';
    expect(await admin.topicEnds('elected')).toEqual([{ partition: 0, low: '7', high: '7' }]);
    expect(await admin.offsetsAt('elected', new Date(0))).toEqual(new Map([[0, '7']]));
    expect(brokers.asked).toBe(2);
  });
});

it('any other refusal is answered at once', async () => {
  const { admin, asked } = adminWith('TOPIC_AUTHORIZATION_FAILED');
  await expect(admin.topicEnds('forbidden')).rejects.toThrow(
    'Kafka does not let the user of this client DESCRIBE the topic forbidden. Add an ACL',
  );
  expect(asked()).toBe(1);
});
