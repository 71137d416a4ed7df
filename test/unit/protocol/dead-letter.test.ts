import { describe, expect, it } from 'vitest';
import {
  buildDeadLetter,
  buildReplay,
  buildReplayed,
  buildUnpublishedEvent,
  isAbout,
  readDeadLetter,
  replayedLetter,
  MOST_REPLAYS,
  shorterDeadLetters,
  sizeOf,
  whereFrom,
  whyNotReplayed,
  type DeadLetter,
  type DeadLetterToWrite,
} from '../../../src/protocol/dead-letter.js';
import type { RecordHeaders } from '../../../src/protocol/instance.js';

const record = {
  topic: 'dev.introspection',
  partition: 3,
  offset: '7',
  timestamp: Date.UTC(2026, 0, 31),
  key: Buffer.from('node-1'),
  value: Buffer.from([0xff, 0x00]),
  headers: { message_id: Buffer.from('m'), twice: [Buffer.from('1'), Buffer.from([0xfe])] },
};
const letter: DeadLetterToWrite = {
  event_type: 'Dead',
  tags: { team: 'fleet' },
  code: 'not_json',
  reason: 'not UTF-8 text',
  node_id: 'node-1',
  record,
};
const read = (written: Omit<ReturnType<typeof buildDeadLetter>, never>) =>
  readDeadLetter({ ...written, timestamp: 1_000 });

