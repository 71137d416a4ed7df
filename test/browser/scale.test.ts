import { expect, test } from 'vitest';
import { Scale, ticksOf } from '../../src/server/page/src/node/scale.js';

const START = Date.UTC(2026, 0, 31, 12);

test('no time on the axis of a node is cut at its end, whenever it is looked at and however narrow the screen is', () => {
  // Of the font of the axis, 10.5 px; and what the card shows beyond the end.
  const [character, margin] = [6.3, 9];
  let shown = 0;
  for (const pixels of [166, 236, 620, 1_156])
    for (let seconds = 1; seconds < 7_200; seconds += 7) {
      const now = START + seconds * 1_000;
      const steps = [0, 20, 60, 90, 130].map((after) => ({ at: START + after }));
      const scale = Scale.of({ steps, pending: [] } as never, START, now);
      for (const { at, text } of ticksOf(scale, START, pixels)) {
        const right = (scale.at(at) / 100) * pixels + (text.length * character) / 2;
        expect(right, `${text} after ${seconds} s on ${pixels} px`).toBeLessThanOrEqual(pixels + margin);
        shown += 1;
      }
    }
  expect(shown).toBeGreaterThan(1_000);
});
