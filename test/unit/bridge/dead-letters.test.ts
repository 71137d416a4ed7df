import { describe, expect, it } from 'vitest';
import { loadContracts } from '../../../src/contracts/load.js';
import type { RecordToSend } from '../../../src/kafka/producer.js';
import { DEAD_LETTER_CODES, readDeadLetter, sizeOf } from '../../../src/protocol/dead-letter.js';
import { contractDirectory } from '../contracts/contract-files.js';
import { bridgeWorld, recordOf } from './support.js';

const never = new AbortController().signal;
const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const refuseAbove = (limit: number) => (records: readonly RecordToSend[]) =>
  records.reduce((sum, record) => sum + sizeOf(record), 0) > limit
    ? Promise.reject(Object.assign(new Error('too large'), { type: 'MESSAGE_TOO_LARGE' }))
    : Promise.resolve();
const bytesOf = (records: readonly RecordToSend[]): number =>
  records.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);

describe('dead letters', () => {
  it('go in portions that a broker takes', async () => {
    const sizes: number[] = [];
    const { context } = bridgeWorld({ send: (records) => Promise.resolve(void sizes.push(bytesOf(records))) });
    const letter = { record: recordOf(Buffer.alloc(60_000)), code: 'not_json', reason: 'r' } as const;
    await context.deadLetters.put(
      Array.from({ length: 20 }, () => letter),
      never,
    );
    expect(sizes.length).toBeGreaterThan(4);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(256 * 1024);
    expect(context.deadLetters.counts().get('not_json')).toBe(20);
  });

  it('that are too large for the broker go as their head: one of them never blocks a partition', async () => {
    const { context, sent } = bridgeWorld({
      send: (records) =>
        bytesOf(records) > 900_000
          ? Promise.reject(Object.assign(new Error('too large'), { type: 'MESSAGE_TOO_LARGE' }))
          : Promise.resolve(),
    });
    await context.deadLetters.put(
      [{ record: recordOf(Buffer.alloc(1_000_000, 'x'), 7), code: 'not_json', reason: 'r' }],
      never,
    );
    expect(sent).toHaveLength(1);
    expect(sent[0]?.value).toHaveLength(256 * 1024);
    expect(sent[0]?.headers).toMatchObject({
      cut_from_bytes: '1000000',
      original_topic: 't',
      original_partition: '0',
      original_offset: '7',
    });
  });

  it('with a key of a megabyte, too many headers, or a time that no date holds go all the same', async () => {
    const { context, sent } = bridgeWorld({ send: refuseAbove(900_000) });
    const long = { ...recordOf(Buffer.from('v'), 1), key: Buffer.alloc(1_000_000, 'k') };
    const many = {
      ...recordOf(null, 2),
      headers: Object.fromEntries(range(40_000).map((n) => [`header-${n}`, 'x'.repeat(20)])),
    };
    const odd = recordOf(null, 3, 1.7e18);
    for (const record of [long, many, odd])
      await context.deadLetters.put([{ record, code: 'not_json', reason: 'r' }], never);
    expect(sent.map(({ key, headers }) => [key?.length ?? 0, headers['original_offset']])).toEqual([
      [1024, '1'],
      [0, '2'],
      [0, '3'],
    ]);
    expect(sent[2]?.headers['original_timestamp']).toBe('1700000000000000000');
  });

  it('are their place and reason where the broker takes no more, and a line in the log where not even that', async () => {
    const record = recordOf(Buffer.alloc(5_000, 'x'), 7);
    const small = bridgeWorld({ send: refuseAbove(2_000) });
    await small.context.deadLetters.put([{ record, code: 'not_json', reason: 'r' }], never);
    expect(small.sent).toMatchObject([{ key: null, value: null, headers: { original_offset: '7', reason: 'r' } }]);

    const tiny = bridgeWorld({ send: refuseAbove(10) });
    await tiny.context.deadLetters.put([{ record, code: 'not_json', reason: 'r' }], never);
    expect(tiny.sent).toEqual([]);
    expect(tiny.lines).toEqual([expect.stringContaining('takes not even the place of a record and the reason')]);
    expect(tiny.context.deadLetters.counts().get('not_json')).toBe(1);
  });

  it('keep the headers of the original, each under a name of its own', async () => {
    const { context, sent } = bridgeWorld();
    const headers = { reason: 'mine', twice: [Buffer.from('1'), Buffer.from([0xff])] };
    await context.deadLetters.put([{ record: { ...recordOf(null), headers }, code: 'not_json', reason: 'r' }], never);
    const [letter] = sent;
    expect(letter?.headers['reason']).toBe('r');
    expect(readDeadLetter({ ...recordOf(null), headers: letter?.headers ?? {} })).toMatchObject({
      headers,
      reason: 'r',
    });
  });

  it('wait while Kafka is away', async () => {
    let tries = 0;
    const { context } = bridgeWorld({
      send: () => (++tries < 3 ? Promise.reject(new Error('away')) : Promise.resolve()),
    });
    await context.deadLetters.put([{ record: recordOf(null), code: 'not_json', reason: 'r' }], never);
    expect([tries, context.deadLetters.counts().get('not_json')]).toEqual([3, 1]);
  });

  it('carry the contract’s event type and tags as headers, which never hide where a record came from', async () => {
    const overlay = `
published_events:
  - action: "dead_letter"
    event_type: "PoisonedMessage"
    tags: { team: "fleet", severity: "3", original_topic: "another" }
`;
    const contracts = loadContracts(contractDirectory({ orchestrator: overlay }));
    const record = recordOf(Buffer.from('{"node_id":"n-1"}'));
    const headersOf = async (options: Parameters<typeof bridgeWorld>[0], about = record) => {
      const { context, sent } = bridgeWorld(options);
      await context.deadLetters.put([{ record: about, code: 'not_json', reason: 'r' }], never);
      return sent[0]?.headers ?? {};
    };
    expect(await headersOf({})).toMatchObject({ event_type: 'NodeRegistrationDeadLetter', node_id: 'n-1' });
    expect(await headersOf({ contracts })).toMatchObject({
      event_type: 'PoisonedMessage',
      severity: '3',
      team: 'fleet',
      node_id: 'n-1',
      original_topic: 't',
      reason: 'r',
    });
    expect(await headersOf({ contracts }, recordOf(null))).not.toHaveProperty('node_id');
  });

  it('are counted by the kind of reason, all kinds from the start', async () => {
    const { context } = bridgeWorld();
    const counts = () => Object.fromEntries(context.deadLetters.counts());
    const none = Object.fromEntries(Object.keys(DEAD_LETTER_CODES).map((code) => [code, 0]));
    expect(counts()).toEqual(none);
    const letter = (code: 'not_json' | 'invalid_field') => ({ record: recordOf(null), code, reason: 'r' });
    await context.deadLetters.put([letter('not_json'), letter('invalid_field'), letter('not_json')], never);
    expect(counts()).toEqual({ ...none, not_json: 2, invalid_field: 1 });
  });

  it('that are none are not sent', async () => {
    let sends = 0;
    const { context } = bridgeWorld({ send: () => Promise.resolve(void (sends += 1)) });
    await context.deadLetters.put([], never);
    expect(sends).toBe(0);
  });

  // A portion is 256 KB, and each letter counts 2500 bytes besides its original.
  it.each([
    ['two that fill a portion to the last byte go together', [128 * 1024 - 2_500, 128 * 1024 - 2_500], [2]],
    ['one byte more, and they go one after the other', [128 * 1024 - 2_500, 128 * 1024 - 2_499], [1, 1]],
    ['one that is larger than a portion goes alone', [10, 300_000, 10], [1, 1, 1]],
    ['nor does one that comes first make an empty portion', [300_000, 10], [1, 1]],
    ['a new portion begins empty', [200_000, 200_000, 10], [1, 2]],
  ])('in portions: %s', async (_, sizes, portions) => {
    const sent: number[] = [];
    const { context } = bridgeWorld({ send: (records) => Promise.resolve(void sent.push(records.length)) });
    const letters = sizes.map((size) => ({
      record: recordOf(Buffer.alloc(size)),
      code: 'not_json' as const,
      reason: 'r',
    }));
    await context.deadLetters.put(letters, never);
    expect(sent).toEqual(portions);
  });

  it.each([
    ['in its payload', { payload: { node_id: 'n-1' }, node_id: 'n-2' }, 'n-1'],
    ['in itself, where it has no payload', { node_id: 'n-1' }, 'n-1'],
    ['in itself, where the payload is none', { payload: 7, node_id: 'n-1' }, 'n-1'],
    ['not in another field', { id: 'n-1' }, undefined],
    ['not where it is no text', { node_id: 7 }, undefined],
    ['of any length, of which 128 characters count', { node_id: 'x'.repeat(200) }, `${'x'.repeat(127)}…`],
  ])('name the node that stands %s', async (_, value, node_id) => {
    const { context, sent } = bridgeWorld();
    const record = recordOf(Buffer.from(JSON.stringify(value)));
    await context.deadLetters.put([{ record, code: 'invalid_field', reason: 'r' }], never);
    expect(sent[0]?.headers['node_id']).toBe(node_id);
  });

  it('that are passed over say in the log where they came from, and why', async () => {
    const { context, entries } = bridgeWorld({ send: refuseAbove(10) });
    const record = recordOf(Buffer.from('{"node_id":"n-1"}'), 7);
    await context.deadLetters.put([{ record, code: 'invalid_field', reason: 'r'.repeat(2_000) }], never);
    expect(entries).toMatchObject([
      {
        topic: 't',
        partition: 0,
        offset: '7',
        code: 'invalid_field',
        reason: `${'r'.repeat(999)}…`,
        node_id: 'n-1',
        msg:
          'dead_letter takes not even the place of a record and the reason: raise its max.message.bytes. The record ' +
          'is passed over',
      },
    ]);
  });

  it('of a portion that is too large as a whole go one after the other', async () => {
    const { context, sent } = bridgeWorld({ send: refuseAbove(3_000) });
    const letters = [1, 2].map((offset) => ({
      record: recordOf(Buffer.alloc(2_000), offset),
      code: 'not_json' as const,
      reason: 'r',
    }));
    await context.deadLetters.put(letters, never);
    expect(sent.map(({ headers }) => headers['original_offset'])).toEqual(['1', '2']);
    expect(context.deadLetters.counts().get('not_json')).toBe(2);
  });

  it('that are given up while Kafka is away fail with the reason, and count for nothing', async () => {
    const stop = new AbortController();
    const { context } = bridgeWorld({
      send: () => {
        stop.abort(new Error('stopping'));
        return Promise.reject(new Error('away'));
      },
    });
    const letter = { record: recordOf(null), code: 'not_json', reason: 'r' } as const;
    await expect(context.deadLetters.put([letter], stop.signal)).rejects.toThrow('stopping');
    expect(context.deadLetters.counts().get('not_json')).toBe(0);
  });
});
