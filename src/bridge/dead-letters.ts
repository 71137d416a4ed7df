import type { IncomingRecord } from '../kafka/consumer.js';
import type { EventProducer, RecordToSend } from '../kafka/producer.js';
import { decodeObject, isObject } from '../protocol/json.js';
import type { BridgeCounters } from './counters.js';
import type { BridgeEvent } from './bridge-event.js';
import type { Backend } from './backend.js';

export interface DeadLetter {
  readonly record: IncomingRecord;
  /** A sentence for the sender. */
  readonly reason: string;
}

/** A send stays far below what a broker takes at once (1 MB by default). */
const SEND_BYTES = 256 * 1024;
const MAX_REASON = 2_000;

/**
 * Writes what cannot be understood or applied to the dead letters, for people
 * to look at: the original key and value, byte for byte, and in the headers
 * where it came from, why it was refused, and the contract's tags.
 */
export class DeadLetters {
  readonly #event: BridgeEvent;
  readonly #producer: EventProducer;
  readonly #kafka: Backend;
  readonly #counters: BridgeCounters;

  /** @param event the dead letter, as the contract has it */
  constructor(event: BridgeEvent, producer: EventProducer, kafka: Backend, counters: BridgeCounters) {
    this.#event = event;
    this.#producer = producer;
    this.#kafka = kafka;
    this.#counters = counters;
  }

  /** Resolves when all of them are stored; only then may their offsets move. */
  async put(letters: readonly DeadLetter[], signal: AbortSignal): Promise<void> {
    for (const some of inPortions(letters)) {
      try {
        await this.#send(
          some.map((letter) => this.#record(letter)),
          signal,
        );
      } catch (error) {
        if (!isTooLarge(error)) throw error;
        // A record at the broker's own limit grows beyond it with our headers. One at a time, and if need be its head
        // only.
        for (const letter of some) await this.#sendHead(letter, signal);
      }
      this.#counters.dead_letters += some.length;
    }
  }

  async #sendHead(letter: DeadLetter, signal: AbortSignal): Promise<void> {
    const { value } = letter.record;
    const whole = this.#record(letter);
    const fits = value === null || value.length <= SEND_BYTES;
    const head = {
      ...whole,
      value: value?.subarray(0, SEND_BYTES) ?? null,
      headers: { ...whole.headers, truncated_from_bytes: String(value?.length) },
    };
    await this.#send([fits ? whole : head], signal);
  }

  #send(records: readonly RecordToSend[], signal: AbortSignal): Promise<void> {
    return this.#kafka.untilAnswered(() => this.#producer.send(records), { signal, isFinal: isTooLarge });
  }

  #record({ record, reason }: DeadLetter): RecordToSend {
    const { topic, partition, offset, timestamp, key, value } = record;
    const node_id = nodeIdIn(value);
    return {
      topic: this.#event.topic,
      key,
      value,
      headers: {
        ...this.#event.tags({}),
        event_type: this.#event.event_type,
        reason: reason.slice(0, MAX_REASON),
        original_topic: topic,
        original_partition: String(partition),
        original_offset: offset,
        original_timestamp: Number.isFinite(timestamp) ? new Date(timestamp).toISOString() : String(timestamp),
        ...(node_id === null ? {} : { node_id }),
      },
    };
  }
}

/** Which node it was about, where that can be read: somebody asks why a node does not appear. */
function nodeIdIn(value: Buffer | null): string | null {
  const decoded = decodeObject(value);
  if (!decoded.ok) return null;
  const { node_id, payload } = decoded.json;
  const id = isObject(payload) ? payload.node_id : node_id;
  return typeof id === 'string' ? id.slice(0, 128) : null;
}

function* inPortions(letters: readonly DeadLetter[]): Generator<readonly DeadLetter[]> {
  let portion: DeadLetter[] = [];
  let bytes = 0;
  for (const letter of letters) {
    const size = (letter.record.value?.length ?? 0) + MAX_REASON;
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

function isTooLarge(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('type' in cause && (cause.type === 'MESSAGE_TOO_LARGE' || cause.type === 'RECORD_LIST_TOO_LARGE')) return true;
  }
  return false;
}
