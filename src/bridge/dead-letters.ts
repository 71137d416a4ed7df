import type { Logger } from 'pino';
import type { IncomingRecord } from '../kafka/consumer.js';
import type { EventProducer } from '../kafka/producer.js';
import { isTooLarge } from '../kafka/refusals.js';
import {
  buildDeadLetter,
  DEAD_LETTER_CODES,
  shorterDeadLetters,
  sizeOf,
  type DeadLetterCode,
  type DeadLetterToWrite,
  type WrittenDeadLetter,
} from '../protocol/dead-letter.js';
import { decodeObject, isObject, printable } from '../protocol/json.js';
import type { Backend } from './backend.js';
import type { BridgeEvent } from './bridge-event.js';

export interface RefusedRecord {
  readonly record: IncomingRecord;
  readonly code: DeadLetterCode;
  /** A sentence for the sender. */
  readonly reason: string;
}

/** A send stays far below what a broker takes at once (1 MB by default). */
const SEND_BYTES = 256 * 1024;
/** Bytes of a dead letter besides the original record: the headers that we add. */
const HEADER_BYTES = 2_500;

/**
 * Writes what cannot be understood or applied to the dead letters, for people
 * to look at and to replay: the original byte for byte, and in the headers
 * where it came from, why it was refused, and the contract's tags.
 */
export class DeadLetters {
  readonly #event: BridgeEvent;
  readonly #producer: EventProducer;
  readonly #kafka: Backend;
  readonly #logger: Logger;
  readonly #counts = new Map<DeadLetterCode, number>();

  /** @param event the dead letter, as the contract has it */
  constructor(event: BridgeEvent, producer: EventProducer, kafka: Backend, logger: Logger) {
    this.#event = event;
    this.#producer = producer;
    this.#kafka = kafka;
    this.#logger = logger;
  }

  /** How many there were since this bridge was started, by the kind of reason. */
  counts(): ReadonlyMap<DeadLetterCode, number> {
    return new Map(
      (Object.keys(DEAD_LETTER_CODES) as DeadLetterCode[]).map((code) => [code, this.#counts.get(code) ?? 0]),
    );
  }

  /** Resolves when all of them are stored; only then may their offsets move. */
  async put(letters: readonly RefusedRecord[], signal: AbortSignal): Promise<void> {
    for (const some of inPortions(letters)) {
      const written = some.map((letter) => this.#written(letter));
      if (!(await this.#send(written.map(buildDeadLetter), signal)))
        for (const letter of written) await this.#sendAlone(letter, signal);
      for (const { code } of some) this.#counts.set(code, (this.#counts.get(code) ?? 0) + 1);
    }
  }

  /** A record at the broker's own limit grows beyond it with our headers: then so much of it as the broker takes. */
  async #sendAlone(letter: DeadLetterToWrite, signal: AbortSignal): Promise<void> {
    for (const written of [buildDeadLetter(letter), ...shorterDeadLetters(letter)])
      if (await this.#send([written], signal)) return;
    const { record, code, reason, node_id } = letter;
    const { topic, partition, offset } = record;
    this.#logger.error(
      { topic, partition, offset, code, reason: printable(reason, 1_000), node_id },
      `${this.#event.topic} takes not even the place of a record and the reason: raise its max.message.bytes. ` +
        'The record is passed over',
    );
  }

  /** @returns false where the broker refuses it as too large; while Kafka is away, it waits */
  async #send(written: readonly WrittenDeadLetter[], signal: AbortSignal): Promise<boolean> {
    const records = written.map((one) => ({ topic: this.#event.topic, ...one }));
    try {
      await this.#kafka.untilAnswered(() => this.#producer.send(records), { signal, isFinal: isTooLarge });
      return true;
    } catch (error) {
      if (isTooLarge(error)) return false;
      throw error;
    }
  }

  #written({ record, code, reason }: RefusedRecord): DeadLetterToWrite {
    const { event_type } = this.#event;
    return { event_type, tags: this.#event.tags({}), code, reason, node_id: nodeIdIn(record.value), record };
  }
}

/** Which node it was about, where that can be read: somebody asks why a node does not appear. */
function nodeIdIn(value: Buffer | null): string | null {
  const decoded = decodeObject(value);
  if (!decoded.ok) return null;
  const { node_id, payload } = decoded.json;
  const id = isObject(payload) ? payload.node_id : node_id;
  return typeof id === 'string' ? printable(id, 128) : null;
}

function* inPortions(letters: readonly RefusedRecord[]): Generator<readonly RefusedRecord[]> {
  let portion: RefusedRecord[] = [];
  let bytes = 0;
  for (const letter of letters) {
    const size = sizeOf(letter.record) + HEADER_BYTES;
    if (portion.length > 0 && bytes + size > SEND_BYTES) {
      yield portion;
      portion = [];
      bytes = 0;
    }
    portion.push(letter);
    bytes += size;
  }
  if (portion.length > 0) yield portion;
}
