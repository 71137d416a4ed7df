import type { CompiledContract } from '../../src/contracts/compiled.js';
import type { Introspection } from '../../src/protocol/introspection.js';
import { refusalOf } from './admission.js';
import { incarnationOf } from './incarnation.js';
import { enter } from './machine.js';
import { initialState } from './reducer.js';
import { NOTHING_YET, withChanges, type Registration } from './registration.js';
import { andThen, turn, type Turn } from './turn.js';

/** What a new attempt begins with. */
export interface Beginning {
  readonly introspection: Introspection;
  /** Its number, higher than every earlier one. */
  readonly attempt: number;
  /** The admission rule that the node fails, in words; null when it may come in. */
  readonly refusal: string | null;
}

/**
 * Begins a new attempt of this node. Everything older is superseded. The reducer begins anew even where the contract
 * has no way back: a new incarnation always begins an attempt, and an operator's retry without a way back was refused
 * before it came here.
 */
export function beginAttempt(
  registration: Registration,
  { introspection, attempt, refusal }: Beginning,
  now: string,
  contract: CompiledContract,
): Turn {
  const { status } = registration.reducer;
  const reducer = initialState(contract);
  const wasReset = status === reducer.status ? [] : [`reset: ${status} -> ${reducer.status}`];
  const why = `introspection (${introspection.reason}) of ${introspection.at}`;
  const refused = refusal === null ? '' : `, refused: ${refusal}`;
  const begun = withChanges(registration, {
    attempt,
    incarnation: incarnationOf(introspection, registration.incarnation),
    introspection,
    ...NOTHING_YET,
    reducer,
    reason: refusal,
    causation_id: introspection.message_id,
  });
  const notes = [...wasReset, `registration attempt ${attempt} begins: ${why}${refused}`];
  return andThen(turn(begun, { cancels: true, notes }), enter(begun, contract.orchestrator.initial, now, contract));
}

/** An attempt whose run is gone begins again, as a new one: nobody knows what its run has sent. */
export function beginAgain(registration: Registration, now: string, contract: CompiledContract): Turn {
  const { introspection, attempt } = registration;
  if (introspection === null) return turn(withChanges(registration, NOTHING_YET));
  const notes = [`the run of registration attempt ${attempt} is gone, and the attempt has not ended: it begins again`];
  const beginning = {
    introspection,
    attempt: attempt + 1,
    refusal: refusalOf(registration, introspection, contract),
  };
  return andThen(turn(registration, { notes }), beginAttempt(registration, beginning, now, contract));
}
