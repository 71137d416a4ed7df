import fc from 'fast-check';
import pLimit from 'p-limit';
import { describe, expect, it } from 'vitest';
import { inOrderPerKey } from '../../../src/bridge/in-order.js';
import { turns } from './support.js';
import { assertProperty } from '../../run/properties.js';

describe('work', () => {
  it('of one key keeps its order, of several goes on at once within the limit', async () => {
    await assertProperty(
      fc.asyncProperty(fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { maxLength: 30 }), async (keys) => {
        const done: number[] = [];
        let now = 0;
        let most = 0;
        const work = keys.map((key, index) => ({
          key,
          async run() {
            now += 1;
            most = Math.max(most, now);
            await turns(1);
            done.push(index);
            now -= 1;
          },
        }));
        await inOrderPerKey(work, pLimit(4), () => true);
        expect(most).toBeLessThanOrEqual(4);
        expect([...done].sort((one, other) => one - other)).toEqual(keys.map((_, index) => index));
        for (const key of ['a', 'b', 'c', 'd', 'e']) {
          const mine = done.filter((index) => keys[index] === key);
          expect(mine).toEqual([...mine].sort((one, other) => one - other));
        }
      }),
      { numRuns: 50 },
    );
  });

  it('that has not begun is left when there is no point in going on', async () => {
    let begun = 0;
    const work = Array.from({ length: 10 }, () => ({
      key: 'a',
      async run() {
        begun += 1;
        await turns(1);
      },
    }));
    await inOrderPerKey(work, pLimit(4), () => begun < 3);
    expect(begun).toBe(3);
  });

  it('that fails ends with its failure, after everything that had begun', async () => {
    let end: () => void = () => undefined;
    const ending = new Promise<void>((resolve) => (end = resolve));
    const work = [
      { key: 'a', run: () => Promise.reject(new Error('no')) },
      { key: 'b', run: () => ending },
    ];
    let failure: unknown;
    const all = inOrderPerKey(work, pLimit(4), () => true).catch((error: unknown) => (failure = error));
    await turns();
    expect(failure).toBeUndefined();
    end();
    await all;
    expect(failure).toEqual(new Error('no'));
  });
});
