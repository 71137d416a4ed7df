import { EventEmitter, once } from 'node:events';
import { describe, expect, test, vi } from 'vitest';
import { SendQueue, type RecordToSend } from '../../../src/kafka/index.js';

const record = (name: string, bytes = 1): RecordToSend => ({
  topic: name,
  key: name,
  value: Buffer.alloc(bytes),
  headers: {},
});

describe('a send queue', () => {
  test('keeps the order, and what comes while a request is in flight goes with the next one', async () => {
    const requests: string[][] = [];
    const broker = new EventEmitter();
    const queue = new SendQueue(async (records) => {
      requests.push(records.map(({ topic }) => topic));
      if (requests.length > 1) return;
      broker.emit('request');
      await once(broker, 'answer');
    });
    const request = once(broker, 'request');
    const first = queue.push(record('1'));
    await request;
    const others = ['2', '3', '4'].map((name) => queue.push(record(name)));
    broker.emit('answer');
    await Promise.all([first, ...others]);
    expect(requests).toEqual([['1'], ['2', '3', '4']]);
  });

  test('never makes a request larger than a broker takes', async () => {
    const sizes: number[] = [];
    const queue = new SendQueue((records) => Promise.resolve(void sizes.push(records.length)));
    await Promise.all(Array.from({ length: 10 }, (_, i) => queue.push(record(String(i), 200 * 1024))));
    expect(sizes).toEqual([2, 2, 2, 2, 2]);
  });

  test('rejects those whose request has failed, and goes on with the next', async () => {
    let fail = true;
    const queue = new SendQueue(() => (fail ? Promise.reject(new Error('away')) : Promise.resolve()));
    await expect(queue.push(record('1'))).rejects.toThrow('away');
    fail = false;
    await queue.push(record('2'));
  });

  const refusing = (type: string, refuses: (record: RecordToSend) => boolean) => {
    const arrived: (Buffer | string | null)[] = [];
    const queue = new SendQueue((records) => {
      if (records.some(refuses))
        return Promise.reject(new Error('refused', { cause: Object.assign(new Error(), { type }) }));
      arrived.push(...records.map(({ key }) => key));
      return Promise.resolve();
    });
    const pushed = (...records: RecordToSend[]) =>
      Promise.all(
        records.map((one) =>
          queue.push(one).then(
            () => true,
            () => false,
          ),
        ),
      );
    return { arrived, pushed };
  };
  const to = (topic: string, key: string): RecordToSend => ({ topic, key, value: null, headers: {} });

  test.each(['UNKNOWN_TOPIC_OR_PARTITION', 'TOPIC_AUTHORIZATION_FAILED'])(
    'a topic that is refused (%s) fails its own callers, and nobody beside them; order is kept',
    async (type) => {
      const { arrived, pushed } = refusing(type, ({ topic }) => topic === 'missing');
      const records = [to('a', '1'), to('missing', '2'), to('b', '3'), to('a', '4'), to('missing', '5')];
      expect(await pushed(...records)).toEqual([true, false, true, true, false]);
      expect(arrived).toEqual(['1', '4', '3']);
    },
  );

  test('a record that is too large for the broker fails alone', async () => {
    const { arrived, pushed } = refusing('MESSAGE_TOO_LARGE', ({ key }) => key === 'large');
    expect(await pushed(to('a', '1'), to('a', 'large'), to('b', '2'), to('a', '3'))).toEqual([true, false, true, true]);
    expect(arrived).toEqual(['1', '3', '2']);
  });

  test('rejects a record that has waited too long, and never sends it: its sender has given up', async () => {
    vi.useFakeTimers();
    try {
      const requests: string[][] = [];
      const answers: (() => void)[] = [];
      const queue = new SendQueue((records) => {
        requests.push(records.map(({ topic }) => topic));
        return new Promise((resolve) => answers.push(resolve));
      }, 1_000);
      const first = queue.push(record('1'));
      await vi.advanceTimersByTimeAsync(0);
      const late = queue.push(record('late')).catch((error: unknown) => (error as Error).message);
      await vi.advanceTimersByTimeAsync(900);
      const inTime = queue.push(record('in time'));
      await vi.advanceTimersByTimeAsync(101);
      answers.shift()?.();
      await first;
      await vi.advanceTimersByTimeAsync(0);
      expect(await late).toBe('not sent within 1000 ms: requests to the broker take too long');
      answers.shift()?.();
      await inTime;
      expect(requests).toEqual([['1'], ['in time']]);
    } finally {
      vi.useRealTimers();
    }
  });
});
