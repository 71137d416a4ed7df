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
