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
