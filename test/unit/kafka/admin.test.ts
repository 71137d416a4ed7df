import type { Kafka } from 'kafkajs';
import kafkajs from 'kafkajs';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { createAdmin } from '../../../src/kafka/admin.js';
import { CLIENT, type KafkaHandle } from '../../../src/kafka/client.js';

const { KafkaJSNonRetriableError } = kafkajs;

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

it('any other refusal is answered at once', async () => {
  const { admin, asked } = adminWith('TOPIC_AUTHORIZATION_FAILED');
  await expect(admin.topicEnds('forbidden')).rejects.toThrow(
    'Kafka does not let the user of this client DESCRIBE the topic forbidden. Add an ACL',
  );
  expect(asked()).toBe(1);
});
