import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import type { Config } from '../../config.js';
import type { Contracts } from '../../contracts/load.js';
import {
  consume,
  createAdmin,
  createKafka,
  type IncomingRecord,
  type KafkaHandle,
  type PartitionEnds,
} from '../../kafka/index.js';
import { isAbout, readDeadLetter, whereFrom, type DeadLetter } from '../../protocol/dead-letter.js';
import { topicName } from '../../protocol/topics.js';
import { unreachable } from '../connect.js';

/** A message that could not be understood, and why. */
interface Letter {
  readonly at: string;
  readonly reason: string;
  /** Where it was read: topic, partition and offset. */
  readonly from: string;
}

export interface Letters {
  /** The newest ones, newest last. */
  readonly letters: readonly Letter[];
  readonly topic: string;
  /** false: the topic is so long that not all of it was read. */
  readonly complete: boolean;
}

/** A very long topic is not read to its end. */
const READ_WITHIN_MS = 10_000;
const SHOWN = 5;

/** The dead letters about a node: those that name it, and those whose bytes hold its id. */
export async function deadLettersOf(nodeId: string, config: Config, contracts: Contracts): Promise<Letters> {
  const topic = topicName(contracts.topics.dead_letter ?? '', config);
  const kafka = createKafka({
    brokers: config.kafka.brokers,
    clientId: 'node-registrar-status',
    logger: pino({ level: 'silent' }),
  });
  const letters: Letter[] = [];
  const unread = new Map<number, bigint>();
  for (const { partition, low, high } of await endsOf(kafka, topic, config))
    if (low !== high) unread.set(partition, BigInt(high) - 1n);
  if (unread.size > 0) {
    const read = (partition: number, records: readonly IncomingRecord[]): void => {
      const found = records.map(readDeadLetter).filter((letter) => isAbout(letter, nodeId));
      letters.push(...found.map(letterOf));
      const last = records.at(-1);
      if (last !== undefined && BigInt(last.offset) >= (unread.get(partition) ?? 0n)) unread.delete(partition);
    };
    await readTopic(kafka, topic, read, () => unread.size === 0);
  }
  letters.sort((a, b) => a.at.localeCompare(b.at));
  return { letters: letters.slice(-SHOWN), topic, complete: unread.size === 0 };
}

async function endsOf(kafka: KafkaHandle, topic: string, config: Config): Promise<PartitionEnds[]> {
  const admin = createAdmin(kafka);
  try {
    return await admin.topicEnds(topic);
  } catch (error) {
    throw unreachable(config, 'kafka', `${config.kafka.brokers.join(', ')}, asked for topic ${topic},`, error);
  } finally {
    await admin.close();
  }
}

/** Reads from the beginning until all is read or the time is over, as a group that nobody else is in. */
async function readTopic(
  kafka: KafkaHandle,
  topic: string,
  read: (partition: number, records: readonly IncomingRecord[]) => void,
  isOver: () => boolean,
): Promise<void> {
  const deadline = Date.now() + READ_WITHIN_MS;
  let fatal: Error | undefined;
  const subscription = await consume(kafka, {
    groupId: `node-registrar-status-${randomUUID()}`,
    topics: [topic],
    from: 'beginning',
    signal: AbortSignal.timeout(READ_WITHIN_MS),
    onFatal: (error) => (fatal = error),
    onBatch(batch) {
      read(batch.partition, batch.records);
      for (const record of batch.records) batch.done(record);
      return Promise.resolve();
    },
  });
  try {
    while (!isOver() && fatal === undefined && Date.now() < deadline) await delay(50);
  } finally {
    await subscription.stop();
  }
  if (fatal !== undefined) throw fatal;
}

function letterOf(letter: DeadLetter): Letter {
  return { at: new Date(letter.at).toISOString(), reason: letter.reason, from: whereFrom(letter) };
}
