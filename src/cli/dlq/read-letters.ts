import { pino } from 'pino';
import type { Config } from '../../config/index.js';
import type { Contracts } from '../../contracts/load.js';
import { createKafka, readTopic } from '../../kafka/index.js';
import {
  isAbout,
  readDeadLetter,
  replayedLetter,
  type DeadLetter,
  type DeadLetterCode,
} from '../../protocol/dead-letter.js';
import { topicName } from '../../protocol/topics.js';
import { unreachable } from '../connect.js';
import { waitingFor } from '../terminal/waiting.js';

/** A dead letter in its topic. */
export interface PlacedLetter extends DeadLetter {
  /** Its partition and offset among the dead letters: "2-1047". */
  readonly id: string;
  /** Whether its original has been sent again. */
  readonly replayed: boolean;
}

export interface LetterFilter {
  readonly since: Date;
  /** Name of the topic in which the original was read. */
  readonly topic?: string;
  readonly code?: DeadLetterCode;
  readonly node_id?: string;
}

export interface Letters {
  /** Oldest first. */
  readonly letters: readonly PlacedLetter[];
  /** The dead letters' own topic. */
  readonly topic: string;
  /** false: there was not time enough to read all of them. */
  readonly complete: boolean;
}

/** A very long topic is not read to its end. */
const READ_WITHIN_MS = 30_000;

/** The final name of the dead letters' topic. */
export function deadLetterTopic(config: Config, contracts: Contracts): string {
  return topicName(contracts.topics.dead_letter ?? '', config);
}

/** The dead letters that a filter names. @throws CliError when Kafka does not answer */
export async function readLetters(config: Config, contracts: Contracts, filter: LetterFilter): Promise<Letters> {
  const topic = deadLetterTopic(config, contracts);
  const kafka = createKafka({
    ...config.kafka,
    clientId: 'node-registrar-dead-letters',
    logger: pino({ level: 'silent' }),
  });
  const found: Omit<PlacedLetter, 'replayed'>[] = [];
  const replayed = new Set<string>();
  const read = readTopic(kafka, topic, {
    since: filter.since,
    withinMs: READ_WITHIN_MS,
    onRecord(record) {
      const again = replayedLetter(record);
      if (again !== null) return void replayed.add(again);
      const letter = { id: `${record.partition}-${record.offset}`, ...readDeadLetter(record) };
      if (isWanted(letter, filter)) found.push(letter);
    },
  });
  const complete = await waitingFor('the dead letters in Kafka', () => read).catch((error: unknown) => {
    throw unreachable(config, 'kafka', `${config.kafka.brokers.join(', ')}, asked for topic ${topic},`, error);
  });
  const letters = found.map((letter) => ({ ...letter, replayed: replayed.has(letter.id) }));
  return { letters: letters.sort(byTime), topic, complete };
}

function isWanted(letter: DeadLetter, { topic, code, node_id }: LetterFilter): boolean {
  if (topic !== undefined && letter.origin?.topic !== topic) return false;
  if (code !== undefined && letter.code !== code) return false;
  return node_id === undefined || isAbout(letter, node_id);
}

/** By time; what was written at once stays in the order of the originals. */
function byTime(a: PlacedLetter, b: PlacedLetter): number {
  const here = a.origin?.topic === b.origin?.topic && a.origin?.partition === b.origin?.partition;
  if (here && a.origin !== null && b.origin !== null)
    return Number(BigInt(a.origin.offset) - BigInt(b.origin.offset)) || a.at - b.at;
  return a.at - b.at;
}
