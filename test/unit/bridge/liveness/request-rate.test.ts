import { describe, expect, it } from 'vitest';
import { RequestRate } from '../../../../src/bridge/liveness/request-rate.js';

describe('requests to introduce oneself', () => {
  it('at most one a minute for a node, at most 50 a second for all', () => {
    let now = 1_000;
    const rate = new RequestRate({ now: () => now });
    expect(Array.from({ length: 60 }, (_, n) => rate.allows(`n${n}`)).filter(Boolean)).toHaveLength(50);
    now = 2_000;
    expect(rate.allows('n0')).toBe(false);
    expect(rate.allows('n55')).toBe(true);
    now = 61_001;
    expect(rate.allows('n0')).toBe(true);
    rate.forget('n0');
    expect(rate.allows('n0')).toBe(true);
  });

  it('of more nodes than are ever asked within a minute are all remembered', () => {
    let now = 0;
    const rate = new RequestRate({ now: () => now });
    const asked = Array.from({ length: 3_000 }, (_, n) => {
      now = Math.floor(n / 50) * 1_000 + 1;
      return rate.allows(`n${n}`);
    });
    expect(asked.every(Boolean)).toBe(true);
    now += 500;
    expect(Array.from({ length: 3_000 }, (_, n) => rate.allows(`n${n}`)).filter(Boolean)).toEqual([]);
  });
});
