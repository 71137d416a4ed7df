import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { assertProperty } from '../../run/properties.js';
import { chooseFreshSeed, FIXED_SEED, seeds } from '../../run/seeds.js';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

describe('the seeds of a run', () => {
  it('are the fixed one and one that is printed', () => {
    const print = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    vi.stubEnv('PROPERTY_SEED', undefined);
    chooseFreshSeed(process.env);
    const [fixed, fresh, ...more] = seeds();
    expect([fixed, more]).toEqual([FIXED_SEED, []]);
    expect(print.mock.calls.flat().join('')).toContain(`again: PROPERTY_SEED=${fresh}\n`);
  });

  it('differ from run to run', () => {
    vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    vi.stubEnv('PROPERTY_SEED', undefined);
    const fresh = Array.from({ length: 5 }, () => {
      chooseFreshSeed(process.env);
      return seeds()[1];
    });
    expect(new Set(fresh).size).toBeGreaterThan(1);
  });

  it('are the one that PROPERTY_SEED names, alone', () => {
    vi.stubEnv('PROPERTY_SEED', '42');
    expect(seeds()).toEqual([42]);
    vi.stubEnv('PROPERTY_SEED', 'many');
    expect(() => seeds()).toThrow('PROPERTY_SEED=many is no whole number');
  });
});

describe('a property', () => {
  it('is tried with the same values again by the seed that its failure names', async () => {
    vi.stubEnv('PROPERTY_SEED', '7');
    const drawn = async (): Promise<number[]> => {
      const values: number[] = [];
      await assertProperty(
        fc.asyncProperty(fc.integer(), (value) => Promise.resolve(void values.push(value))),
        { numRuns: 5 },
      );
      return values;
    };
    expect(await drawn()).toEqual(await drawn());
    expect(() => assertProperty(fc.property(fc.integer(), () => false))).toThrow('seed: 7');
  });
});
