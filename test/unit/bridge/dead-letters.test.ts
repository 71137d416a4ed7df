import { describe, expect, it } from 'vitest';
import { loadContracts } from '../../../src/contracts/load.js';
import type { RecordToSend } from '../../../src/kafka/producer.js';
import { contractDirectory } from '../contracts/contract-files.js';
import { bridgeWorld, recordOf } from './support.js';

const never = new AbortController().signal;
const bytesOf = (records: readonly RecordToSend[]): number =>
  records.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);

describe('dead letters', () => {
  it('go in portions that a broker takes', async () => {
    const sizes: number[] = [];
    const { context } = bridgeWorld({ send: (records) => Promise.resolve(void sizes.push(bytesOf(records))) });
    const letter = { record: recordOf(Buffer.alloc(60_000)), reason: 'r' };
    await context.deadLetters.put(
      Array.from({ length: 20 }, () => letter),
      never,
    );
    expect(sizes.length).toBeGreaterThan(4);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(256 * 1024);
    expect(context.counters.dead_letters).toBe(20);
  });

  it('that are too large for the broker go as their head: one of them never blocks a partition', async () => {
    const { context, sent } = bridgeWorld({
      send: (records) =>
        bytesOf(records) > 900_000
          ? Promise.reject(Object.assign(new Error('too large'), { type: 'MESSAGE_TOO_LARGE' }))
          : Promise.resolve(),
    });
    await context.deadLetters.put([{ record: recordOf(Buffer.alloc(1_000_000, 'x'), 7), reason: 'r' }], never);
    expect(sent).toHaveLength(1);
    expect(sent[0]?.value).toHaveLength(256 * 1024);
    expect(sent[0]?.headers).toMatchObject({
      truncated_from_bytes: '1000000',
      original_topic: 't',
      original_partition: '0',
      original_offset: '7',
    });
  });

  it('wait while Kafka is away', async () => {
    let tries = 0;
    const { context } = bridgeWorld({
      send: () => (++tries < 3 ? Promise.reject(new Error('away')) : Promise.resolve()),
    });
    await context.deadLetters.put([{ record: recordOf(null), reason: 'r' }], never);
    expect([tries, context.counters.dead_letters]).toEqual([3, 1]);
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
      await context.deadLetters.put([{ record: about, reason: 'r' }], never);
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
