import { pino } from 'pino';
import type { Config } from '../../config/index.js';
import type { Contracts } from '../../contracts/load.js';
import { createKafka, createProducer } from '../../kafka/index.js';
import type { AskedBy } from '../../protocol/asked-by.js';
import { buildReplay, buildReplayed, whereFrom, whyNotReplayed } from '../../protocol/dead-letter.js';
import { unreachable } from '../connect.js';
import { waitingFor } from '../terminal/waiting.js';
import { deadLetterTopic, type PlacedLetter } from './read-letters.js';

interface Left {
  readonly id: string;
  /** Why it is not sent again. */
  readonly why: string;
}

export interface Replayed {
  /** Ids of the letters whose originals were sent, in this order. */
  readonly replayed: readonly string[];
  readonly left: readonly Left[];
}

/**
 * Sends the originals of dead letters to their topics again, one after the other: the same bytes, key and headers, and
 * a header that counts the replays. What fails again becomes another dead letter, which is not among these.
 *
 * @param named the letters were chosen one by one: those that have been replayed already are sent again too
 * @param asked_by stands beside the letter, in the record which says that it was replayed
 * @throws CliError when Kafka does not take one; those before it are sent
 */
export async function replay(
  letters: readonly PlacedLetter[],
  config: Config,
  contracts: Contracts,
  { named, asked_by }: { readonly named: boolean; readonly asked_by: AskedBy },
): Promise<Replayed> {
  const kafka = createKafka({
    ...config.kafka,
    clientId: 'node-registrar-replay',
    logger: pino({ level: 'silent' }),
  });
  const producer = createProducer(kafka);
  const brokers = config.kafka.brokers.join(', ');
  const topic = deadLetterTopic(config, contracts);
  const replayed: string[] = [];
  const left: Left[] = [];
  const seen = new Set<string>();
  const sendEach = async (): Promise<void> => {
    for (const letter of letters) {
      const { origin, id } = letter;
      const why = whyNot(letter, named) ?? (seen.has(whereFrom(letter)) ? 'the same original is sent already' : null);
      if (why !== null || origin === null) {
        left.push({ id, why: why ?? 'where it comes from is not known' });
        continue;
      }
      seen.add(whereFrom(letter));
      await producer.send([{ topic: origin.topic, ...buildReplay(letter) }]);
      await producer.send([{ topic, ...buildReplayed(letter, id, asked_by) }]);
      replayed.push(id);
    }
  };
  try {
    await waitingFor(`Kafka at ${brokers}`, sendEach);
  } catch (error) {
    throw unreachable(config, 'kafka', `${brokers}, after ${replayed.length} of ${letters.length} replays,`, error);
  } finally {
    await producer.close();
  }
  return { replayed, left };
}

function whyNot(letter: PlacedLetter, named: boolean): string | null {
  return (
    whyNotReplayed(letter) ?? (letter.replayed && !named ? 'replayed already; name its id to send it once more' : null)
  );
}
