import { describe, expect, test } from 'vitest';
import { percent } from '../../bench/support/statistics.js';

describe('percentiles', () => {
  test('are values that were measured', () => {
    const values = [40, 10, 30, 20];
    expect(percent(values, 50)).toBe(20);
    expect(percent(values, 99)).toBe(40);
    expect(percent(values, 0)).toBe(10);
    expect(percent([7], 50)).toBe(7);
    expect(values).toEqual([40, 10, 30, 20]);
  });

  test('of nothing there are none', () => expect(() => percent([], 50)).toThrow('nothing was measured'));
});
