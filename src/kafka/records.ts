import type { Batch, IHeaders, KafkaMessage } from 'kafkajs';
import type { DecodedRecord } from './decoding/record-batches.js';
import { markerId } from './markers.js';

export interface IncomingRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  /** Whether the broker has set the timestamp (LogAppendTime); else its sender has, by a clock that nobody knows. */
  readonly isBrokersTime: boolean;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<IHeaders>;
  /** Stands for a whole batch of records that cannot be decoded: why, and which offsets. Its value is null. */
  readonly undecodable?: string;
}

/** Up to where a partition is read when a batch of it is handled. */
export interface ReadUpTo {
  /** Of the next record. */
  readonly next_offset: string;
  /** Of the last record, as of IncomingRecord. */
  readonly timestamp: number;
  readonly isBrokersTime: boolean;
  /** Ids of the markers in this batch (markers.ts), oldest first. */
  readonly markers: readonly string[];
}

/** What our decoder adds to kafkajs's own message. */
type DecodedMessage = KafkaMessage & Partial<Pick<DecodedRecord, 'batchContext' | 'undecodable'>>;

/** A batch's records, up to where it reads, and the offsets of its markers. `upTo` is null where it holds nothing. */
export function contentOf({ topic, partition, messages }: Batch) {
  const records: IncomingRecord[] = [];
  const markers: string[] = [];
  const ids: string[] = [];
  for (const message of messages as readonly DecodedMessage[]) {
    const { offset, timestamp, key, value, headers = {}, undecodable } = message;
    const id = markerId(headers, value);
    if (id !== null) {
      markers.push(offset);
      ids.push(id);
      continue;
    }
    const isBrokersTime = isTimedByBroker(message);
    const content = { topic, partition, offset, timestamp: Number(timestamp), isBrokersTime, key, value, headers };
    records.push(undecodable === undefined ? content : { ...content, undecodable });
  }
  const last = messages.at(-1);
  const upTo: ReadUpTo | null =
    last === undefined
      ? null
      : {
          next_offset: String(BigInt(last.offset) + 1n),
          timestamp: Number(last.timestamp),
          isBrokersTime: isTimedByBroker(last),
          markers: ids,
        };
  return { records, upTo, markers };
}

function isTimedByBroker({ batchContext }: DecodedMessage): boolean {
  return batchContext?.isBrokersTime === true;
}
