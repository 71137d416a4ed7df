import { describe, expect, it } from 'vitest';
import { askedByText } from '../../../src/protocol/asked-by.js';
import { buildDrainRequest, parseDrainRequest } from '../../../src/protocol/drain-request.js';
import { LOG_IDS_HEADER } from '../../../src/protocol/log-ids-header.js';

const COMMAND = '3f6c0e1a-77d2-4c1e-9d0b-0a55f2c891ab';
const SENT = new Date('2026-01-31T12:00:00.000Z');
const request = { command_id: COMMAND, node_id: 'mailer-1', correlation_id: 'c-1', draining: true, reason: 'a disk' };
const place = { topic: 't', partition: 0, offset: '7', timestamp: SENT.getTime(), isBrokersTime: true, headers: {} };
const read = (value: object, headers: Record<string, Buffer> = {}) =>
  parseDrainRequest(Buffer.from(JSON.stringify(value)), { ...place, headers });

describe('a request to be drained', () => {
  it('is written in the envelope of nodes, and read back', () => {
    const written = buildDrainRequest(request, SENT);
    expect(written.key).toBe('mailer-1');
    expect(String(written.headers['event_type'])).toBe('NodeDrainRequested');
    expect(String(written.headers['correlation_id'])).toBe('c-1');
    expect(JSON.parse(written.value.toString())).toMatchObject({
      payload: { ...request, timestamp: SENT.toISOString() },
    });
    const { command_id: message_id, ...message } = request;
    expect(parseDrainRequest(written.value, place)).toEqual({
      ok: true,
      message: { ...message, message_id, at: SENT.toISOString() },
    });
  });

  it('has an id of its own where nobody gives one', () => {
    const ids = [1, 2].map(() => {
      const { command_id: _, ...rest } = request;
      return String(buildDrainRequest(rest, SENT).headers['message_id']);
    });
    expect(ids[0]).toMatch(/^[0-9a-f-]{36}$/);
    expect(ids[0]).not.toBe(ids[1]);
  });

  it('without a correlation_id could be about any attempt, and is refused', () => {
    const { correlation_id: _, ...rest } = request;
    expect(read(rest)).toEqual({
      ok: false,
      reason: 'correlation_id: expected the one of the registration, got nothing',
    });
  });

  it('is known by its command, else by its envelope, else by its record', () => {
    const idOf = (value: object): string | undefined => {
      const found = read(value);
      return found.ok ? found.message.message_id : undefined;
    };
    const envelope_id = '0a55f2c8-91ab-4c1e-9d0b-3f6c0e1a77d2';
    expect(idOf(request)).toBe(COMMAND);
    expect(idOf({ envelope_id, payload: { ...request, command_id: 'mine' } })).toBe(envelope_id);
    const ofRecord = idOf({ ...request, command_id: null });
    expect(ofRecord).toMatch(/^[0-9a-f-]{36}$/);
    expect(idOf({ ...request, command_id: 'no uuid' })).toBe(ofRecord);
  });

  it.each([
    ['a disk', 'a disk'],
    ['  a disk\u0007 ', 'a disk'],
    ['', null],
    ['   ', null],
    [null, null],
    [undefined, null],
  ])('says why in printable words, or nothing: %j', (reason, read_) => {
    const found = read({ ...request, reason });
    expect(found.ok ? found.message.reason : found).toSatisfy((words: unknown) =>
      read_ === null ? words === null : String(words).startsWith(read_) && !String(words).startsWith(' '),
    );
  });

  it('names the process that sent it, where it says so', () => {
    const found = read(request, { instance_id: Buffer.from('p-1') });
    expect(found).toMatchObject({ ok: true, message: { instance_id: 'p-1', draining: true } });
    expect(read({ ...request, draining: false })).toMatchObject({ ok: true, message: { draining: false } });
  });
});

it('who asks and why is one text, without a reason the name alone', () => {
  expect(askedByText({ who: 'ada', why: 'a disk' })).toBe('ada: a disk');
  expect(askedByText({ who: 'ada', why: '' })).toBe('ada');
  expect(askedByText({ who: 'ada', why: null })).toBe('ada');
});

it('ids of log lines travel in a header that Temporal and no other library uses', () => {
  expect(LOG_IDS_HEADER).toBe('onex-log-ids');
});
