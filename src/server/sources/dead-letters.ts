import { randomUUID } from 'node:crypto';
import { consume, type IncomingRecord, type KafkaHandle, type Subscription } from '../../kafka/index.js';
import type { DeadLetterView } from '../api/node.js';
import { errorText } from '../../error-text.js';
import { readDeadLetter, replayedLetter, whereFrom, whyNotReplayed } from '../../protocol/dead-letter.js';

const DAY = 86_400_000;
/** The newest are kept; who has more than this has another trouble than their words. */
const MOST = 500;
const TEXT_LENGTH = 2_000;

/** The dead letters of the last day, kept by reading their topic. */
export class RecentDeadLetters {
  readonly #kafka: KafkaHandle;
  readonly #topic: string;
  /** Ids of letters whose originals were sent again. */
  readonly #replayed = new Set<string>();
  #letters: DeadLetterView[] = [];
  #failure: string | null = null;
  #subscription: Subscription | null = null;
  #opening: Promise<void> | null = null;
  readonly #closing = new AbortController();

  constructor(kafka: KafkaHandle, topic: string) {
    this.#kafka = kafka;
    this.#topic = topic;
  }

  /** Newest first. */
  read(): readonly DeadLetterView[] {
    const from = Date.now() - DAY;
    return this.#letters
      .filter(({ at }) => at > from)
      .map((letter) => ({ ...letter, replayed: this.#replayed.has(letter.id) }));
  }

  /** The letters about a node: those that name it, and those whose bytes hold its id. */
  about(id: string): readonly DeadLetterView[] {
    return this.read().filter(({ node_id, text }) => node_id === id || text.includes(JSON.stringify(id)));
  }

  /** Why they cannot be read; null when they can. */
  get failure(): string | null {
    return this.#failure ?? (this.#subscription === null ? 'Kafka has not answered yet' : null);
  }

  /** Begins to read in the background, or tries again after it could not; while Kafka is away, it waits. */
  open(): void {
    if (this.#subscription !== null || this.#closing.signal.aborted) return;
    this.#opening ??= this.#subscribe().finally(() => (this.#opening = null));
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('the server is closed'));
    await this.#opening;
    await this.#subscription?.stop();
  }

  async #subscribe(): Promise<void> {
    const lost = (error: unknown): void => {
      this.#failure = errorText(error);
      this.#subscription = null;
    };
    try {
      // A group of its own, which nobody else is in: every server reads all of them.
      this.#subscription = await consume(this.#kafka, {
        groupId: `node-registrar-page-${randomUUID()}`,
        topics: [this.#topic],
        from: 'beginning',
        signal: this.#closing.signal,
        onFatal: lost,
        onBatch: (batch) => {
          for (const record of batch.records) {
            const again = replayedLetter(record);
            if (again === null) this.#keep(letterOf(record));
            else this.#replayed.add(again);
            batch.done(record);
          }
          return Promise.resolve();
        },
      });
      this.#failure = null;
    } catch (error) {
      lost(error);
    }
  }

  #keep(letter: DeadLetterView): void {
    if (letter.at < Date.now() - DAY) return;
    this.#letters = [letter, ...this.#letters].sort((a, b) => b.at - a.at).slice(0, MOST);
  }
}

function letterOf(record: IncomingRecord): DeadLetterView {
  const letter = readDeadLetter(record);
  const { at, node_id, reason, value } = letter;
  return {
    id: `${record.partition}-${record.offset}`,
    at,
    node_id,
    reason,
    from: whereFrom(letter),
    text: (value?.toString('utf8') ?? '').slice(0, TEXT_LENGTH),
    replayed: false,
    stays: whyNotReplayed(letter),
  };
}
