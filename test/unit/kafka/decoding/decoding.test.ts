import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeRecordBatches } from '../../../../src/kafka/decoding/record-batches.js';
import { assertProperty } from '../../../run/properties.js';
import { batch, record } from './batches.js';

const CODECS = ['gzip', 'snappy', 'lz4', 'zstd'];
const compressedByJava = (codec: string): Buffer =>
  readFileSync(join(import.meta.dirname, '../../../fixtures/compressed', `${codec}.batch`));
const reasons = (bytes: Buffer) => decodeRecordBatches(bytes).map(({ undecodable }) => undecodable);

/** A zstd frame (RFC 8878, 3.1.1) without checksum, with a window of 1 MB. */
const zstdFrame = (...blocks: readonly Buffer[]): Buffer =>
  Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x50]), ...blocks]);
/** @param type 0: the bytes as they are; 1: one byte, so many times; 2: compressed */
const zstdBlock = (type: 0 | 1 | 2, size: number, bytes: Buffer, isLast: boolean): Buffer => {
  const head = Buffer.alloc(3);
  head.writeUIntLE((size << 3) | (type << 1) | (isLast ? 1 : 0), 0, 3);
  return Buffer.concat([head, bytes]);
};
/** Found by `npm run fuzz:parsers`: some decoders build a table out of it for ever. */
const ENDLESS_ZSTD = Buffer.from(
  'KLUv/QBYFAQAjlKDPWR+8Y9FS65VzUJseWt8rPxAYa2Ko+NYeKxb5b+A23hDZYGcIqpTl2yMSy0Fh3f+kZRwKcrjGTH3nhIIa5wBCDQ0VAXO' +
    'uQIAACGbjAAMamF2YS0w/LgCeyJub2RlX2lkIjoiIiwidGV4dCI6ImFiYyAifQYKY29kZWMIenN0ZAp0d2ljZQIxMtC5AgCaAQIxMQS94UFP' +
    'IUgyMgYzM5wBCDQ0DwBFDtgF0AuwgMmSA/YDlAFMlhz/H6DMzWE4WsnEDGe3FYhNJwEAAElywH6AMoDJkgP2A5QBTJYcsB+gzM1hOFrJxAxn' +
    'txWITScBAAA=',
  'base64',
);

