import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MarkedTopic } from '../../../../src/bridge/liveness/marked-topic.js';
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

describe('a watermark', () => {
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
