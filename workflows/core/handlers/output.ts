import type { Introspection } from '../../../src/protocol/introspection.js';
import type { Registration } from '../registration.js';

/**
 * What a handler may return (specification, "Handler Isolation"): events, never
 * effects. The orchestrator publishes, reduces and runs effects.
 */
export type DomainEvent =
  /** A new attempt is to begin; `refusal` is the admission rule that it fails, in words. */
  | { readonly event: 'attempt_requested'; readonly introspection: Introspection; readonly refusal: string | null }
  /** The node's data came again in the same incarnation, changed or not. */
  | { readonly event: 'introspected_again'; readonly introspection: Introspection; readonly changed: boolean }
  /** The newest data are to be written again to every backend, whatever they hold. */
  | { readonly event: 'refresh_requested' }
  /** Something happened that the orchestrator's machine may react to. */
  | {
      readonly event: 'triggered';
      readonly trigger: string;
      readonly causation_id: string;
      /** Why, in words, where the message says so. */
      readonly reason?: string;
      /** What the message says besides. */
      readonly learnt?: Partial<Pick<Registration, 'liveness_deadline' | 'last_request' | 'ban'>>;
    };

export interface HandlerOutput {
  /** The action of the decision matrix's row; "no_op" where none matched. */
  readonly action: string;
  readonly events: readonly DomainEvent[];
  /** Why nothing is done, in words; null where something is. */
  readonly ignored: string | null;
}

/** Nothing to do, and why. */
export function ignore(why: string): HandlerOutput {
  return Object.freeze({ action: 'no_op', events: Object.freeze([]), ignored: why });
}

/** One event that follows from a message. */
export function output(action: string, event: DomainEvent): HandlerOutput {
  return Object.freeze({ action, events: Object.freeze([Object.freeze(event)]), ignored: null });
}

/** Whether a new attempt begins by what a handler has decided. */
export function beginsAttempt({ events }: HandlerOutput): boolean {
  return events.some(({ event }) => event === 'attempt_requested');
}
