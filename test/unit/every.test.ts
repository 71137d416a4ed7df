import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { every } from '../../src/every.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it('a repetition never overlaps itself, and ends with the run in progress', async () => {
  let now = 0;
  let runs = 0;
  const repetition = every(1_000, async () => {
    now += 1;
    expect(now).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    now -= 1;
    runs += 1;
  });
  await vi.advanceTimersByTimeAsync(25_000);
  expect([runs, now]).toEqual([4, 1]);

  let stopped = false;
  const stopping = repetition.stop().then(() => (stopped = true));
  await vi.advanceTimersByTimeAsync(3_000);
  expect([stopped, now]).toEqual([false, 1]);
  await vi.advanceTimersByTimeAsync(60_000);
  await stopping;
  expect([runs, now]).toEqual([5, 0]);
});

it('a repetition that is stopped in its pause ends at once', async () => {
  let runs = 0;
  const repetition = every(60_000, () => Promise.resolve(void (runs += 1)));
  await vi.advanceTimersByTimeAsync(1);
  await repetition.stop();
  await vi.advanceTimersByTimeAsync(600_000);
  expect(runs).toBe(1);
});

it('a pause that is a function is asked for after each run', async () => {
  const starts: number[] = [];
  const begin = Date.now();
  const repetition = every(
    () => (starts.length < 3 ? 1_000 : 60_000),
    () => Promise.resolve(void starts.push(Date.now() - begin)),
  );
  await vi.advanceTimersByTimeAsync(65_000);
  await repetition.stop();
  expect(starts).toEqual([0, 1_000, 2_000, 62_000]);
});
