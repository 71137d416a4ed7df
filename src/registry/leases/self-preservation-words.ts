import type { Logger } from 'pino';
import type { SelfPreservationQuestion, SelfPreservationState } from './self-preservation.js';

type Held = Pick<SelfPreservationState, 'held_since' | 'held_seconds' | 'suspects' | 'expired' | 'active'>;

/** How many of how many are gone: "9 of 10 nodes". */
export function goneOf({
  suspects,
  expired,
  active,
}: Pick<SelfPreservationState, 'suspects' | 'expired' | 'active'>): string {
  return `${suspects + expired} of ${active + expired} nodes`;
}

/** The share that the rule looks at; 0 for a fleet of nobody. */
export function shareOf({
  suspects,
  expired,
  active,
}: Pick<SelfPreservationState, 'suspects' | 'expired' | 'active'>): number {
  return active + expired === 0 ? 0 : (suspects + expired) / (active + expired);
}

/** When the hold ends by itself at the latest, if the stream moves on from now. */
export function heldUntil(
  { held_seconds }: Held,
  { rule, window_seconds }: SelfPreservationQuestion,
  now: string,
): string {
  const left = Math.max(0, rule.max_hold_windows * window_seconds - (held_seconds ?? 0));
  return new Date(Date.parse(now) + left * 1_000).toISOString();
}

/** Why nobody expires, for people. */
export function heldSentence(state: Held, question: SelfPreservationQuestion, now: string): string {
  return (
    `self-preservation holds: ${goneOf(state)} look dead or have expired at once; held since ` +
    `${state.held_since ?? now}, released by itself at the latest ${heldUntil(state, question, now)}, or by: ` +
    'registrar self-preservation release'
  );
}

/** Logs each start and each end of self-preservation once, however often its state is read. */
export class SelfPreservationLog {
  readonly #logger: Logger;
  #heldSince: string | null = null;
  #changedAt = '';

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** A state that was read anywhere. One that is older than the last one is ignored. */
  update(state: SelfPreservationState, question: SelfPreservationQuestion): void {
    const { held_since, changed_at, changed_by } = state;
    if (changed_at === null || changed_at <= this.#changedAt) return;
    this.#changedAt = changed_at;
    const before = this.#heldSince;
    this.#heldSince = held_since;
    const facts = {
      topics: question.topics,
      share: shareOf(state),
      ...numbersOf(state),
      held_since: held_since ?? before,
    };
    if (held_since !== null) this.#logger.error(facts, heldSentence(state, question, new Date().toISOString()));
    else if (before !== null)
      this.#logger[changed_by === 'max_hold' ? 'error' : 'warn'](
        { ...facts, by: changed_by },
        `${endOf(state)}; it had held since ${before}`,
      );
  }
}

function numbersOf({ suspects, expired, active }: SelfPreservationState) {
  return { suspects, expired, active };
}

/** How the last hold ended. */
export function endOf(state: SelfPreservationState): string {
  switch (state.changed_by) {
    case 'itself':
      return `self-preservation has ended by itself: ${goneOf(state)} are gone`;
    case 'max_hold':
      return 'self-preservation is released after its longest hold: nodes without a heartbeat expire now';
    default:
      return `self-preservation is released by ${state.changed_by ?? 'somebody'}: nodes without a heartbeat expire now`;
  }
}
