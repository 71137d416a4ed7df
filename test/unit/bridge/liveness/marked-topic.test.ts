import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MarkedTopic } from '../../../../src/bridge/liveness/marked-topic.js';
import { idleAfterMs } from '../../../../src/bridge/liveness/topic-watermarks.js';
import { markerId } from '../../../../src/kafka/markers.js';
import type { RecordToSend } from '../../../../src/kafka/index.js';
import { keptMarks, upTo } from './kept-marks.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

function marked(assigned: readonly number[]) {
  const sent: RecordToSend[] = [];
  const broker = { refuses: false };
  const producer = {
    send(records: readonly RecordToSend[]) {
      if (broker.refuses) return Promise.reject(new Error('MESSAGE_TOO_LARGE'));
      sent.push(...records);
      return Promise.resolve();
    },
  };
  const topic = new MarkedTopic(producer, { topic: 't', stalledSeconds: 10, markerBytes: 1_536 });
  topic.assign(assigned);
  const idOf = (record: RecordToSend | undefined) => markerId(record?.headers, null) ?? expect.fail('no marker');
  return { topic, sent, broker, idOf };
}

describe('a marker', () => {
  it('is a record without a value, as large as a heartbeat, sent to each partition that has been idle for a second', async () => {
    const { topic, sent } = marked([0, 1]);
    const { sql } = keptMarks();
    await topic.store(sql, { partition: 1, upTo: upTo() });
    await topic.advance();
    expect(sent.map(({ partition, key, value }) => ({ partition, key, value }))).toEqual([
      { partition: 0, key: null, value: null },
    ]);
    expect(String(sent[0]?.headers['registrar-marker'])).toHaveLength(1_536);
    vi.advanceTimersByTime(1_000);
    await topic.advance();
    expect(sent.map(({ partition }) => partition)).toEqual([0, 1]);
  });

  it('of a partition that another bridge has by now moves nothing', async () => {
    const { topic, sent, idOf } = marked([0]);
    const { sql, marks } = keptMarks();
    await topic.advance();
    topic.assign([]);
    await topic.store(sql, { partition: 0, upTo: upTo({ isBrokersTime: false, markers: [idOf(sent[0])] }) });
    expect(marks).toEqual([]);
  });

  it('is not followed by another until it is read back, or late', async () => {
    const { topic, sent, idOf } = marked([0]);
    const { sql } = keptMarks();
    await topic.advance();
    vi.advanceTimersByTime(5_000);
    await topic.advance();
    expect(sent).toHaveLength(1);
    await topic.store(sql, { partition: 0, upTo: upTo({ markers: [idOf(sent[0])] }) });
    vi.advanceTimersByTime(1_000);
    await topic.advance();
    expect(sent).toHaveLength(2);
    vi.advanceTimersByTime(10_000);
    await topic.advance();
    expect(sent).toHaveLength(3);
  });

  it('that the broker refuses moves nothing, and is tried again with the next look', async () => {
    const { topic, sent, broker } = marked([0]);
    broker.refuses = true;
    await expect(topic.advance()).rejects.toThrow('MESSAGE_TOO_LARGE');
    broker.refuses = false;
    await topic.advance();
    expect(sent).toHaveLength(1);
  });
});

describe('partitions', () => {
  it('that are assigned again go on where they were; those that are taken away get no more markers', async () => {
    const { topic, sent } = marked([0, 1]);
    await topic.advance();
    topic.assign([1, 2]);
    await topic.advance();
    expect(sent.map(({ partition }) => partition)).toEqual([0, 1, 2]);
    topic.assign([]);
    vi.advanceTimersByTime(60_000);
    await topic.advance();
    expect(sent).toHaveLength(3);
  });

  it('that are not idle cost no send', async () => {
    const { topic, broker } = marked([0]);
    const { sql } = keptMarks();
    await topic.store(sql, { partition: 0, upTo: upTo() });
    broker.refuses = true;
    vi.advanceTimersByTime(999);
    await topic.advance();
    vi.advanceTimersByTime(1);
    await expect(topic.advance()).rejects.toThrow('MESSAGE_TOO_LARGE');
  });

  it('have markers of their own, each with another id', async () => {
    const { topic, sent, idOf } = marked([0, 1]);
    await topic.advance();
    vi.advanceTimersByTime(10_000);
    await topic.advance();
    expect(new Set(sent.map(idOf)).size).toBe(4);
    expect(sent.every((record) => record.topic === 't')).toBe(true);
  });

  it.each([
    [10, 1_000],
    [4, 1_000],
    [2, 500],
    [0.1, 25],
  ])('are idle, with heartbeats of every %d s, after %d ms', (stalledSeconds, millis) => {
    expect(idleAfterMs(stalledSeconds)).toBe(millis);
  });
});

