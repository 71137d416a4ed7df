import type { CompiledContract } from '../../src/contracts/compiled.js';
import { derivedId } from '../../src/protocol/ids.js';
import { holds } from './conditions.js';
import { reduce } from './reducer.js';
import {
  currentState,
  stateOf,
  variables,
  withChanges,
  type Entering,
  type Registration,
  type Step,
} from './registration.js';
import { cut, fill, text } from '../../src/contracts/template.js';
import { plusSeconds } from './time.js';
import { andThen, turn, type Turn } from './turn.js';

/**
 * The orchestrator's state machine, as a pure interpreter of the contract. What
 * is to be done on the way into a state stands in `entering`; whoever runs the
 * machine does it step by step and reports each with `stepDone`.
 */

/**
 * Raises a trigger. Where the current state has no transition for it, or the
 * transition's conditions do not hold, the very same registration comes back.
 *
 * @param otherwise the reason after a transition that has none of its own; by default it stays what it was
 */
export function fire(
  registration: Registration,
  trigger: string,
  now: string,
  contract: CompiledContract,
  otherwise: string | null = registration.reason,
): Turn {
  const transition = stateOf(currentState(registration), contract)?.transitions[trigger];
  if (transition === undefined) return turn(registration);
  const values = variables(registration, contract);
  if (!transition.conditions.every((condition) => holds(condition, values))) return turn(registration);
  const reason = transition.reason === null ? otherwise : cut(text(fill(transition.reason, values)));
  const leaving = withChanges(registration, { previous_state: registration.state, reason, timer_due: null });
  return enter(leaving, transition.to, now, contract, transition.entry_actions);
}

/**
 * The way into a state begins: its entry actions are to be done. Without any, the state is current at once.
 *
 * @param actions those of this way, where they are not the state's own
 */
export function enter(
  registration: Registration,
  state: string,
  now: string,
  contract: CompiledContract,
  actions = stateOf(state, contract)?.entry_actions ?? NONE,
): Turn {
  const target = stateOf(state, contract);
  const rounds = contract.timers[target?.timer ?? '']?.rounds ?? null;
  const entering = Object.freeze({ state, steps: stepsOf(actions, contract), ending: false });
  const round = rounds === null ? {} : { round: registration.round + 1, rounds };
  return arriveIfDone(withChanges(registration, round), entering, now, contract);
}

/** The first step on the way into a state is done. For a publish: when it was sent, and the id of its last event. */
export function stepDone(
  registration: Registration,
  now: string,
  contract: CompiledContract,
  published?: { readonly sent_at: string; readonly last_id: string },
): Turn {
  const { entering } = registration;
  if (entering === null) return turn(registration);
  const [step, ...steps] = entering.steps;
  const sent =
    published === undefined
      ? {}
      : { causation_id: published.last_id, ...stamped(entering, step, published.sent_at, contract) };
  const rest = Object.freeze({ ...entering, steps: Object.freeze(steps) });
  return arriveIfDone(withChanges(registration, sent), rest, now, contract);
}

/** A trigger for the reducer. Entering one of the reducer's states raises `reducer_<status>` in this machine. */
export function reduceAndFire(
  registration: Registration,
  event: { readonly id: string; readonly trigger: string; readonly reason?: string },
  now: string,
  contract: CompiledContract,
): Turn {
  const { id, trigger, reason = registration.reason } = event;
  const { state, intents } = reduce(registration.reducer, { id, trigger, node_id: registration.node_id }, contract);
  if (state === registration.reducer) return turn(registration);
  const reduced = turn(withChanges(registration, { reducer: state, reason }), { intents });
  return andThen(reduced, fire(reduced.registration, `reducer_${state.status}`, now, contract));
}

