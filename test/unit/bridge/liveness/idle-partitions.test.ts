import type { Pool } from 'pg';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { IdlePartitions } from '../../../../src/bridge/liveness/idle-partitions.js';
import type { KafkaAdmin, PartitionEnds } from '../../../../src/kafka/admin.js';

interface Mark {
  readonly partition: number;
  readonly next_offset: string;
  readonly watermark: string;
}

/** Keeps what it is asked to store. */
function database() {
  const marks: Mark[] = [];
  const query = (_statement: string, [, partitions, offsets, times]: [string, number[], string[], string[]]) => {
    partitions.forEach((partition, at) =>
      marks.push({ partition, next_offset: offsets[at] ?? '', watermark: times[at] ?? '' }),
    );
    return Promise.resolve({ rows: [] });
  };
  return { marks, sql: { query } as unknown as Pool };
}

function broker(ends: readonly PartitionEnds[], committed: Readonly<Record<number, string>>): KafkaAdmin {
  return {
    topicEnds: () => Promise.resolve([...ends]),
    committed: () =>
      Promise.resolve(new Map(Object.entries(committed).map(([partition, offset]) => [Number(partition), offset]))),
    close: () => Promise.resolve(),
  };
}

const stream = { topic: 't', groupId: 'g', stalledSeconds: 10 };
const NEVER = '1970-01-01T00:00:00.000Z';

async function advanced(admin: KafkaAdmin, assigned: readonly number[]): Promise<Map<number, Mark>> {
  const { marks, sql } = database();
  const idle = new IdlePartitions(admin, stream);
  idle.assign(assigned);
  await idle.advance(sql);
  return new Map(marks.map((mark) => [mark.partition, mark]));
}

afterEach(() => {
  vi.useRealTimers();
});

describe('the watermark of an idle partition', () => {
  it('is now where everything up to the end is committed, where nothing was ever sent, and where what was sent is no longer kept', async () => {
    const before = new Date().toISOString();
    const ends = [
      { partition: 0, low: '0', high: '5' },
      { partition: 1, low: '0', high: '0' },
      { partition: 2, low: '9', high: '9' },
    ];
    const marks = await advanced(broker(ends, { 0: '5', 2: '4' }), [0, 1, 2]);
    for (const partition of [0, 1, 2]) expect((marks.get(partition)?.watermark ?? '') >= before).toBe(true);
    expect([0, 1, 2].map((partition) => marks.get(partition)?.next_offset)).toEqual(['5', '0', '9']);
  });

  it('does not move where something is unread; such a partition counts, though nothing of it was ever stored', async () => {
    const ends = [
      { partition: 0, low: '0', high: '5' },
      { partition: 1, low: '0', high: '5' },
    ];
    const marks = await advanced(broker(ends, { 0: '4' }), [0, 1]);
    expect(marks.get(0)).toEqual({ partition: 0, next_offset: '4', watermark: NEVER });
    expect(marks.get(1)).toEqual({ partition: 1, next_offset: '0', watermark: NEVER });
  });

  it('is moved only by the bridge that reads the partition', async () => {
    const ends = [
      { partition: 0, low: '0', high: '0' },
      { partition: 1, low: '0', high: '0' },
    ];
    expect([...(await advanced(broker(ends, {}), [1])).keys()]).toEqual([1]);
  });

  it('is the time before the question, not after the answer', async () => {
    vi.useFakeTimers({ now: new Date('2026-01-31T12:00:00.000Z') });
    const slow = broker([{ partition: 0, low: '0', high: '0' }], {});
    const { marks, sql } = database();
    const idle = new IdlePartitions(
      {
        ...slow,
        topicEnds(topic) {
          vi.setSystemTime(new Date('2026-01-31T12:01:00.000Z'));
          return slow.topicEnds(topic);
        },
      },
      stream,
    );
    idle.assign([0]);
    await idle.advance(sql);
    expect(marks.map(({ watermark }) => watermark)).toEqual(['2026-01-31T12:00:00.000Z']);
  });

  it('does not move when the broker does not answer', async () => {
    const { marks, sql } = database();
    const idle = new IdlePartitions({ ...broker([], {}), topicEnds: () => Promise.reject(new Error('away')) }, stream);
    idle.assign([0]);
    await expect(idle.advance(sql)).rejects.toThrow('away');
    expect(marks).toEqual([]);
  });
});
