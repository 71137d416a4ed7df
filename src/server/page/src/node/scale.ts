import type { NodeView } from '../../../api/node.js';
import { clock } from '../words.js';

interface Part {
  readonly from: number;
  readonly to: number;
  /** Of the whole width: 0 to 100. */
  readonly left: number;
  readonly width: number;
}

/** A life that is longer than this much of its registration gets a break in the axis. */
const BREAK_AFTER = 12;

/** Where times stand on the axis. A registration takes milliseconds and a life days: then the middle is left out. */
export class Scale {
  readonly parts: readonly Part[];

  private constructor(parts: readonly Part[]) {
    this.parts = parts;
  }

  /**
   * @param start when the attempt began
   * @param now the end of what is shown, milliseconds since 1970
   */
  static of(view: Pick<NodeView, 'steps' | 'pending'>, start: number, now: number): Scale {
    const times = view.steps.map(({ at }) => at).filter((at) => at >= start);
    const next = Math.max(now, ...view.pending.flatMap(({ next_at }) => next_at ?? []));
    const end = next + Math.max(10, (next - start) * 0.06);
    // The registration is what happened before the first long pause.
    const pause = times.findIndex((at, index) => (times[index + 1] ?? now) - at > 5_000 && index >= 3);
    const registered = pause < 0 ? end : (times[pause] ?? end) + 30;
    const isRetried = view.pending.some(({ tries }) => tries.length > 1);
    if (isRetried || pause < 0 || end - start < (registered - start) * BREAK_AFTER)
      return new Scale([{ from: start, to: end, left: 0, width: 100 }]);
    const later = times.filter((at) => at > registered);
    const first = later.length === 0 ? now - 40_000 : Math.max(Math.min(...later), now - 3_600_000) - 2_000;
    const second = Math.max(registered, first);
    return new Scale([
      { from: start, to: registered + (registered - start) * 0.1, left: 0, width: 66 },
      { from: second, to: now + Math.max(500, (now - second) * 0.1), left: 66, width: 34 },
    ]);
  }

  /** Where the axis is broken: 0 to 100; null where it is whole. */
  get break(): number | null {
    return this.parts[1]?.left ?? null;
  }

  /** 0 to 100. */
  at(time: number): number {
    for (const { from, to, left, width } of this.parts) {
      if (time < from) return left;
      if (time <= to) return left + ((time - from) / (to - from)) * width;
    }
    return 100;
  }
}

const STEPS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 18e5, 36e5, 108e5, 432e5,
];

/** How wide a text of the timeline is, in pixels. */
export const textWidth = (text: string): number => text.length * 6.4;

/** A text is seen so many pixels beyond the end of the axis: the clip margin of the timeline's style. */
const BEYOND_THE_END = 8;

export interface Tick {
  readonly at: number;
  readonly text: string;
}

/**
 * The axis' numbers: after the beginning in its first part, by the clock in the second. One whose text would be cut at
 * the end of the axis is left out.
 *
 * @param pixels how wide the axis is
 */
export function ticksOf(scale: Scale, start: number, pixels: number): readonly Tick[] {
  const fits = ({ at, text }: Tick): boolean =>
    textWidth(text) / 2 <= ((100 - scale.at(at)) / 100) * pixels + BEYOND_THE_END;
  return allTicksOf(scale, start).filter(fits);
}

function allTicksOf(scale: Scale, start: number): Tick[] {
  return scale.parts.flatMap(({ from, to, width }, index) => {
    const most = Math.max(2, Math.floor(width / 11));
    const step = STEPS.find((one) => (to - from) / one <= most) ?? 864e5;
    const origin = index === 0 ? start : Math.ceil(from / step) * step;
    const ticks = [];
    for (let at = origin; at < to - (to - from) * 0.04; at += step)
      if (index === 0 || at > from + (to - from) * 0.08)
        ticks.push({ at, text: index === 0 ? after(at - start) : clock(at) });
    return ticks;
  });
}

function after(ms: number): string {
  if (ms === 0) return '0';
  if (ms < 1_000) return `${ms} ms`;
  return ms < 120_000 ? `${ms / 1_000} s` : `${Math.round(ms / 60_000)} min`;
}
