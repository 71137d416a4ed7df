import { expect, it } from 'vitest';
import { OnceAMinute } from '../../src/once-a-minute.js';

it('a text is due once a minute, whatever else is logged, and only so many texts are remembered', () => {
  let now = 1;
  const log = new OnceAMinute({ now: () => now });
  expect([log.isDue('a'), log.isDue('a'), log.isDue('b')]).toEqual([true, false, true]);
  now += 60_000;
  expect(log.isDue('a')).toBe(false);
  now += 1;
  expect([log.isDue('a'), log.isDue('a')]).toEqual([true, false]);
  for (let n = 0; n < 1_000; n++) log.isDue(`other ${n}`);
  expect(log.isDue('a')).toBe(true);
});