describe('record batches that were fetched', () => {
  it.each(CODECS)('compressed by a Java producer, %s: every record is read', (codec) => {
    const records = decodeRecordBatches(compressedByJava(codec));
    expect(records.map(({ offset }) => offset)).toEqual(['0', '1', '2', '3', '4']);
    for (const [index, { key, value, headers, timestamp, undecodable }] of records.entries()) {
      expect(undecodable).toBeUndefined();
      expect(String(key)).toBe(`java-${index}`);
      expect(JSON.parse(String(value))).toEqual({ node_id: `java-${index}`, text: 'abc '.repeat(5_000) });
      expect(headers).toEqual({ codec: Buffer.from(codec), twice: [Buffer.from('1'), Buffer.from('2')] });
      expect(Number(timestamp)).toBeGreaterThan(Date.parse('2026-01-01'));
    }
  });

  it('in a format that no producer writes are one undecodable record, which names the offsets; the others are read', () => {
    const good = (firstOffset: bigint) => batch({ firstOffset, records: [record({ value: Buffer.from('v') })] });
    const bad = batch({ firstOffset: 1n, codec: 3, count: 4, records: [], body: Buffer.from('no lz4') });
    const records = decodeRecordBatches(Buffer.concat([good(0n), bad, good(5n)]));
    expect(records.map(({ offset, undecodable }) => [offset, undecodable === undefined])).toEqual([
      ['0', true],
      ['4', false],
      ['5', true],
    ]);
    expect(records[1]?.undecodable).toMatch(/^a batch of records \(offsets 1 to 4\) cannot be read: .*lz4/);
  });

  it('of zstd in several frames, one of which is skippable, are read', () => {
    const whole = record({ value: Buffer.from('v'.repeat(50)) });
    const [head, tail] = [whole.subarray(0, 20), whole.subarray(20)];
    const skippable = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9]);
    const frames = [
      zstdFrame(zstdBlock(0, 12, head.subarray(0, 12), false), zstdBlock(0, 8, head.subarray(12), true)),
      skippable,
      zstdFrame(zstdBlock(0, tail.length, tail, true)),
    ];
    const [read] = decodeRecordBatches(batch({ codec: 4, count: 1, records: [], body: Buffer.concat(frames) }));
    expect(String(read?.value)).toBe('v'.repeat(50));
  });

  it.each([
    ['would keep a decoder busy for ever', ENDLESS_ZSTD, 'cannot be decompressed (zstd)'],
    [
      'has a block of nonsense',
      zstdFrame(zstdBlock(2, 90, ENDLESS_ZSTD.subarray(9, 99), true)),
      'its frames are malformed',
    ],
    ['ends within a block', zstdFrame(zstdBlock(0, 9, Buffer.alloc(4), true)), 'its frames are malformed'],
    ['names a size and has nothing in it', Buffer.from('KLUv/X////+ITScBAAA=', 'base64'), 'nothing is in its frames'],
    ['is no frame at all', Buffer.from('nothing of the kind'), 'no zstd frame'],
  ])('of zstd that %s are passed over', (_, body, why) => {
    expect(reasons(batch({ codec: 4, count: 1, records: [], body }))).toEqual([expect.stringContaining(why)]);
  });

  it('by a codec of the future are passed over', () => {
    expect(reasons(batch({ codec: 6, records: [record({})] }))).toEqual([
      'a batch of records (offsets 0 to 0) cannot be read: compressed by an unknown codec, number 6',
    ]);
  });

  it('that would fill the memory are passed over', () => {
    const zeros = gzipSync(Buffer.alloc(40 * 1024 * 1024));
    expect(zeros.length).toBeLessThan(100_000);
    expect(reasons(batch({ codec: 1, count: 1, records: [], body: zeros }))).toEqual([
      expect.stringContaining('cannot be decompressed (gzip)'),
    ]);
    const block = Buffer.concat([Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f]), Buffer.alloc(9)]);
    expect(reasons(batch({ codec: 2, count: 1, records: [], body: block }))).toEqual([
      expect.stringContaining('more than 33554432 bytes come out of it'),
    ]);
    const many = Array.from({ length: 400 }, (_, index) => zstdBlock(1, 128 << 10, Buffer.from([0]), index === 399));
    expect(reasons(batch({ codec: 4, count: 1, records: [], body: zstdFrame(...many) }))).toEqual([
      expect.stringContaining('more than 33554432 bytes come out of it'),
    ]);
    expect(reasons(batch({ records: [record({})], count: 1_000_000 }))).toEqual([
      'a batch of records (offsets 0 to 999999) cannot be read: 1000000 records are in it, the limit is 100000',
    ]);
  });

  it('with a hundred thousand headers in a record, or as many records, are read in a time that grows with their number', () => {
    const many = Array.from({ length: 100_000 }, (_, index) => index);
    const headers = many.map((index) => [`h${index}`, ''] as const);
    // With their square this takes longer than a test may.
    expect(Object.keys(decodeRecordBatches(batch({ records: [record({ headers })] }))[0]?.headers ?? {})).toHaveLength(
      many.length,
    );
    expect(decodeRecordBatches(batch({ records: many.map((delta) => record({ delta })) }))).toHaveLength(many.length);
  });

  it('with a header of any name keep it as a name', () => {
    const [read] = decodeRecordBatches(batch({ records: [record({ headers: [['__proto__', 'x']] })] }));
    expect(Object.entries(read?.headers ?? {})).toEqual([['__proto__', Buffer.from('x')]]);
  });

  it('that compaction has left empty are passed over', () => {
    expect(decodeRecordBatches(batch({ firstOffset: 7n, records: [] }))).toMatchObject([
      { offset: '7', isControlRecord: true },
    ]);
  });

  it('cut by the broker at the end are left for the next fetch', () => {
    const whole = batch({ records: [record({ value: Buffer.from('v') })] });
    expect(decodeRecordBatches(Buffer.concat([whole, whole.subarray(0, -1)]))).toHaveLength(1);
  });

  it('of any bytes throw nothing, and no batch is lost without a word', () => {
    assertProperty(
      fc.property(
        fc.constantFrom(...CODECS),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 5 }),
        (codec, changes) => {
          const bytes = Buffer.from(compressedByJava(codec));
          // What stands before the attributes says where the batch ends; the broker verifies the checksum.
          for (const [at, value] of changes) bytes[21 + (at % (bytes.length - 21))] = value;
          expect(decodeRecordBatches(bytes).length).toBeGreaterThan(0);
        },
      ),
    );
    assertProperty(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void decodeRecordBatches(Buffer.from(bytes))),
    );
  });
});
