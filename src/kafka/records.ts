import type { Batch, IHeaders, KafkaMessage } from 'kafkajs';
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

const LOG_APPEND_TIME = 1;

/** kafkajs keeps with a record what its batch says of all of them; its types leave that out. */
type DecodedMessage = KafkaMessage & { readonly batchContext?: { readonly timestampType?: number } };

/** A batch's records, up to where it reads, and the offsets of its markers. `upTo` is null where it holds nothing. */
export function contentOf({ topic, partition, messages }: Batch) {
  const records: IncomingRecord[] = [];
  const markers: string[] = [];
  const ids: string[] = [];
  for (const message of messages as readonly DecodedMessage[]) {
    const { offset, timestamp, key, value, headers = {} } = message;
    const id = markerId(headers, value);
    if (id !== null) {
      markers.push(offset);
      ids.push(id);
      continue;
    }
    const isBrokersTime = isTimedByBroker(message);
    records.push({ topic, partition, offset, timestamp: Number(timestamp), isBrokersTime, key, value, headers });
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
  return batchContext?.timestampType === LOG_APPEND_TIME;
}
