import { describe, expect, it } from 'vitest';
import { recordByRecord } from '../../../src/bridge/record-by-record.js';
import { understand } from '../../../src/bridge/understand.js';
import type { RecordBatch } from '../../../src/kafka/consumer.js';
import { batchOf, bridgeWorld, recordOf } from './support.js';

const values = ['good', 'bad', 'fine'].map((text) => Buffer.from(text));

/** Handles records in order, and fails at the bad one. */
async function handle(batch: RecordBatch): Promise<void> {
  for (const record of batch.records) {
    if (record.value?.toString() === 'bad') return Promise.reject(new RangeError('it is bad'));
    batch.done(record);
  }
  return Promise.resolve();
}

describe('a batch whose handling fails', () => {
  it('is delivered again once; then the record that fails is a dead letter, and those behind it go on', async () => {
    const { context, sent } = bridgeWorld();
    const handled = recordByRecord(context, handle);
    const first = batchOf(values);
    await expect(handled(first.batch)).rejects.toThrow('it is bad');
    expect([[...first.done], sent.length]).toEqual([['0'], 0]);

    const again = batchOf(values);
    await handled(again.batch);
    expect([...again.done]).toEqual(['0', '1', '2']);
    expect(sent).toMatchObject([
      {
        value: values[1],
        headers: { code: 'unexpected_error', reason: 'handling it failed, again and again: it is bad' },
      },
    ]);
  });

  it('for a reason that passes loses nothing', async () => {
    const { context, sent } = bridgeWorld();
    let tries = 0;
    const handled = recordByRecord(context, async (batch) => {
      if (++tries % 2 === 1) return Promise.reject(new Error('this time'));
      for (const record of batch.records) batch.done(record);
      return Promise.resolve();
    });
    for (let round = 0; round < 3; round += 1) {
      await expect(handled(batchOf(values).batch)).rejects.toThrow('this time');
      const { batch, done } = batchOf(values);
      await handled(batch);
      expect(done.size).toBe(3);
    }
    expect(sent).toEqual([]);
  });

  it('is taken record by record: none is read further than itself, but the last that is left', async () => {
    const { context } = bridgeWorld();
    const seen: (readonly [string, RecordBatch['upTo']])[] = [];
    const handled = recordByRecord(context, (batch) => {
      if (batch.records.length > 1) return Promise.reject(new Error('together'));
      seen.push([batch.records[0]?.offset ?? '', batch.upTo]);
      return Promise.resolve();
    });
    await expect(handled(batchOf(values).batch)).rejects.toThrow('together');
    const { batch } = batchOf(values);
    const markers = { ...batch.upTo, markers: ['m/1'] };
    const records = batch.records.map((record, at) => ({ ...record, isBrokersTime: at > 0 }));
    await handled({ ...batch, records, upTo: markers });
    const upTo = (at: number) => ({
      next_offset: String(at + 1),
      timestamp: records[at]?.timestamp,
      isBrokersTime: at > 0,
      markers: [],
    });
    expect(seen).toEqual([
      ['0', upTo(0)],
      ['1', upTo(1)],
      ['2', markers],
    ]);
  });

  it('is logged with its place, and of each partition the first failure is one that may pass', async () => {
    const { context, entries } = bridgeWorld();
    const handled = recordByRecord(context, handle);
    await expect(handled(batchOf(values).batch)).rejects.toThrow('it is bad');
    await expect(handled({ ...batchOf(values).batch, partition: 1 })).rejects.toThrow('it is bad');
    await expect(handled({ ...batchOf(values).batch, topic: 'u' })).rejects.toThrow('it is bad');
    expect(entries.map(({ topic, partition, msg }) => [topic, partition, msg])).toEqual([
      ['t', 0, 'a batch could not be handled'],
      ['t', 1, 'a batch could not be handled'],
      ['u', 0, 'a batch could not be handled'],
    ]);
  });

  it('leaves what is behind when the consumer is stopped meanwhile', async () => {
    const { context, sent } = bridgeWorld();
    const handled = recordByRecord(context, handle);
    await expect(handled(batchOf(values).batch)).rejects.toThrow('it is bad');
    const { batch, done } = batchOf(values);
    await handled({ ...batch, isRunning: () => done.size < 1 });
    expect([[...done], sent]).toEqual([['0'], []]);
  });

  it('leaves what is behind when the batch is given up while a record is handled alone', async () => {
    const { context, sent } = bridgeWorld();
    const stop = new AbortController();
    const handled = recordByRecord(context, (batch) => {
      if (batch.records.length === 1) stop.abort(new Error('stopping'));
      return Promise.reject(new Error('again'));
    });
    await expect(handled(batchOf(values, stop.signal).batch)).rejects.toThrow('again');
    const { batch, done } = batchOf(values, stop.signal);
    await expect(handled(batch)).rejects.toThrow('again');
    expect([done.size, sent]).toEqual([0, []]);
  });

  it('because it was given up is left to whoever gets it next', async () => {
    const { context, sent } = bridgeWorld();
    const handled = recordByRecord(context, handle);
    const given = AbortSignal.abort(new Error('stopping'));
    for (let tries = 0; tries < 3; tries += 1)
      await expect(handled(batchOf(values, given).batch)).rejects.toThrow('it is bad');
    expect(sent).toEqual([]);
  });
});

describe('one record', () => {
  const record = recordOf(Buffer.from('{}'));

  it('whose reading throws is that record’s dead letter', () => {
    const thrown = understand(record, () => {
      throw new TypeError('Invalid URL');
    });
    expect(thrown).toEqual({ ok: false, code: 'unexpected_error', reason: 'reading it failed: Invalid URL' });
  });

  it('that no client can decode is one too, with what the client says', () => {
    const undecodable = { ...record, value: null, undecodable: 'a batch cannot be read' };
    expect(understand(undecodable, () => ({ ok: false, reason: 'the message is empty' }))).toEqual({
      ok: false,
      code: 'undecodable',
      reason: 'a batch cannot be read',
    });
  });

  it('that is refused is of one of two kinds: no JSON object, or one with a field that does not fit', () => {
    const refused = (value: string) => understand(recordOf(Buffer.from(value)), () => ({ ok: false, reason: 'r' }));
    expect(refused('{')).toEqual({ ok: false, code: 'not_json', reason: 'r' });
    expect(refused('{"node_id":7}')).toEqual({ ok: false, code: 'invalid_field', reason: 'r' });
  });
});
