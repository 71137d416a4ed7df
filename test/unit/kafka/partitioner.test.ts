import fc from 'fast-check';
import { Partitioners, type PartitionerArgs } from 'kafkajs';
import { expect, it } from 'vitest';
import { murmur2, partitioner } from '../../../src/kafka/partitioner.js';
import { assertProperty } from '../../run/properties.js';

const argsOf = (key: Buffer | null, partitions: number, leaders = partitions): PartitionerArgs =>
  ({
    topic: 't',
    message: { key, value: null },
    partitionMetadata: Array.from({ length: partitions }, (_, partitionId) => ({
      partitionId,
      leader: partitionId < leaders ? 1 : -1,
    })),
  }) as unknown as PartitionerArgs;

it('a key is hashed as Java’s client does', () => {
  // From Apache Kafka, clients/src/test/java/org/apache/kafka/common/utils/UtilsTest.java.
  const known: Readonly<Record<string, number>> = {
    '21': -973932308,
    foobar: -790332482,
    'a-little-bit-long-string': -985981536,
    'a-little-bit-longer-string': -1486304829,
    lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8: -58897971,
    abc: 479470107,
  };
  for (const [key, hash] of Object.entries(known)) expect(murmur2(Buffer.from(key))).toBe(hash);
});

it('every key goes to the partition that kafkajs chooses', () => {
  const [ours, theirs] = [partitioner(), Partitioners.DefaultPartitioner()];
  assertProperty(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.integer({ min: 1, max: 50 }), (bytes, partitions) => {
      const args = argsOf(Buffer.from(bytes), partitions);
      expect(ours(args)).toBe(theirs(args));
    }),
  );
});

it('a key of a megabyte is hashed at once', () => {
  // With kafkajs's own numbers this takes longer than a test may.
  expect(murmur2(Buffer.alloc(1_000_000, 'k'))).toBe(807073373);
});

it('records without a key go round the partitions that have a leader', () => {
  const choose = partitioner();
  const chosen = Array.from({ length: 6 }, () => choose(argsOf(null, 3, 2)));
  expect(chosen.sort()).toEqual([0, 0, 0, 1, 1, 1]);
  expect(choose({ ...argsOf(null, 3), message: { partition: 2, key: 'k', value: null } })).toBe(2);
});
