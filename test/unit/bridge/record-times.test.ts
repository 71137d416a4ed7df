import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { timed, timedAnswer } from '../../../src/bridge/record-times.js';
import { recordOf } from './support.js';

const NOW = Date.UTC(2026, 0, 31);
const DAY = 86_400_000;
const by = (isBrokersTime: boolean, timestamp: number) => ({ ...recordOf(null, 0, timestamp), isBrokersTime });

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('the time from which a record counts', () => {
  it.each([-DAY, DAY])('is the broker’s where it has set one (%i ms from now)', (from) => {
    expect(timed(by(true, NOW + from)).timestamp).toBe(NOW + from);
    expect(timedAnswer(by(true, NOW + from)).timestamp).toBe(NOW + from);
  });

  it.each([NOW - DAY, NOW + DAY, -1, Number.NaN, 8.64e15 + 1])('is now where its sender has set %d', (timestamp) => {
    expect(timed(by(false, timestamp)).timestamp).toBe(NOW);
  });

  it('of an answer with a deadline is its sender’s if that is earlier: it was in time, however late it is read', () => {
    expect(timedAnswer(by(false, NOW - DAY)).timestamp).toBe(NOW - DAY);
    for (const timestamp of [NOW + DAY, 0, -1, Number.NaN])
      expect(timedAnswer(by(false, timestamp)).timestamp).toBe(NOW);
  });
});
