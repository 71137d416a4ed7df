import { describe, expect, it } from 'vitest';
import { AskedTopic } from '../../../../src/bridge/liveness/asked-topic.js';
import type { KafkaAdmin, PartitionEnds } from '../../../../src/kafka/index.js';
import { keptMarks, upTo } from './kept-marks.js';

type Asked = Pick<KafkaAdmin, 'topicEnds' | 'committed'>;

function broker(ends: readonly PartitionEnds[], committed: Readonly<Record<number, string>>): Asked {
  return {
    topicEnds: () => Promise.resolve([...ends]),
    committed: () =>
      Promise.resolve(new Map(Object.entries(committed).map(([partition, offset]) => [Number(partition), offset]))),
  };
}

function asked(admin: Asked, assigned: readonly number[]) {
  const topic = new AskedTopic(admin, { topic: 't', groupId: 'g', stalledSeconds: 10 });
  topic.assign(assigned);
  return topic;
}

describe('the watermark of an idle partition that takes no markers', () => {
  it('is now where everything up to the end is committed, where nothing was ever sent, and where what was sent is no longer kept', async () => {
    const { marks, sql } = keptMarks();
    const ends = [
      { partition: 0, low: '0', high: '5' },
      { partition: 1, low: '0', high: '0' },
      { partition: 2, low: '9', high: '9' },
    ];
    await asked(broker(ends, { 0: '5', 2: '4' }), [0, 1, 2]).advance(sql);
    expect(marks.map(({ partition, next_offset }) => [partition, next_offset])).toEqual([
      [0, '5'],
      [1, '0'],
      [2, '9'],
    ]);
    for (const { ago } of marks) expect(ago).toBeLessThan(1);
  });

  it('does not move where something is unread, and is moved only by the bridge that reads the partition', async () => {
    const { marks, sql } = keptMarks();
    const ends = [
      { partition: 0, low: '0', high: '5' },
      { partition: 1, low: '0', high: '0' },
      { partition: 2, low: '0', high: '0' },
    ];
    await asked(broker(ends, { 0: '4' }), [0, 1]).advance(sql);
    expect(marks.map(({ partition }) => partition)).toEqual([1]);
  });

  it('is the time before the question to which its end was the answer, however much has been sent since', async () => {
    const { marks, sql } = keptMarks();
    let [high, read] = ['5', '4'];
    const topic = asked(
      {
        async topicEnds() {
          await new Promise((resolve) => setTimeout(resolve, 20));
          return [{ partition: 0, low: '0', high }];
        },
        committed: () => Promise.resolve(new Map([[0, read]])),
      },
      [0],
    );
    const before = performance.now();
    await topic.advance(sql);
    expect(marks).toEqual([]);
    [high, read] = ['100', '5'];
    await topic.advance(sql);
    const elapsed = (performance.now() - before) / 1_000;
    expect(marks).toHaveLength(1);
    expect(marks[0]?.ago).toBeGreaterThan(0.04 - 0.002);
    expect(marks[0]?.ago).toBeLessThanOrEqual(elapsed);
  });

  it('goes on where it was when the partition is assigned again, and begins anew when it was away', async () => {
    const { marks, asked: statements, sql } = keptMarks();
    const groups: unknown[] = [];
    let high = '5';
    const topic = asked(
      {
        topicEnds: () => Promise.resolve([{ partition: 0, low: '0', high }]),
        committed: (...of) => Promise.resolve(new Map([[0, groups.push(of) > 0 ? '4' : '']])),
      },
      [0],
    );
    await topic.advance(sql);
    high = '4';
    topic.assign([0]);
    await topic.advance(sql);
    expect([marks, groups]).toEqual([
      [],
      [
        ['g', 't'],
        ['g', 't'],
      ],
    ]);
    topic.assign([]);
    topic.assign([0]);
    await topic.advance(sql);
    expect(marks.map(({ next_offset }) => next_offset)).toEqual(['4']);
    expect(statements).toEqual([['t', 10]]);
  });

  it('does not move when the broker does not answer', async () => {
    const { marks, sql } = keptMarks();
    const away = { ...broker([], {}), topicEnds: () => Promise.reject(new Error('away')) };
    await expect(asked(away, [0]).advance(sql)).rejects.toThrow('away');
    expect(marks).toEqual([]);
  });

  it('is the time of the last record where the broker has set it, and not moved by one that its sender has set', async () => {
    const { marks, sql } = keptMarks();
    const topic = asked(broker([], {}), [0]);
    await topic.store(sql, { partition: 0, upTo: upTo({ isBrokersTime: false }) });
    expect(marks).toEqual([]);
    await topic.store(sql, { partition: 0, upTo: upTo({ timestamp: 1_700_000_000_000 }) });
    expect(marks).toEqual([{ partition: 0, next_offset: '1', at: '2023-11-14T22:13:20.000Z', ago: null }]);
  });
});
