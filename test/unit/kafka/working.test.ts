import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Working } from '../../../src/kafka/working.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it('knows how long the oldest batch is worked on', () => {
  const working = new Working();
  expect(working.oldestMs()).toBe(0);
  const first = working.begin();
  vi.advanceTimersByTime(2_000);
  const second = working.begin();
  vi.advanceTimersByTime(1_000);
  expect(working.oldestMs()).toBe(3_000);
  working.end(first);
  expect(working.oldestMs()).toBe(1_000);
  working.end(second);
  expect(working.oldestMs()).toBe(0);
});
