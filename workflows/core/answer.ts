import type { ConfirmationEvent, RefusedEvent } from '../../activities/api.js';
import type { CompiledContract, EffectRoute } from '../../src/contracts/compiled.js';
import { derivedId } from '../../src/protocol/ids.js';
import { beginAttempt } from './attempt.js';
import { reduceAndFire, stepDone } from './machine.js';
import { withChanges, type Registration } from './registration.js';
import { cut } from '../../src/contracts/template.js';
import { andThen, turn, type Turn } from './turn.js';

/** What effects are for: the reducer's intents, a step on the way into a state, or changed data. */
export type Purpose = 'registration' | 'step' | 'refresh';

/** What comes back from work that was started. */
export type Answer =
  | { readonly kind: 'confirmed'; readonly purpose: Purpose; readonly event: ConfirmationEvent }
  | { readonly kind: 'refused'; readonly purpose: Purpose; readonly route: EffectRoute; readonly reason: string }
  /** The backend holds this attempt as ended, or a higher one. */
  | { readonly kind: 'fenced'; readonly purpose: Purpose; readonly by: number }
  /** Every effect of one purpose has answered. */
  | { readonly kind: 'settled'; readonly purpose: Purpose }
  | {
      readonly kind: 'published';
      readonly types: readonly string[];
      /** Those of them that went into the dead letters instead. */
      readonly refused: readonly RefusedEvent[];
      readonly sent_at: string;
      readonly last_id: string;
    }
  /** The contract limits the tries of a publish, and none of them succeeded. */
  | { readonly kind: 'not published'; readonly types: readonly string[]; readonly reason: string };

/** What an answer means for the node. */
export function applyAnswer(registration: Registration, answer: Answer, now: string, contract: CompiledContract): Turn {
  switch (answer.kind) {
    case 'published': {
      const refused = answer.refused.map(({ event_type, reason }) => `dead letter ${event_type}: ${cut(reason)}`);
      const notes = [`published ${answer.types.join(', ')}`, ...refused];
      return andThen(turn(registration, { notes }), stepDone(registration, now, contract, answer));
    }
    case 'not published': {
      const notes = [`gave up publishing ${answer.types.join(', ')}: ${cut(answer.reason)}`];
      const skipped = { sent_at: now, last_id: registration.causation_id };
      return andThen(turn(registration, { notes }), stepDone(registration, now, contract, skipped));
    }
    case 'settled':
      if (answer.purpose === 'step') return stepDone(registration, now, contract);
      return turn(answer.purpose === 'refresh' ? withChanges(registration, { refreshing: false }) : registration);
    case 'fenced':
      return fenced(registration, answer.by, now, contract);
    case 'confirmed':
      return confirmed(registration, answer.purpose, answer.event, now, contract);
    case 'refused':
      return refused(registration, answer, now, contract);
  }
}

/** The newest incarnation goes on above the holder, so that a lost registry row cannot lock a node out. */
function fenced(registration: Registration, by: number, now: string, contract: CompiledContract): Turn {
  const { attempt, entering, introspection } = registration;
  const notes = [`a backend holds registration attempt ${by}, this is registration attempt ${attempt}`];
  if (entering?.ending === true || introspection === null) return turn(registration, { notes });
  const beginning = { introspection, attempt: Math.max(attempt, by) + 1, refusal: null };
  return andThen(turn(registration, { notes }), beginAttempt(registration, beginning, now, contract));
}

/** Confirmations of the reducer's intents are events for the reducer. Others only belong to their step. */
function confirmed(
  registration: Registration,
  purpose: Purpose,
  { event_type, correlation_id }: ConfirmationEvent,
  now: string,
  contract: CompiledContract,
): Turn {
  const mine = registration.incarnation?.correlation_id ?? '';
  if (correlation_id !== mine) return turn(registration, { notes: [`ignored ${event_type} of ${correlation_id}`] });
  const noted = turn(registration, { notes: [event_type] });
  const trigger = contract.confirmations[event_type]?.trigger;
  if (purpose !== 'registration' || trigger === undefined) return noted;
  const id = derivedId(correlation_id, event_type, registration.node_id);
  return andThen(noted, reduceAndFire(registration, { id, trigger }, now, contract));
}

/** A refusal is final: it fails a registration, ends a refresh, and ends a step that had a limit of tries. */
function refused(
  registration: Registration,
  { purpose, route, reason: words }: Extract<Answer, { kind: 'refused' }>,
  now: string,
  contract: CompiledContract,
): Turn {
  const reason = cut(words);
  const notes = [`refused for good by ${reason}`];
  if (purpose === 'refresh') return turn(withChanges(registration, { refresh_refused: reason }), { notes });
  if (purpose === 'step') return turn(registration, { notes });
  const id = derivedId(
    registration.incarnation?.correlation_id ?? '',
    `${route.confirmation}.refused`,
    registration.node_id,
  );
  const error = { id, trigger: 'error_received', reason };
  return andThen(turn(registration, { notes }), reduceAndFire(registration, error, now, contract));
}
