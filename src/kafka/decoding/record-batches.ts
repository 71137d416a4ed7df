import type { IHeaders } from 'kafkajs';
import { errorText } from '../../error-text.js';
import { decompressed } from './compression.js';
import { Reader } from './reader.js';

/** A record as kafkajs hands it on; a batch that cannot be decoded is one record, in the place of its last. */
export interface DecodedRecord {
  readonly offset: string;
  /** Milliseconds since 1970. */
  readonly timestamp: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: IHeaders;
  readonly attributes: number;
  readonly magicByte: number;
  readonly isControlRecord: boolean;
  /** What the batch says of all its records. kafkajs leaves out aborted transactions by it. */
  readonly batchContext: {
    readonly inTransaction: boolean;
    readonly producerId: string;
    /** Whether the timestamps are the broker's (LogAppendTime). */
    readonly isBrokersTime: boolean;
  };
  /** Why the batch cannot be decoded, and which offsets it holds. */
  readonly undecodable?: string;
}

/** Before a batch's own length: its first offset and that length. */
const PREFIX_BYTES = 12;
/** From the leader's epoch to the first sequence number. */
const HEADER_BYTES = 45;
const MAGIC_OFFSET = 16;
const MAGIC = 2;

const COMPRESSION = 0x07;
const LOG_APPEND_TIME = 0x08;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;

/** What an honest batch never comes near. Each partition at work may hold as much. */
const MAX_BATCH_BYTES = 32 * 1024 * 1024;
const MAX_BATCH_RECORDS = 100_000;

/** Whether fetched bytes are in the format of a topic from before Kafka 0.11. */
export function isOfAnOlderFormat(bytes: Buffer): boolean {
  return bytes.length > MAGIC_OFFSET && bytes.readInt8(MAGIC_OFFSET) < MAGIC;
}

/**
 * The records in the answer to a fetch. Never throws: whatever is wrong with one batch is that batch's.
 *
 * @see https://kafka.apache.org/documentation/#recordbatch
 */
export function decodeRecordBatches(bytes: Buffer): DecodedRecord[] {
  const records: DecodedRecord[] = [];
  const reader = new Reader(bytes);
  while (reader.left >= PREFIX_BYTES + HEADER_BYTES) {
    const first = reader.int64();
    const length = reader.int32();
    // The broker fills what was asked for, and cuts its last batch; the next fetch begins with that one.
    if (length < HEADER_BYTES || length > reader.left) break;
    for (const record of decodeBatch(first, reader.take(length))) records.push(record);
  }
  return records;
}

interface BatchHeader {
  readonly first: number;
  readonly last: number;
  readonly attributes: number;
  readonly firstTimestamp: number;
  readonly maxTimestamp: number;
  readonly context: DecodedRecord['batchContext'];
}

function decodeBatch(first: number, batch: Buffer): DecodedRecord[] {
  const reader = new Reader(batch);
  // The leader's epoch, the magic number and the checksum, which brokers verify.
  reader.take(9);
  const attributes = reader.int16();
  const last = first + reader.int32();
  const [firstTimestamp, maxTimestamp, producerId] = [reader.int64(), reader.int64(), String(reader.int64())];
  const isBrokersTime = (attributes & LOG_APPEND_TIME) !== 0;
  const context = { inTransaction: (attributes & TRANSACTIONAL) !== 0, producerId, isBrokersTime };
  const header = { first, last, attributes, firstTimestamp, maxTimestamp, context };
  // The producer's epoch and the first sequence number.
  reader.take(6);
  try {
    const count = reader.int32();
    if (count > MAX_BATCH_RECORDS) throw new Error(`${count} records are in it, the limit is ${MAX_BATCH_RECORDS}`);
    // What compaction has left empty: kafkajs passes over the place of a control record, and over no other.
    if (count <= 0) return [{ ...recordOf(header, last, header.maxTimestamp), isControlRecord: true }];
    const records = new Reader(decompressed(reader.rest(), attributes & COMPRESSION, MAX_BATCH_BYTES));
    return Array.from({ length: count }, () => decodeRecord(records, header));
  } catch (error) {
    const undecodable = `a batch of records (offsets ${first} to ${last}) cannot be read: ${errorText(error)}`;
    return [{ ...recordOf(header, last, header.maxTimestamp), undecodable }];
  }
}

function recordOf(
  { attributes, context }: BatchHeader,
  offset: number,
  timestamp: number,
  key: Buffer | null = null,
  value: Buffer | null = null,
  headers: IHeaders = {},
): DecodedRecord {
  return {
    offset: String(offset),
    timestamp: String(timestamp),
    key,
    value,
    headers,
    attributes: 0,
    magicByte: MAGIC,
    isControlRecord: (attributes & CONTROL) !== 0,
    batchContext: context,
  };
}

function decodeRecord(reader: Reader, header: BatchHeader): DecodedRecord {
  const length = reader.varint();
  const end = reader.left - length;
  // The attributes of a record have no meaning yet.
  reader.int8();
  const delta = reader.varlong();
  const timestamp = header.context.isBrokersTime ? header.maxTimestamp : header.firstTimestamp + delta;
  const offset = header.first + reader.varint();
  const record = recordOf(header, offset, timestamp, reader.sized(), reader.sized(), decodeHeaders(reader));
  if (reader.left !== end) throw new Error(`the record of offset ${offset} is longer or shorter than it says`);
  return record;
}

/** A name may come more than once: its values are a list then. A record may have a hundred thousand of them. */
function decodeHeaders(reader: Reader): IHeaders {
  const count = reader.varint();
  if (count <= 0) return {};
  const headers = new Map<string, Buffer | Buffer[]>();
  for (let index = 0; index < count; index += 1) {
    const name = reader.sized()?.toString('utf8') ?? '';
    const value = reader.sized() ?? Buffer.alloc(0);
    const before = headers.get(name);
    if (before === undefined) headers.set(name, value);
    else if (Array.isArray(before)) before.push(value);
    else headers.set(name, [before, value]);
  }
  return Object.fromEntries(headers);
}
