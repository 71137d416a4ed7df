import type { CompiledContract } from '../../src/contracts/compiled.js';
import { beginAttempt } from './attempt.js';
import type { DomainEvent, HandlerOutput } from './handlers/output.js';
import { withSeen } from './incarnation.js';
import { fire } from './machine.js';
import { superseded, withChanges, type Registration } from './registration.js';
import { andThen, turn, type Turn } from './turn.js';

/** Applies a handler's events, in order. */
export function applyOutput(
  registration: Registration,
  { events, ignored }: HandlerOutput,
  now: string,
  contract: CompiledContract,
): Turn {
  const start = turn(registration, ignored === null ? {} : { notes: [`ignored ${ignored}`] });
  return events.reduce((before, event) => andThen(before, apply(before.registration, event, now, contract)), start);
}

function apply(registration: Registration, event: DomainEvent, now: string, contract: CompiledContract): Turn {
  switch (event.event) {
    case 'attempt_requested': {
      const { introspection, refusal } = event;
      const attempt = registration.attempt + 1;
      return beginAttempt(registration, { introspection, attempt, refusal }, now, contract);
    }
    case 'introspected_again': {
      const { introspection, changed } = event;
      const incarnation = registration.incarnation && withSeen(registration.incarnation, introspection);
      const again = withChanges(registration, { introspection, incarnation });
      if (!changed) return turn(again);
      // Older data that are still on their way to a backend are superseded by these.
      return turn(withChanges(superseded(again), { refresh_due: true, refresh_refused: null }), {
        cancels: registration.refreshing,
      });
    }
    case 'refresh_requested': {
      // What is on its way to the backends is the newest already.
      const refresh_due = registration.refresh_due || !registration.refreshing;
      const notes = ['everything is written again'];
      return turn(withChanges(registration, { refresh_due, refresh_refused: null }), { notes });
    }
    case 'triggered': {
      const { trigger, causation_id, reason, learnt } = event;
      const why = reason === undefined ? {} : { reason };
      const spoken = withChanges(superseded(registration), { causation_id, ...learnt, ...why });
      // Somebody has sent something: an earlier reason, that the node was silent, is over.
      const fired = fire(spoken, trigger, now, contract, null);
      if (fired.registration !== spoken) return andThen(turn(spoken, { cancels: true }), fired);
      return turn(registration, { notes: [`ignored ${trigger} in state ${registration.state ?? 'none'}`] });
    }
  }
}