describe('a watermark', () => {
  it('is written for its topic, with the pause after which a stream counts as stalled', async () => {
    const { topic } = marked([0]);
    const { asked, sql } = keptMarks();
    await topic.store(sql, { partition: 0, upTo: upTo() });
    expect(asked).toEqual([['t', 10]]);
  });

  it('of a partition that belongs to another bridge by now is written all the same', async () => {
    const { topic } = marked([]);
    const { marks, sql } = keptMarks();
    await topic.store(sql, { partition: 0, upTo: upTo() });
    expect(marks).toHaveLength(1);
  });

  it('is that of the newest marker that is read; those before it say nothing more', async () => {
    const { topic, sent, idOf } = marked([0]);
    const { marks, sql } = keptMarks();
    await topic.advance();
    vi.advanceTimersByTime(10_000);
    await topic.advance();
    vi.advanceTimersByTime(1_000);
    const [first, second] = sent.map(idOf);
    const read = (markers: readonly string[]) =>
      topic.store(sql, { partition: 0, upTo: upTo({ isBrokersTime: false, markers }) });
    await read([first ?? '', second ?? '']);
    expect(marks.map(({ ago }) => ago)).toEqual([1]);
    await read([first ?? '']);
    expect(marks).toHaveLength(1);
  });

  it('does not rest on a marker that the broker has refused; one that it has taken before still counts', async () => {
    const { topic, sent, broker, idOf } = marked([0]);
    const { marks, sql } = keptMarks();
    await topic.advance();
    broker.refuses = true;
    vi.advanceTimersByTime(10_000);
    await expect(topic.advance()).rejects.toThrow('MESSAGE_TOO_LARGE');
    await topic.store(sql, { partition: 0, upTo: upTo({ isBrokersTime: false, markers: [idOf(sent[0])] }) });
    expect(marks.map(({ ago }) => ago)).toEqual([10]);
  });

  it('is the time of the last record where the broker has set it, a marker or not, whoever has sent it', async () => {
    const { topic } = marked([0]);
    const { marks, sql } = keptMarks();
    await topic.store(sql, { partition: 0, upTo: upTo({ timestamp: 1_700_000_000_000, markers: ['of-another/1'] }) });
    expect(marks).toEqual([{ partition: 0, next_offset: '1', at: '2023-11-14T22:13:20.000Z', ago: null }]);
  });

  it('where senders set the time of records is the time before the newest marker of this process was sent', async () => {
    const { topic, sent, idOf } = marked([0]);
    const { marks, sql } = keptMarks();
    const byClock2030 = { timestamp: Date.UTC(2030), isBrokersTime: false };
    await topic.store(sql, { partition: 0, upTo: upTo(byClock2030) });
    await topic.advance();
    vi.advanceTimersByTime(2_500);
    await topic.store(sql, { partition: 0, upTo: upTo({ ...byClock2030, markers: ['of-another/1'] }) });
    expect(marks).toEqual([]);
    await topic.store(sql, { partition: 0, upTo: upTo({ ...byClock2030, markers: [idOf(sent[0]), 'of-another/2'] }) });
    expect(marks).toEqual([{ partition: 0, next_offset: '1', at: null, ago: 2.5 }]);
  });

  it('is moved by markers also where records come all the time, if those do not move it', async () => {
    const { topic, sent } = marked([0]);
    const { sql } = keptMarks();
    for (let second = 0; second < 3; second += 1) {
      await topic.store(sql, { partition: 0, upTo: upTo({ isBrokersTime: false }) });
      await topic.advance();
      vi.advanceTimersByTime(1_000);
    }
    expect(sent).toHaveLength(1);
  });
});
