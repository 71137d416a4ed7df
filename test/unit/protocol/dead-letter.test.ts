import { describe, expect, it } from 'vitest';
import {
  buildDeadLetter,
  buildReplay,
  buildReplayed,
  buildUnpublishedEvent,
  readDeadLetter,
  replayedLetter,
  shorterDeadLetters,
  whereFrom,
  type DeadLetterToWrite,
} from '../../../src/protocol/dead-letter.js';

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
    expect(replayedLetter(buildReplayed(letter.record, '2-1047'))).toBe('2-1047');
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
