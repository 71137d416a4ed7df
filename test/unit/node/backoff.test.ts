import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Backoff, pause, within } from '../../../src/node/backoff.js';
import { assertProperty } from '../../run/properties.js';

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe('a backoff', () => {
  const pauses = (backoff: Backoff, count: number) => Array.from({ length: count }, () => backoff.next());

  test('doubles up to its longest pause', () => {
    vi.spyOn(Math, 'random').mockReturnValue(0);
    expect(pauses(new Backoff({ first_seconds: 2, max_seconds: 15 }), 6)).toEqual([
      2_000, 4_000, 8_000, 15_000, 15_000, 15_000,
    ]);
  });

  test('begins with its first pause again after a reset', () => {
    vi.spyOn(Math, 'random').mockReturnValue(0);
    const backoff = new Backoff({ first_seconds: 1, max_seconds: 8 });
    pauses(backoff, 5);
    backoff.reset();
    expect(pauses(backoff, 2)).toEqual([1_000, 2_000]);
  });

  test('lengthens each pause at random by up to half, so that a fleet does not move in step', () => {
    assertProperty(
      fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (random) => {
        vi.spyOn(Math, 'random').mockReturnValue(random);
        const backoff = new Backoff({ first_seconds: 10, max_seconds: 20 });
        expect(pauses(backoff, 3)).toEqual([
          Math.round(10_000 + 5_000 * random),
          Math.round(20_000 + 10_000 * random),
          Math.round(20_000 + 10_000 * random),
        ]);
      }),
    );
  });

  test('does not stay short for ever: a long outage is no reason to overflow', () => {
    vi.spyOn(Math, 'random').mockReturnValue(0);
    expect(pauses(new Backoff({ first_seconds: 1, max_seconds: 60 }), 5_000).at(-1)).toBe(60_000);
  });
});

describe('waiting', () => {
  beforeEach(() => void vi.useFakeTimers());

  test('a pause passes with the time', async () => {
    const passed = pause(1_000, new AbortController().signal);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await passed).toBe(true);
  });

  test('a pause ends early with its signal, and leaves no timer', async () => {
    const giveUp = new AbortController();
    const passed = pause(1_000, giveUp.signal);
    giveUp.abort();
    expect(await passed).toBe(false);
    expect(await pause(1_000, giveUp.signal)).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('within gives the value, or undefined when the time passes first, and leaves no timer', async () => {
    expect(await within(Promise.resolve('value'), 1_000)).toBe('value');
    await expect(within(Promise.reject(new Error('no')), 1_000)).rejects.toThrow('no');
    expect(vi.getTimerCount()).toBe(0);
    const late = within(new Promise(() => undefined), 1_000);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await late).toBeUndefined();
  });
});
