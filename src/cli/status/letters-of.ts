import type { Config } from '../../config/index.js';
import type { Contracts } from '../../contracts/load.js';
import { whereFrom, type DeadLetterCode } from '../../protocol/dead-letter.js';
import { readLetters } from '../dlq/read-letters.js';

/** The dead letters about a node, of the last day. */
export interface NodeLetters {
  /** The newest ones, newest last. */
  readonly letters: readonly {
    readonly id: string;
    readonly at: string;
    readonly code: DeadLetterCode | null;
    readonly reason: string;
    /** Where it was read, in words. */
    readonly from: string;
  }[];
  /** How many older ones there are. */
  readonly more: number;
  readonly topic: string;
  /** false: the topic is so long that not all of it was read. */
  readonly complete: boolean;
}

const DAY_MS = 86_400_000;
const SHOWN = 5;

/** @throws CliError when Kafka does not answer */
export async function lettersOf(node_id: string, config: Config, contracts: Contracts): Promise<NodeLetters> {
  const since = new Date(Date.now() - DAY_MS);
  const { letters, topic, complete } = await readLetters(config, contracts, { since, node_id });
  const newest = letters.slice(-SHOWN).map((letter) => {
    const { id, at, code, reason } = letter;
    return { id, at: new Date(at).toISOString(), code, reason, from: whereFrom(letter) };
  });
  return { letters: newest, more: letters.length - newest.length, topic, complete };
}
