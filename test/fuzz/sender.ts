import kafkajs, { CompressionTypes, Kafka, logLevel, type Message, type Producer } from 'kafkajs';
import { compressFrameSync } from 'lz4-napi';
import { compressSync } from 'snappy';
import { partitioner } from '../../src/kafka/partitioner.js';
import { sizeOf } from '../../src/protocol/dead-letter.js';
import type { Random } from './random.js';
import { isMarker, type Made } from './records.js';

export interface Addressed extends Made {
  readonly topic: string;
  /** Default: any. */
  readonly partition?: number;
}

/** What goes in a batch of its own; and far below the 1 MB that the broker takes at once. */
const LARGE = 30_000;
const AT_ONCE = { records: 100, bytes: 400_000 } as const;

const CODECS = [
  CompressionTypes.None,
  CompressionTypes.None,
  CompressionTypes.None,
  CompressionTypes.GZIP,
  CompressionTypes.Snappy,
  CompressionTypes.LZ4,
  CompressionTypes.ZSTD,
] as const;

/** Sends records in every form that Kafka has: in each codec, and in transactions, between some that are aborted. */
export class Sender {
  private constructor(
    private readonly random: Random,
    private readonly partitions: number,
    private readonly plain: Producer,
    private readonly transactional: Producer,
    private readonly counted: (records: number) => void,
  ) {}

  /** @param counted is called with how many records the broker has taken that a reader is given */
  static async open(
    brokers: readonly string[],
    random: Random,
    partitions: number,
    counted: (records: number) => void,
  ): Promise<Sender> {
    const kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING });
    const plain = kafka.producer({ createPartitioner: partitioner });
    const transactional = kafka.producer({
      createPartitioner: partitioner,
      transactionalId: `fuzz-${process.pid}`,
      idempotent: true,
      maxInFlightRequests: 1,
    });
    await Promise.all([plain.connect(), transactional.connect()]);
    return new Sender(random, partitions, plain, transactional, counted);
  }

  /** As many producers would send them at once, each in its way. */
  async send(records: readonly Addressed[]): Promise<void> {
    const alone = records.filter((record) => record.compressed === true || sizeOf(record) > LARGE);
    const others = records.filter((record) => !alone.includes(record));
    const each = alone.map((record) =>
      this.#batch([record], record.compressed === true ? CompressionTypes.GZIP : CompressionTypes.None),
    );
    if (this.random.onceIn(10)) each.push(this.#transaction(others));
    else each.push(...[...inPortions(others)].map((some) => this.#batch(some, this.random.pick(CODECS))));
    await Promise.all(each);
  }

  /** As they are: what has to be there soon. */
  async sendPlainly(records: readonly Addressed[]): Promise<void> {
    await Promise.all([...inPortions(records)].map((some) => this.#batch(some, CompressionTypes.None)));
  }

  async close(): Promise<void> {
    await Promise.all([this.plain.disconnect(), this.transactional.disconnect()]);
  }

  async #batch(records: readonly Addressed[], compression: CompressionTypes): Promise<void> {
    if (records.length === 0) return;
    await this.plain.sendBatch({ acks: -1, compression, topicMessages: this.#byTopic(records) });
    this.#count(records);
  }

  async #transaction(records: readonly Addressed[]): Promise<void> {
    if (records.length === 0) return;
    const aborted = await this.transactional.transaction();
    await aborted.sendBatch({ topicMessages: this.#byTopic(records.slice(0, 3)) });
    await aborted.abort();
    const committed = await this.transactional.transaction();
    for (const some of inPortions(records)) await committed.sendBatch({ topicMessages: this.#byTopic(some) });
    await committed.commit();
    this.#count(records);
  }

  #count(records: readonly Addressed[]): void {
    this.counted(records.filter((record) => !isMarker(record)).length);
  }

  #byTopic(records: readonly Addressed[]) {
    const topics = new Map<string, Message[]>();
    for (const { topic, partition = this.random.below(this.partitions), key, value, headers, timestamp } of records) {
      const messages = topics.get(topic) ?? [];
      messages.push({
        partition,
        key,
        value,
        headers: { ...headers },
        ...(timestamp === undefined ? {} : { timestamp }),
      });
      topics.set(topic, messages);
    }
    return [...topics].map(([topic, messages]) => ({ topic, messages }));
  }
}

function* inPortions(records: readonly Addressed[]): Generator<readonly Addressed[]> {
  let portion: Addressed[] = [];
  let bytes = 0;
  for (const record of records) {
    const size = sizeOf(record);
    if (portion.length > 0 && (portion.length === AT_ONCE.records || bytes + size > AT_ONCE.bytes)) {
      yield portion;
      portion = [];
      bytes = 0;
    }
    portion.push(record);
    bytes += size;
  }
  if (portion.length > 0) yield portion;
}

interface Encoded {
  readonly buffer: Buffer;
}

/** kafkajs has the place for the other codecs, and leaves them to others. */
function write(type: Exclude<CompressionTypes, CompressionTypes.None>, compress: (bytes: Buffer) => Buffer): void {
  kafkajs.CompressionCodecs[type] = () => ({
    compress: ({ buffer }: Encoded) => Promise.resolve(compress(buffer)),
    decompress: () => Promise.reject(new Error('our own decoder reads')),
  });
}

write(CompressionTypes.Snappy, (bytes) => compressSync(bytes));
write(CompressionTypes.LZ4, (bytes) => compressFrameSync(bytes));
write(CompressionTypes.ZSTD, storedAsZstd);

const ZSTD_BLOCK = 64 * 1024;

/** A frame of Zstandard whose blocks are stored as they are (RFC 8878, section 3.1.1). */
function storedAsZstd(bytes: Buffer): Buffer {
  // The magic number, and: one segment, whose size has four bytes.
  const head = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 0, 0]);
  head.writeUInt32LE(bytes.length, 5);
  const blocks: Buffer[] = [head];
  for (let at = 0; at < bytes.length || at === 0; at += ZSTD_BLOCK) {
    const block = bytes.subarray(at, at + ZSTD_BLOCK);
    const header = Buffer.alloc(3);
    const isLast = at + ZSTD_BLOCK >= bytes.length;
    header.writeUIntLE((block.length << 3) | (isLast ? 1 : 0), 0, 3);
    blocks.push(header, block);
  }
  return Buffer.concat(blocks);
}
