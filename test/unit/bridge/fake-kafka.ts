import { EventEmitter } from 'node:events';
import type { Kafka } from 'kafkajs';
import type { Logger } from 'pino';
import { CLIENT, type KafkaHandle } from '../../../src/kafka/client.js';

/** A record to deliver. */
interface Delivered {
  readonly topic: string;
  readonly value: Buffer | null;
  readonly partition?: number;
  readonly offset?: string;
}

interface Sent {
  readonly topic: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly value: Buffer | null;
}

type Assignment = Readonly<Record<string, readonly number[]>>;
type EachBatch = (payload: object) => Promise<void>;

interface Member {
  readonly topics: readonly string[];
  readonly deliver: EachBatch;
  /** Ends its consumer for good. */
  readonly crash: (error: Error) => void;
  /** Batches that are worked on. */
  readonly working: Set<Promise<void>>;
}

/**
 * kafkajs as our ports use it: two partitions a topic, and one member in each group. Whoever is not connected is
 * refused, and so is who reads what he does not subscribe to.
 */
export function fakeKafka(logger: Logger) {
  const sent: Sent[] = [];
  const groups = new Map<string, Member>();
  const joined: { readonly groupId: string; readonly fromBeginning: boolean; readonly topics: readonly string[] }[] =
    [];
  const counts = { open: 0, asked: 0 };
  const away: { error: Error | null; consumers: Error | null } = { error: null, consumers: null };

  /** Connects and disconnects, and refuses what is asked meanwhile. */
  function connection() {
    let isOpen = false;
    return {
      connect: () => {
        if (away.error !== null) return Promise.reject(away.error);
        if (!isOpen) counts.open += 1;
        isOpen = true;
        return Promise.resolve();
      },
      disconnect: () => {
        if (isOpen) counts.open -= 1;
        isOpen = false;
        return Promise.resolve();
      },
      answer: <T>(value: T): Promise<T> => {
        if (!isOpen) return Promise.reject(new Error('The client is not connected'));
        return away.error === null ? Promise.resolve(value) : Promise.reject(away.error);
      },
    };
  }

  const admin = () => {
    const { connect, disconnect, answer } = connection();
    return {
      connect,
      disconnect,
      fetchTopicMetadata({ topics }: { topics: string[] }) {
        counts.asked += 1;
        const partitions = [0, 1].map((partitionId) => ({ partitionId }));
        return answer({ topics: topics.map((name) => ({ name, partitions })) });
      },
      fetchTopicOffsets: () => answer([0, 1].map((partition) => ({ partition, low: '0', high: '10' }))),
      fetchOffsets: ({ topics }: { topics: string[] }) =>
        answer(topics.map((topic) => ({ topic, partitions: [{ partition: 0, offset: '10' }] }))),
    };
  };

  const producer = () => {
    const { connect, disconnect, answer } = connection();
    return {
      connect,
      disconnect,
      async sendBatch({ topicMessages }: { topicMessages: { topic: string; messages: Omit<Sent, 'topic'>[] }[] }) {
        await answer(null);
        for (const { topic, messages } of topicMessages) sent.push(...messages.map((one) => ({ ...one, topic })));
        return [];
      },
    };
  };

  const consumer = ({ groupId }: { groupId: string }) => {
    const { connect, disconnect, answer } = connection();
    const emitter = new EventEmitter();
    let topics: readonly string[] = [];
    return {
      events: { GROUP_JOIN: 'join', CRASH: 'crash', REBALANCING: 'rebalancing' },
      on: (event: string, listener: (event: object) => void) => emitter.on(event, listener),
      connect,
      async disconnect() {
        const working = [...(groups.get(groupId)?.working ?? [])];
        groups.delete(groupId);
        await Promise.allSettled(working);
        await disconnect();
      },
      async subscribe(asked: { topics: string[]; fromBeginning: boolean }) {
        await answer(null);
        ({ topics } = asked);
        joined.push({ groupId, ...asked });
      },
      async run({ eachBatch }: { eachBatch: EachBatch }) {
        await answer(null);
        const crash = (error: Error): void => void emitter.emit('crash', { payload: { error, restart: false } });
        if (away.consumers !== null) return crash(away.consumers);
        groups.set(groupId, { topics, deliver: eachBatch, crash, working: new Set() });
        const memberAssignment: Assignment = Object.fromEntries(topics.map((topic) => [topic, [0, 1]]));
        emitter.emit('join', { payload: { memberAssignment } });
      },
    };
  };

  const client = { admin, producer, consumer } as unknown as Kafka;
  const handle: KafkaHandle = { [CLIENT]: () => client, logger };
  const committed: string[] = [];
  /** Hands one record to whoever reads its topic, as a batch of its own. */
  async function deliver({ topic, value, partition = 0, offset = '0' }: Delivered): Promise<void> {
    const reader = [...groups.values()].find(({ topics }) => topics.includes(topic));
    if (reader === undefined) throw new Error(`nobody reads ${topic}`);
    const message = {
      offset,
      timestamp: String(Date.now()),
      key: null,
      value,
      headers: {},
      batchContext: { isBrokersTime: true },
    };
    const working = reader.deliver({
      batch: { topic, partition, messages: [message] },
      isRunning: () => true,
      isStale: () => false,
      heartbeat: () => Promise.resolve(),
      resolveOffset: (done: string) => committed.push(`${topic}/${partition}/${done}`),
      uncommittedOffsets: () => ({ topics: [] }),
      commitOffsetsIfNecessary: () => Promise.resolve(),
    });
    reader.working.add(working);
    await working.finally(() => reader.working.delete(working));
  }
  return { handle, sent, joined, groups, counts, away, committed, deliver };
}