/** When nothing is left to do on the way, the state is current, and what follows from that happens at once. */
function arriveIfDone(registration: Registration, entering: Entering, now: string, contract: CompiledContract): Turn {
  if (entering.steps.length > 0) return turn(withChanges(registration, { entering }));
  if (entering.ending) return turn(withChanges(registration, { entering: null, ended: true }));

  const arrived = arrive(registration, entering.state, now, contract);
  const begins = registration.state === null && entering.state === contract.orchestrator.initial;
  const introduced = begins ? andThen(arrived, introduce(arrived.registration, now, contract)) : arrived;
  if (hasLeft(introduced.registration, entering.state)) return introduced;
  const onward = andThen(introduced, fire(introduced.registration, 'entry_done', now, contract));
  if (hasLeft(onward.registration, entering.state)) return onward;
  return andThen(onward, endIfTerminal(onward.registration, entering.state, now, contract));
}

function arrive(registration: Registration, state: string, now: string, contract: CompiledContract): Turn {
  const timer = contract.timers[stateOf(state, contract)?.timer ?? ''];
  const due = registration.timer_due ?? (timer === undefined ? null : plusSeconds(now, timer.seconds));
  const reason = registration.reason === null ? '' : `: ${registration.reason}`;
  return turn(withChanges(registration, { state, since: now, entering: null, timer_due: due }), {
    notes: [`${registration.state ?? 'unknown'} -> ${state}${reason}`],
  });
}

function hasLeft({ state, entering }: Registration, from: string): boolean {
  return state !== from || entering !== null;
}

/** A run ends in a terminal state, after its end actions. */
function endIfTerminal(registration: Registration, state: string, now: string, contract: CompiledContract): Turn {
  const { terminal = false, end_actions = NONE } = stateOf(state, contract) ?? {};
  if (!terminal) return turn(registration);
  const entering = Object.freeze({ state, steps: stepsOf(end_actions, contract), ending: true });
  return arriveIfDone(registration, entering, now, contract);
}

/** The attempt has been announced: the introspection goes to the reducer, or what is wrong with it does. */
function introduce(registration: Registration, now: string, contract: CompiledContract): Turn {
  const id = registration.incarnation?.correlation_id ?? '';
  const failed = (reason: string): Turn =>
    reduceAndFire(
      registration,
      { id: derivedId(id, 'validation_failed'), trigger: 'validation_failed', reason },
      now,
      contract,
    );
  if (registration.reason !== null) return failed(registration.reason);
  const received = reduceAndFire(registration, { id, trigger: 'introspection_received' }, now, contract);
  if (received.registration !== registration) return received;
  return failed("the introspection does not meet the conditions of the reducer's contract");
}

/** Deadlines that were stamped at the send: the state's own timer counts from there. */
function stamped(
  { state }: Entering,
  step: Step | undefined,
  sent_at: string,
  contract: CompiledContract,
): Partial<Registration> {
  const timerOfState = stateOf(state, contract)?.timer;
  const changes: { ack_deadline?: string; timer_due?: string } = {};
  const names = (step?.actions ?? []).flatMap((action) => Object.values(contract.events[action]?.stamps ?? {}));
  for (const name of names) {
    const timer = contract.timers[name];
    if (timer === undefined) continue;
    const due = plusSeconds(sent_at, timer.seconds);
    if (timer.verify === 'acks_read') changes.ack_deadline = due;
    if (timerOfState === name) changes.timer_due = due;
  }
  return changes;
}

/** Neighbouring actions of one kind make one step. */
function stepsOf(actions: readonly string[], contract: CompiledContract): readonly Step[] {
  const steps: { kind: Step['kind']; actions: string[] }[] = [];
  for (const action of actions) {
    const kind = action in contract.events ? 'publish' : 'effects';
    const last = steps.at(-1);
    if (last?.kind === kind) last.actions.push(action);
    else steps.push({ kind, actions: [action] });
  }
  for (const step of steps) Object.freeze(Object.freeze(step).actions);
  return Object.freeze(steps);
}

const NONE: readonly string[] = Object.freeze([]);
