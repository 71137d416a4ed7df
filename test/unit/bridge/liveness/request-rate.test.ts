import { describe, expect, it } from 'vitest';
import { RequestRate } from '../../../../src/bridge/liveness/request-rate.js';

describe('requests to introduce oneself', () => {
  it('at most one a minute for a node, at most 50 a second for all of a small fleet', () => {
    let now = 1_000;
    const rate = new RequestRate({ now: () => now });
    expect(Array.from({ length: 60 }, (_, n) => rate.allows(`n${n}`)).filter(Boolean)).toHaveLength(50);
    now = 1_999;
    expect(rate.allows('n55')).toBe(false);
    now = 2_000;
    expect(rate.allows('n0')).toBe(false);
    expect(rate.allows('n55')).toBe(true);
    now = 60_999;
    expect(rate.allows('n0')).toBe(false);
    now = 61_000;
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

  it('come no faster for a large fleet that has had no request for a whole minute since', () => {
    let now = 0;
    const rate = new RequestRate({ now: () => now });
    for (let node = 0; node < 30_000; node += 1) rate.allows(`n${node}`);
    now = 120_000;
    expect(Array.from({ length: 60 }, (_, n) => rate.allows(`later${n}`)).filter(Boolean)).toHaveLength(50);
  });

  describe('of a fleet that has lost all its leases', () => {
    const BEATS_EVERY = 30;

    it('all of 30,000 nodes are asked within four minutes, and none twice meanwhile', () => {
      let now = 0;
      const rate = new RequestRate({ now: () => now });
      const names = Array.from({ length: 30_000 }, (_, n) => `n${n}`);
      const asked: string[] = [];
      for (let second = 0; second < 240; second += 1) {
        now = second * 1_000;
        for (let node = second % BEATS_EVERY; node < names.length; node += BEATS_EVERY)
          if (rate.allows(names[node] ?? '')) asked.push(names[node] ?? '');
      }
      expect(asked).toHaveLength(names.length);
      expect(new Set(asked).size).toBe(names.length);
    });

    it('more than 200,000 are asked no faster, for what is remembered of them has an end', () => {
      let now = 0;
      const rate = new RequestRate({ now: () => now });
      const names = Array.from({ length: 210_000 }, (_, n) => `n${n}`);
      for (const name of names) rate.allows(name);
      now = 1_000;
      expect(names.filter((name) => rate.allows(name))).toHaveLength(Math.ceil(200_000 / 180));
    });
  });

  it('are as slow again as for a small fleet once a large one has its leases', () => {
    let now = 0;
    const rate = new RequestRate({ now: () => now });
    const askAll = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, n) => rate.allows(`n${from + n}`)).filter(Boolean).length;
    askAll(0, 36_000);
    now = 1_000;
    expect(askAll(0, 36_000)).toBe(200);
    now = 60_000;
    askAll(0, 1);
    now = 120_000;
    askAll(0, 1);
    now = 121_000;
    expect(askAll(40_000, 41_000)).toBe(50);
  });
});
