import { describe, expect, it } from 'vitest';
import { loadContracts } from '../../../src/contracts/load.js';
import type { RecordToSend } from '../../../src/kafka/producer.js';
import { readDeadLetter, sizeOf } from '../../../src/protocol/dead-letter.js';
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
});
