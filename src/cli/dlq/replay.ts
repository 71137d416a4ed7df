import { pino } from 'pino';
import type { Config } from '../../config.js';
import type { Contracts } from '../../contracts/load.js';
import { createKafka, createProducer } from '../../kafka/index.js';
import { buildReplay, buildReplayed, whereFrom } from '../../protocol/dead-letter.js';
import { unreachable } from '../connect.js';
import { deadLetterTopic, type PlacedLetter } from './read-letters.js';

/** One that has failed so often will fail again: somebody must look at it. */
export const MOST_REPLAYS = 3;

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
 * @throws CliError when Kafka does not take one; those before it are sent
 */
export async function replay(
  letters: readonly PlacedLetter[],
  config: Config,
  contracts: Contracts,
  { named }: { readonly named: boolean },
): Promise<Replayed> {
  const kafka = createKafka({
    brokers: config.kafka.brokers,
    clientId: 'node-registrar-replay',
    logger: pino({ level: 'silent' }),
  });
  const producer = createProducer(kafka);
  const topic = deadLetterTopic(config, contracts);
  const replayed: string[] = [];
  const left: Left[] = [];
  const seen = new Set<string>();
  try {
    for (const letter of letters) {
      const { origin, id } = letter;
      const why = whyNot(letter, named) ?? (seen.has(whereFrom(letter)) ? 'the same original is sent already' : null);
      if (why !== null || origin === null) {
        left.push({ id, why: why ?? 'where it comes from is not known' });
        continue;
      }
      seen.add(whereFrom(letter));
      await producer.send([{ topic: origin.topic, ...buildReplay(letter) }]);
      await producer.send([{ topic, ...buildReplayed(letter, id) }]);
      replayed.push(id);
    }
  } catch (error) {
    const sent = `${config.kafka.brokers.join(', ')}, after ${replayed.length} of ${letters.length} replays,`;
    throw unreachable(config, 'kafka', sent, error);
  } finally {
    await producer.close();
  }
  return { replayed, left };
}

function whyNot(letter: PlacedLetter, named: boolean): string | null {
  const { origin, unpublished, code, cut_from_bytes, replays } = letter;
  if (unpublished !== null) return 'an event of the registrar: correct the contract, then retry its node';
  if (origin === null) return 'where it comes from is not known';
  if (code === 'undecodable') return 'a batch whose bytes no client can read: its sender must send it again';
  if (cut_from_bytes !== null)
    return `only the head of its ${cut_from_bytes} bytes is here; ${whereFrom(letter)} may have it`;
  if (replays >= MOST_REPLAYS) return `replayed ${replays} times, and refused each time: correct what sends it`;
  return letter.replayed && !named ? 'replayed already; name its id to send it once more' : null;
}
