import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Contiguous } from '../../../src/kafka/contiguous.js';
import { assertProperty } from '../../run/properties.js';

it('offsets move only as far as everything before is finished, in whatever order that happens', () => {
  assertProperty(
    fc.property(
      fc.integer({ min: 1, max: 40 }).chain((count) =>
        fc.shuffledSubarray(
          Array.from({ length: count }, (_, n) => n),
          { minLength: count },
        ),
      ),
      (order) => {
        const contiguous = new Contiguous(order.map((_, index) => String(100 + index)));
        const finished = new Set<number>();
        let committed = -1;
        for (const index of order) {
          finished.add(index);
          const moved = contiguous.done(String(100 + index));
          if (moved !== null) committed = Number(moved) - 100;
          let expected = -1;
          while (finished.has(expected + 1)) expected += 1;
          expect(committed).toBe(expected);
        }
        expect(committed).toBe(order.length - 1);
      },
    ),
  );
});
