import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SignalPauses } from '../../../../src/bridge/liveness/signal-pauses.js';
import { assertProperty } from '../../../run/properties.js';

const suspect = (node_id: string, deadline = '2026-01-31 12:00:00+00', attempt = 1) => ({ node_id, attempt, deadline });

/** One pass of a sweep over all suspects at a time. */
function pass(pauses: SignalPauses, now: number, ...suspects: ReturnType<typeof suspect>[]): string[] {
  pauses.begins();
  const woken = pauses.due(suspects, now).map(({ node_id }) => node_id);
  pauses.passed();
  return woken;
}

describe('a suspect of which nothing can be said', () => {
  it('is woken again after a pause that doubles, and not beyond the longest', () => {
    const pauses = new SignalPauses({ firstMs: 10, longestMs: 50 });
    const woken: number[] = [];
    for (let now = 0; now < 250; now++) if (pass(pauses, now, suspect('a')).length > 0) woken.push(now);
    expect(woken).toEqual([0, 10, 30, 70, 120, 170, 220]);
  });

  it('is woken at once when it is about another lease: it has beaten since, or begun anew', () => {
    const pauses = new SignalPauses({ firstMs: 10, longestMs: 50 });
    expect(pass(pauses, 0, suspect('a'))).toEqual(['a']);
    expect(pass(pauses, 1, suspect('a', '2026-01-31 12:00:10+00'))).toEqual(['a']);
    expect(pass(pauses, 2, suspect('a', '2026-01-31 12:00:10+00', 2))).toEqual(['a']);
    expect(pass(pauses, 3, suspect('a', '2026-01-31 12:00:10+00', 2))).toEqual([]);
  });

  it('is forgotten when it is none any more', () => {
    const pauses = new SignalPauses({ firstMs: 10, longestMs: 50 });
    pass(pauses, 0, suspect('a'), suspect('b'));
    expect(pass(pauses, 1, suspect('b'))).toEqual([]);
    expect(pass(pauses, 2, suspect('a'), suspect('b'))).toEqual(['a']);
  });

  it('is remembered by a pass that did not come as far as it', () => {
    const pauses = new SignalPauses({ firstMs: 10, longestMs: 50 });
    pass(pauses, 0, suspect('a'), suspect('b'));
    pauses.begins();
    pauses.due([suspect('a')], 1);
    pauses.begins();
    expect(pass(pauses, 2, suspect('a'), suspect('b'))).toEqual([]);
  });

  it('is forgotten also where only a pass that was broken off has seen it', () => {
    const pauses = new SignalPauses({ firstMs: 10, longestMs: 50 });
    pauses.begins();
    pauses.due([suspect('a')], 0);
    pass(pauses, 1, suspect('b'));
    expect(pass(pauses, 2, suspect('a'))).toEqual(['a']);
  });

  it('costs as many signals as the pauses allow, however often it is looked at', () => {
    assertProperty(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 200 }), (steps) => {
        const pauses = new SignalPauses({ firstMs: 10, longestMs: 1_000_000 });
        let now = 0;
        let woken = 0;
        for (const step of steps) {
          woken += pass(pauses, now, suspect('a')).length;
          now += step;
        }
        expect(woken).toBeLessThanOrEqual(1 + Math.log2(now / 10 + 1));
      }),
    );
  });
});
