import { describe, expect, it, vi } from 'vitest';
import { Backend } from '../../../src/bridge/backend.js';
import { recorder } from './support.js';

describe('a backend that is away', () => {
  const never = new AbortController().signal;

  it('is waited for, and logged once, however many wait', async () => {
    const { lines, logger } = recorder();
    const backend = new Backend('Temporal', logger);
    const calls = new Map<number, number>();
    let away = true;
    const call = (caller: number) => () => {
      calls.set(caller, (calls.get(caller) ?? 0) + 1);
      return away ? Promise.reject(new AggregateError([new Error('refused')])) : Promise.resolve('done');
    };
    const all = Promise.all(Array.from({ length: 20 }, (_, n) => backend.untilAnswered(call(n), { signal: never })));
    await expect.poll(() => [...calls.values()].filter((count) => count > 1)).toHaveLength(20);
    away = false;
    await expect(all).resolves.toEqual(Array.from({ length: 20 }, () => 'done'));
    expect(lines).toEqual(['Temporal is away; waiting for it, nothing is lost', 'Temporal answers again']);
  });

  it('is not waited for when the failure is final, or when there is no point', async () => {
    const { lines, logger } = recorder();
    const backend = new Backend('Temporal', logger);
    const refused = () => Promise.reject(new RangeError('never'));
    await expect(
      backend.untilAnswered(refused, { signal: never, isFinal: (error) => error instanceof RangeError }),
    ).rejects.toThrow('never');
    expect(lines).toEqual([]);
    const stop = new AbortController();
    let calls = 0;
    const away = () => {
      calls += 1;
      if (calls === 2) stop.abort(new Error('stopping'));
      return Promise.reject(new Error('away'));
    };
    await expect(backend.untilAnswered(away, { signal: stop.signal })).rejects.toThrow('stopping');
    expect(calls).toBe(2);
  });

  it('is called once by who can do without its answer, and that is logged too', async () => {
    const { lines, logger } = recorder();
    const backend = new Backend('PostgreSQL', logger);
    let calls = 0;
    await backend.once(() => {
      calls += 1;
      return Promise.reject(new Error('away'));
    });
    await backend.once(() => Promise.resolve());
    expect(calls).toBe(1);
    expect(lines).toEqual(['PostgreSQL is away; waiting for it, nothing is lost', 'PostgreSQL answers again']);
  });

  it('is logged with the reason, and then with how long it was away and how often it failed', () => {
    const { entries, logger } = recorder();
    const backend = new Backend('Temporal', logger);
    for (const outage of [1, 2]) {
      vi.useFakeTimers({ now: outage * 60_000, toFake: ['Date'] });
      backend.failed(new Error('connect ECONNREFUSED'));
      backend.failed(new Error('again'));
      vi.setSystemTime(outage * 60_000 + 1_500);
      backend.answered();
      backend.answered();
    }
    vi.useRealTimers();
    expect(entries.map(({ msg, reason, seconds, failures }) => ({ msg, reason, seconds, failures }))).toEqual([
      { msg: 'Temporal is away; waiting for it, nothing is lost', reason: 'connect ECONNREFUSED' },
      { msg: 'Temporal answers again', seconds: 1.5, failures: 2 },
    ]);
  });

  it('that answers a call with a refusal is there again', async () => {
    const { lines, logger } = recorder();
    const backend = new Backend('Temporal', logger);
    backend.failed(new Error('away'));
    const isFinal = (error: Error) => error instanceof RangeError;
    const refused = () => Promise.reject(new RangeError('never'));
    await expect(backend.untilAnswered(refused, { signal: never, isFinal })).rejects.toThrow('never');
    expect(lines).toEqual(['Temporal is away; waiting for it, nothing is lost', 'Temporal answers again']);
  });

  it('is not what is wrong when the call itself is: a TypeError is thrown at once, and counts for nothing', async () => {
    const { lines, logger } = recorder();
    const backend = new Backend('Temporal', logger);
    let calls = 0;
    const wrong = () => {
      calls += 1;
      return Promise.reject(new TypeError('not a function'));
    };
    await expect(backend.untilAnswered(wrong, { signal: never })).rejects.toThrow('not a function');
    expect([calls, lines]).toEqual([1, []]);
  });

  it('has a minute for a call of those who do not wait, too', async () => {
    vi.useFakeTimers();
    try {
      const { entries, logger } = recorder();
      const backend = new Backend('PostgreSQL', logger);
      const called = backend.once(() => new Promise<void>(() => undefined));
      await vi.advanceTimersByTimeAsync(59_999);
      expect(entries).toEqual([]);
      await vi.advanceTimersByTimeAsync(1);
      await called;
      expect(entries).toMatchObject([{ reason: 'no answer within 60 s' }]);
      await backend.once(() => Promise.resolve());
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it('is tried again after pauses that grow to two seconds', async () => {
    vi.useFakeTimers();
    try {
      const at: number[] = [];
      const began = Date.now();
      const stop = new AbortController();
      const call = () => {
        at.push(Date.now() - began);
        return Promise.reject(new Error('away'));
      };
      const waiting = new Backend('Kafka', recorder().logger).untilAnswered(call, { signal: stop.signal });
      waiting.catch(() => undefined);
      await vi.advanceTimersByTimeAsync(60_000);
      stop.abort(new Error('enough'));
      const pauses = at.slice(1).map((time, index) => time - (at[index] ?? 0));
      expect(pauses[0]).toBeGreaterThanOrEqual(100);
      expect(pauses[0]).toBeLessThanOrEqual(200);
      expect(Math.max(...pauses)).toBe(2_000);
      // Not all callers come at once.
      expect(new Set(pauses.slice(0, 4).map((pause, tries) => pause / 2 ** tries)).size).toBeGreaterThan(1);
    } finally {
      vi.useRealTimers();
    }
  });

  it('that never answers a call is called again after a minute', async () => {
    vi.useFakeTimers();
    try {
      const backend = new Backend('PostgreSQL', recorder().logger);
      let calls = 0;
      const hangsOnce = () => ((calls += 1) === 1 ? new Promise<string>(() => undefined) : Promise.resolve('done'));
      const answer = backend.untilAnswered(hangsOnce, { signal: never });
      await vi.advanceTimersByTimeAsync(59_000);
      expect(calls).toBe(1);
      await vi.advanceTimersByTimeAsync(3_000);
      await expect(answer).resolves.toBe('done');
    } finally {
      vi.useRealTimers();
    }
  });
});
