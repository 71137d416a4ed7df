import type { Random } from '../random.js';

/** What a node does, and when; seconds after the load has begun. */
export interface Step {
  readonly at: number;
  readonly does: 'start' | 'restart' | 'refresh' | 'repeat' | 'drain' | 'undrain' | 'leave' | 'die' | 'freeze' | 'thaw';
}

export interface DrainStep extends Step {
  readonly does: 'drain' | 'undrain';
}

export interface Plan {
  readonly acknowledges: boolean;
  readonly steps: readonly Step[];
}

export interface Extent {
  /** How long nodes do new things. */
  readonly seconds: number;
  /** Whether nodes die and freeze, too. Finding who is dead takes its time. */
  readonly deadly: boolean;
}

/**
 * The whole load from a seed alone. Of ten nodes five live undisturbed, three are restless, one dies for good and one
 * is now deaf, now restless: so few are gone at once that self-preservation has no reason to hold.
 */
export function planOf(random: Random, nodes: number, { seconds, deadly }: Extent): readonly Plan[] {
  const all = Array.from({ length: nodes }, (_, index): Plan => {
    const own = random.fork();
    const start: Step = { at: own.between(0, 6), does: 'start' };
    switch (index % 10) {
      case 0:
      case 2:
      case 4:
      case 6:
      case 8:
        return { acknowledges: true, steps: [start] };
      case 9:
        return { acknowledges: true, steps: [start, { at: own.between(12, seconds), does: 'die' }] };
      case 5:
        if (own.next() < 0.5) return { acknowledges: false, steps: [start] };
        return { acknowledges: true, steps: [start, ...restless(own, seconds)] };
      default:
        return { acknowledges: true, steps: [start, ...restless(own, seconds)] };
    }
  });
  if (deadly) return all;
  return all.map(({ acknowledges, steps }) => ({ acknowledges, steps: steps.filter(({ does }) => !DEADLY.has(does)) }));
}

/** After these a node sends nothing for a while, or never again. */
const DEADLY: ReadonlySet<Step['does']> = new Set(['die', 'freeze', 'thaw']);

const RESTLESS = ['restart', 'restart', 'refresh', 'refresh', 'repeat', 'drain', 'drain', 'leave', 'freeze'] as const;

function restless(random: Random, seconds: number): Step[] {
  const steps: Step[] = [];
  for (let at = random.between(8, 16); at < seconds; at += random.between(4, 14)) {
    const does = random.one(RESTLESS);
    steps.push({ at, does });
    if (does === 'leave') steps.push({ at: (at += random.between(0.1, 5)), does: 'start' });
    // Some drain until they start again.
    if (does === 'drain' && random.next() < 0.6) steps.push({ at: (at += random.between(0.1, 9)), does: 'undrain' });
    if (does === 'freeze') steps.push({ at: (at += random.between(1, 18)), does: 'thaw' });
  }
  if (random.next() < 0.25) steps.push({ at: seconds, does: 'leave' });
  return steps;
}

/** What a node of the SDK does once it is active; some of its wishes come before the last one can be answered. */
export function drainsOf(random: Random, seconds: number): readonly DrainStep[] {
  const steps: DrainStep[] = [];
  for (let at = random.between(8, 16); at < seconds; at += random.between(4, 14)) {
    steps.push({ at, does: 'drain' });
    if (random.next() < 0.8) steps.push({ at: (at += random.between(0.01, 9)), does: 'undrain' });
  }
  return steps;
}
