import type { Delta, FleetNode } from '../api/fleet.js';

/** Renewals are no news: they come a thousand times a second, and the page asks for those of the rows that it shows. */
const NO_NEWS: ReadonlySet<string> = new Set(['lease', 'beat']);

/** Fields of `next` that differ from `before`; null when none does that is news. */
export function changedFields(before: FleetNode, next: FleetNode): Partial<FleetNode> | null {
  const fields: Record<string, unknown> = {};
  let news = false;
  for (const key of Object.keys(next) as (keyof FleetNode)[]) {
    if (before[key] === next[key]) continue;
    fields[key] = next[key];
    if (!NO_NEWS.has(key)) news = true;
  }
  return news ? fields : null;
}

/** A delta with its number. */
export interface Numbered {
  readonly sequence: number;
  readonly delta: Delta;
  readonly size: number;
}

/** The last deltas, so that a page that was away gets only what it missed. */
export class RecentDeltas {
  readonly #limit: number;
  #kept: Numbered[] = [];
  #size = 0;
  #sequence = 0;

  /** @param limit nodes in all deltas that are kept */
  constructor(limit = 20_000) {
    this.#limit = limit;
  }

  get sequence(): number {
    return this.#sequence;
  }

  add(delta: Delta): Numbered {
    this.#sequence += 1;
    const size = delta.added.length + delta.changed.length + delta.gone.length;
    const numbered = { sequence: this.#sequence, delta, size };
    this.#kept.push(numbered);
    this.#size += size;
    while (this.#size > this.#limit && this.#kept.length > 1) this.#size -= this.#kept.shift()?.size ?? 0;
    return numbered;
  }

  /** @returns null when that is longer ago than what is kept */
  since(sequence: number): readonly Numbered[] | null {
    if (sequence === this.#sequence) return [];
    const first = this.#kept[0];
    if (first === undefined || sequence < first.sequence - 1 || sequence > this.#sequence) return null;
    return this.#kept.filter((one) => one.sequence > sequence);
  }
}
