import type { Registration } from './registration.js';

/** What one step of the state machines led to. */
export interface Turn {
  readonly registration: Registration;
  /** Names of the intent templates that the reducer asks for. */
  readonly intents: readonly string[];
  /** Work in flight has no purpose any more: it is cancelled before anything else starts. */
  readonly cancels: boolean;
  /** What happened, in words, oldest first. */
  readonly notes: readonly string[];
}

const NONE: readonly string[] = Object.freeze([]);

/** A turn with this registration; what is not given is empty. */
export function turn(registration: Registration, more: Partial<Omit<Turn, 'registration'>> = {}): Turn {
  const { intents = NONE, cancels = false, notes = NONE } = more;
  return Object.freeze({ registration, intents: Object.freeze(intents), cancels, notes: Object.freeze(notes) });
}

/** The second turn was taken after the first one. */
export function andThen(first: Turn, second: Turn): Turn {
  return turn(second.registration, {
    intents: [...first.intents, ...second.intents],
    cancels: first.cancels || second.cancels,
    notes: [...first.notes, ...second.notes],
  });
}
