import type { CompiledContract, Timer } from '../../src/contracts/compiled.js';
import { fire } from './machine.js';
import { stateOf, superseded, withChanges, type Registration } from './registration.js';
import { plusSeconds } from './time.js';
import { andThen, turn, type Turn } from './turn.js';

/** What is known about a timer that is due: it fires, or it is looked at again. */
export type Finding =
  | { readonly fires: true; readonly last_heartbeat_at?: string | null }
  | {
      readonly fires: false;
      readonly again_in_seconds: number;
      /** Why nothing can be said yet; null where everything is well. */
      readonly why: string | null;
      /** The lease lives until then, where that was read. */
      readonly liveness_deadline?: string;
    };

/** However often an answer says "look again", a run looks at most twice a second. */
const SHORTEST_PAUSE_SECONDS = 0.5;

/** The timer of the current state, as the contract has it. */
export function currentTimer({ state }: Registration, contract: CompiledContract): Timer | undefined {
  return contract.timers[stateOf(state, contract)?.timer ?? ''];
}

/**
 * What was found out about the current timer. Afterwards the timer is later than
 * now, or gone: where the machine does not react to it, it runs once more.
 */
export function timerChecked(
  registration: Registration,
  found: Finding,
  now: string,
  contract: CompiledContract,
): Turn {
  const timer = currentTimer(registration, contract);
  if (timer === undefined) return turn(withChanges(registration, { timer_due: null }));
  if (!found.fires) {
    const { again_in_seconds, why, liveness_deadline = registration.liveness_deadline } = found;
    const timer_due = plusSeconds(now, Math.max(SHORTEST_PAUSE_SECONDS, again_in_seconds));
    const notes = why === null ? [] : [`not decided yet: ${why}`];
    return turn(withChanges(registration, { timer_due, liveness_deadline }), { notes });
  }
  const { last_heartbeat_at = registration.last_heartbeat_at } = found;
  const known = superseded(withChanges(registration, { last_heartbeat_at }));
  const fired = fire(known, timer.trigger, now, contract);
  if (fired.registration !== known)
    return andThen(turn(known, { cancels: true, notes: [`timer: ${timer.trigger}`] }), fired);
  const timer_due = plusSeconds(now, Math.max(SHORTEST_PAUSE_SECONDS, timer.seconds));
  return turn(withChanges(registration, { timer_due, last_heartbeat_at }), {
    notes: [`timer: ${timer.trigger} changes nothing in ${registration.state}`],
  });
}
