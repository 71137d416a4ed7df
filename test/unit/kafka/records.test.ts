import type { Batch } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { marker } from '../../../src/kafka/markers.js';
import { contentOf } from '../../../src/kafka/records.js';

const LOG_APPEND_TIME = { timestampType: 1, isBrokersTime: true };
const CREATE_TIME = { timestampType: 0, isBrokersTime: false };

const message = (offset: number, changes: object = {}) => ({
  offset: String(offset),
  timestamp: String(1_000 + offset),
  key: null,
  value: Buffer.from('{}'),
  headers: {},
  batchContext: LOG_APPEND_TIME,
  ...changes,
});
const marked = (offset: number, id: string, changes: object = {}) => {
  const { value, headers } = marker('t', 0, id, 100);
  return message(offset, { value, headers: { ...headers }, ...changes });
};
const content = (...messages: object[]) => contentOf({ topic: 't', partition: 0, messages } as unknown as Batch);

describe('what a batch holds', () => {
  it('are its records without the markers, which count only for the place up to which it reads', () => {
    const { records, markers, upTo } = content(message(5), marked(6, 'a/1'), message(7), marked(8, 'b/9'));
    expect(records.map(({ offset }) => offset)).toEqual(['5', '7']);
    expect(markers).toEqual(['6', '8']);
    expect(upTo).toEqual({ next_offset: '9', timestamp: 1_008, isBrokersTime: true, markers: ['a/1', 'b/9'] });
  });

  it('may be markers only, as a client decodes them', () => {
    const decoded = marked(6, 'a/1', { headers: { 'registrar-marker': Buffer.from('a/1      ') } });
    expect(content(decoded)).toMatchObject({ records: [], markers: ['6'], upTo: { markers: ['a/1'] } });
  });

  it('are records too where others use the header with a value, or send no value without the header', () => {
    const { records, markers } = content(
      message(5, { headers: { 'registrar-marker': 'a' } }),
      message(6, { value: null }),
    );
    expect([records.length, markers]).toEqual([2, []]);
  });

  it('says of each record whether the broker has set its time', () => {
    const { records, upTo } = content(message(5), message(6, { batchContext: CREATE_TIME }));
    expect(records.map(({ isBrokersTime }) => isBrokersTime)).toEqual([true, false]);
    expect(upTo?.isBrokersTime).toBe(false);
    expect(content(message(5, { batchContext: undefined })).records[0]?.isBrokersTime).toBe(false);
  });

  it('is nothing where a client hands over an empty batch', () => {
    expect(content()).toEqual({ records: [], markers: [], upTo: null });
  });
});