describe('a dead letter', () => {
  it('is read back with the whole original', () => {
    expect(read(buildDeadLetter(letter))).toEqual({
      at: 1_000,
      code: 'not_json',
      reason: 'not UTF-8 text',
      node_id: 'node-1',
      origin: { topic: 'dev.introspection', partition: 3, offset: '7' },
      unpublished: null,
      replays: 0,
      cut_from_bytes: null,
      key: record.key,
      value: record.value,
      headers: record.headers,
    });
  });

  it('that was cut says of how many bytes', () => {
    const [head, nothing] = shorterDeadLetters({ ...letter, record: { ...record, value: Buffer.alloc(900_000) } });
    expect(head?.value).toHaveLength(256 * 1024);
    expect(nothing).toMatchObject({ key: null, value: null });
    for (const one of [head, nothing])
      expect(read(one ?? { key: null, value: null, headers: {} }).cut_from_bytes).toBeGreaterThan(900_000);
  });

  it('whose original is sent again and fails again has counted it; the original is the same', () => {
    const again = (from: ReturnType<typeof read>) =>
      read(buildDeadLetter({ ...letter, record: { ...record, ...buildReplay(from) } }));
    const once = again(read(buildDeadLetter(letter)));
    expect(once).toMatchObject({ replays: 1, key: record.key, value: record.value, headers: record.headers });
    expect(again(once).replays).toBe(2);
  });

  it('that was replayed is named by a record that is no dead letter', () => {
    expect(replayedLetter(buildReplayed(letter.record, '2-1047', { who: 'ann', why: null }))).toBe('2-1047');
    expect(replayedLetter(buildDeadLetter({ ...letter, record: { ...record, value: null } }))).toBeNull();
  });

  it('of whoever else writes into the topic is read, and nothing in it reaches a terminal as more than text', () => {
    const CLEAR = '\u001b[2J';
    const headers = {
      reason: `${CLEAR}not\nJSON`,
      node_id: `${CLEAR}${'n'.repeat(500)}`,
      original_topic: CLEAR,
      original_partition: '1',
      original_offset: '2',
      original_event_type: CLEAR,
      cut_from_bytes: 'many',
    };
    const found = readDeadLetter({ key: null, value: null, headers, timestamp: 8.64e15 + 1 });
    expect(found).toMatchObject({
      at: 0,
      code: null,
      reason: '\\u001b[2Jnot\\u000aJSON',
      origin: { topic: '\\u001b[2J', partition: 1, offset: '2' },
      unpublished: '\\u001b[2J',
      cut_from_bytes: null,
    });
    expect(found.node_id).toMatch(/^\\u001b\[2Jn{244}…$/);
  });

  it.each([
    ['original_partition', 'x'],
    ['original_partition', 'n7'],
    ['original_offset', '7n'],
    ['original_offset', ''],
  ])('whose %s is "%s" comes from an unknown place', (name, value) => {
    const { headers } = buildDeadLetter(letter);
    expect(read({ key: null, value: null, headers: { ...headers, [name]: value } }).origin).toBeNull();
  });

  it('says where it comes from: a place in a topic, or the registrar itself', () => {
    expect(whereFrom(read(buildDeadLetter(letter)))).toBe('dev.introspection, partition 3, offset 7');
    const event = { node_id: 'node-1', event_type: 'NodeBecameActive', topic: '{env}.active' };
    expect(whereFrom(read(buildUnpublishedEvent(letter, event, 'r')))).toBe(
      'the registrar itself, an event of type NodeBecameActive',
    );
    expect(whereFrom(readDeadLetter({ key: null, value: null, headers: {}, timestamp: 0 }))).toBe('an unknown place');
  });
});

describe('the headers of a dead letter', () => {
  const place = {
    original_topic: 'dev.introspection',
    original_partition: '3',
    original_offset: '7',
    original_timestamp: '2026-01-31T00:00:00.000Z',
  };

  it('are those of its original, each under a name of its own, the tags, and why and where', () => {
    const { key, value, headers } = buildDeadLetter(letter);
    expect([key, value]).toEqual([record.key, record.value]);
    expect(headers).toEqual({
      'original_header.message_id': record.headers.message_id,
      'original_header.twice': record.headers.twice,
      team: 'fleet',
      event_type: 'Dead',
      code: 'not_json',
      reason: 'not UTF-8 text',
      ...place,
      node_id: 'node-1',
    });
  });

  it('have no node where none could be read, a reason of 2000 characters at most, and a time as it came', () => {
    const odd = { ...record, timestamp: 1.7e18 };
    const { headers } = buildDeadLetter({ ...letter, node_id: null, reason: 'x'.repeat(2_001), record: odd });
    expect(headers).not.toHaveProperty('node_id');
    expect(headers['reason']).toBe('x'.repeat(2_000));
    expect(headers['original_timestamp']).toBe('1700000000000000000');
  });

  it('of an event of the registrar name its type and topic, and no place', () => {
    const event = { node_id: 'node-1', event_type: 'NodeBecameActive', topic: '{env}.active', extra: 1 };
    const { key, value, headers } = buildUnpublishedEvent(letter, event, 'x'.repeat(2_001));
    expect(key?.toString()).toBe('node-1');
    expect(JSON.parse(value?.toString() ?? '')).toEqual(event);
    expect(headers).toEqual({
      team: 'fleet',
      event_type: 'Dead',
      code: 'unpublishable_event',
      reason: 'x'.repeat(2_000),
      original_topic: '{env}.active',
      original_event_type: 'NodeBecameActive',
      node_id: 'node-1',
    });
  });

  it('of one that was cut say how long it was; only the head has the tags, and no header of the original is left', () => {
    const long = { ...record, key: Buffer.alloc(2_000, 'k'), value: Buffer.alloc(300_000, 'v') };
    const [head, nothing, ...more] = shorterDeadLetters({ ...letter, reason: 'r'.repeat(301), record: long });
    expect(more).toEqual([]);
    expect(head?.key).toEqual(long.key.subarray(0, 1_024));
    expect(head?.value).toEqual(long.value.subarray(0, 256 * 1_024));
    const both = {
      event_type: 'Dead',
      code: 'not_json',
      reason: 'r'.repeat(300),
      ...place,
      node_id: 'node-1',
      cut_from_bytes: String(sizeOf(long)),
    };
    expect(head?.headers).toEqual({ ...both, team: 'fleet' });
    expect(nothing).toEqual({ key: null, value: null, headers: both });
  });

  it('of one whose original has neither key nor value have neither', () => {
    const [head] = shorterDeadLetters({ ...letter, record: { ...record, key: null, value: null } });
    expect([head?.key, head?.value]).toEqual([null, null]);
  });
});

describe('the size of a record', () => {
  it.each([
    ['nothing', { key: null, value: null, headers: {} }, 0],
    ['key and value', { key: 'abc', value: Buffer.alloc(5), headers: {} }, 8],
    ['a header, with four bytes for its lengths', { key: null, value: null, headers: { ab: Buffer.alloc(3) } }, 9],
    ['a header of two values', { key: null, value: null, headers: { ab: ['1', Buffer.alloc(2)] } }, 15],
    ['a header without a value', { key: null, value: null, headers: { ab: undefined } }, 6],
    ['two headers', { key: null, value: null, headers: { a: '1', b: '22' } }, 13],
  ])('counts %s', (_, sized, bytes) => {
    expect(sizeOf(sized)).toBe(bytes);
  });
});

describe('a dead letter that is read', () => {
  const readOf = (headers: RecordHeaders) => readDeadLetter({ key: null, value: null, headers, timestamp: 0 });
  const PLACE = { original_topic: 't', original_partition: '1', original_offset: '2' };

  it('without headers says as much as it can', () => {
    expect(readOf({})).toEqual({
      at: 0,
      code: null,
      reason: 'no reason given',
      node_id: null,
      origin: null,
      unpublished: null,
      replays: 0,
      cut_from_bytes: null,
      key: null,
      value: null,
      headers: {},
    });
  });

  it.each<[RecordHeaders, Partial<DeadLetter>]>([
    [{ code: 'invalid_field' }, { code: 'invalid_field' }],
    [{ code: 'of_tomorrow' }, { code: null }],
    [{ code: 'toString' }, { code: null }],
    [{ code: ['not_json', 'invalid_field'] }, { code: 'not_json' }],
    [{ code: [] }, { code: null }],
    [{ cut_from_bytes: '7', truncated_from_bytes: '8' }, { cut_from_bytes: 7 }],
    // As older registrars called it.
    [{ truncated_from_bytes: '8' }, { cut_from_bytes: 8 }],
    [{ cut_from_bytes: '-7' }, { cut_from_bytes: null }],
    [{ 'original_header.registrar-replays': '3' }, { replays: 3 }],
    [{ 'original_header.registrar-replays': 'many' }, { replays: 0 }],
    [{ 'original_header.a': 'x', b: 'y', 'not.original_header.c': 'z' }, { headers: { a: 'x' } }],
    [PLACE, { origin: { topic: 't', partition: 1, offset: '2' } }],
    ...Object.keys(PLACE).map((name): [RecordHeaders, Partial<DeadLetter>] => [
      { ...PLACE, [name]: undefined },
      { origin: null },
    ]),
  ])('with %j has %j', (headers, expected) => {
    expect(readOf(headers)).toMatchObject(expected);
  });

  it.each([
    ['its header says so', { node_id: 'n-1', value: null }, true],
    ['its header names another', { node_id: 'n-2', value: null }, false],
    ['nothing says so', { node_id: null, value: null }, false],
    ['its value names it', { node_id: null, value: Buffer.from('{"node":"n-1"}') }, true],
    ['its value names one that begins alike', { node_id: null, value: Buffer.from('{"node":"n-12"}') }, false],
  ])('is about a node or not: %s', (_, about, expected) => {
    expect(isAbout(about, 'n-1')).toBe(expected);
  });
});

describe('a record that says that a letter was replayed', () => {
  it('has the key of the letter and no value, says who and why, and is known by its header', () => {
    expect(buildReplayed({ key: Buffer.from('k') }, '0-7', { who: 'ann', why: 'corrected' })).toEqual({
      key: Buffer.from('k'),
      value: null,
      headers: { event_type: 'DeadLetterReplayed', replayed_letter: '0-7', asked_by: 'ann', why: 'corrected' },
    });
    const unsaid = buildReplayed({ key: null }, '0-7', { who: 'ann', why: null });
    expect(Object.keys(unsaid.headers)).toEqual(['event_type', 'replayed_letter', 'asked_by']);
  });

  it.each([
    [{ headers: { replayed_letter: '0-7' }, value: null }, '0-7'],
    [{ headers: { replayed_letter: '0-7' }, value: Buffer.from('x') }, null],
    [{ headers: { replayed_letter: '0-7', code: 'not_json' }, value: null }, null],
    [{ headers: {}, value: null }, null],
  ])('%#: is one only without a value and a code', (written, id) => {
    expect(replayedLetter(written)).toBe(id);
  });
});

it('an original that is sent again counts its replays, and keeps all else', () => {
  const from = { key: null, value: Buffer.from('v'), headers: { a: 'x' }, replays: 2 };
  expect(buildReplay(from)).toEqual({ key: null, value: from.value, headers: { a: 'x', 'registrar-replays': '3' } });
});

describe('the original of a dead letter', () => {
  const whole = read(buildDeadLetter(letter));

  it('can be sent again, unless there is a reason', () => {
    expect(whyNotReplayed(whole)).toBeNull();
    expect(whyNotReplayed({ ...whole, replays: MOST_REPLAYS - 1 })).toBeNull();
  });

  it.each<[string, Partial<DeadLetter>]>([
    [
      'an event of the registrar: correct the contract, then retry its node',
      { unpublished: 'NodeBecameActive', origin: null },
    ],
    ['where it comes from is not known', { origin: null }],
    ['a batch whose bytes no client can read: its sender must send it again', { code: 'undecodable' }],
    [
      'only the head of its 2000000 bytes is here; dev.introspection, partition 3, offset 7 may have it',
      { cut_from_bytes: 2_000_000 },
    ],
    ['replayed 3 times, and refused each time: correct what sends it', { replays: 3 }],
    ['replayed 4 times, and refused each time: correct what sends it', { replays: 4 }],
  ])('is not sent again: %s', (why, change) => {
    expect(whyNotReplayed({ ...whole, ...change })).toBe(why);
  });
});
