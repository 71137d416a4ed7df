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
