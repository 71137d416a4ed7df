import type { CompiledContract } from '../../src/contracts/compiled.js';
import type { Introspection } from '../../src/protocol/introspection.js';
import { holds } from './conditions.js';
import type { DomainEvent } from './handlers/output.js';
import { incarnationOf, withSeen } from './incarnation.js';
import { initialState, reduce } from './reducer.js';
import { NOTHING_YET, variables, withChanges, type Registration, type Step } from './registration.js';
import { fill, text } from '../../src/contracts/template.js';
import { plusSeconds } from './time.js';

/**
 * The orchestrator's state machine, as a pure interpreter of the contract. It
 * says what is to be done on the way into a state (`entering`); whoever runs it
 * (the workflow, a trace) does that step by step and reports each with
 * `stepDone`. The reducer's intents come back as names of intent templates.
 */
export interface Turn {
  readonly registration: Registration;
  /** The reducer asks for these effects; their confirmations go to `confirm`. */
  readonly intents: readonly string[];
  /** The states that were entered, in order; some are left again within the same turn. */
  readonly entered: readonly string[];
}

/** A new attempt of this node: fresh reducer, first state, everything older superseded. */
export function beginAttempt(
  registration: Registration,
  introspection: Introspection,
  attempt: number,
  refusal: string | null,
  contract: CompiledContract,
): Registration {
  const begun = withChanges(registration, {
    attempt,
    incarnation: incarnationOf(introspection),
    introspection,
    ...NOTHING_YET,
    reducer: initialState(contract),
    reason: refusal,
    causation_id: introspection.message_id,
  });
  return enter(begun, contract.orchestrator.initial, contract);
}

/** A handler's event other than a new attempt, applied. */
export function apply(
  registration: Registration,
  event: Exclude<DomainEvent, { event: 'attempt_requested' }>,
  now: string,
  contract: CompiledContract,
): Turn {
  if (event.event === 'introspected_again') {
    const { introspection, changed } = event;
    return still(
      withChanges(registration, {
        introspection,
        incarnation: registration.incarnation && withSeen(registration.incarnation, introspection),
        refresh_due: registration.refresh_due || changed,
      }),
    );
  }
  const told = withChanges(registration, {
    causation_id: event.causation_id,
    ...(event.liveness_deadline === undefined ? {} : { liveness_deadline: event.liveness_deadline }),
  });
  // The node has spoken: that it was silent before is no reason any more.
  return fire(told, event.trigger, now, contract, null);
}

/**
 * Raises a trigger. Where the current state has no transition for it, or its
 * conditions do not hold, nothing changes.
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
  const transition =
    registration.state === null ? undefined : contract.orchestrator.states[registration.state]?.transitions[trigger];
  if (transition === undefined) return still(registration);
  const values = variables(registration, contract);
  if (!transition.conditions.every((condition) => holds(condition, values))) return still(registration);
  const reason = transition.reason === null ? otherwise : text(fill(transition.reason, values));
  const leaving = withChanges(registration, { previous_state: registration.state, reason, timer_due: null });
  return arriveIfDone(enter(leaving, transition.to, contract), now, contract);
}

/** The first step on the way into a state is done. For a publish: when it was sent, and the id of its last event. */
export function stepDone(
  registration: Registration,
  now: string,
  contract: CompiledContract,
  published?: { sent_at: string; last_id: string },
): Turn {
  const { entering } = registration;
  if (entering === null) return still(registration);
  const [, ...steps] = entering.steps;
  const next = withChanges(registration, {
    entering: Object.freeze({ ...entering, steps: Object.freeze(steps) }),
    ...(published === undefined
      ? {}
      : { causation_id: published.last_id, ...stamped(registration, published.sent_at, contract) }),
  });
  return arriveIfDone(next, now, contract);
}

/**
 * A backend's answer: its confirmation, or that it refused for good. The
 * reducer decides what it means; entering one of its states raises
 * `reducer_<status>` here.
 */
export function confirm(
  registration: Registration,
  answer: { readonly id: string; readonly trigger: string; readonly reason?: string },
  now: string,
  contract: CompiledContract,
): Turn {
  const { state, intents } = reduce(
    registration.reducer,
    { id: answer.id, trigger: answer.trigger, node_id: registration.node_id },
    contract,
  );
  if (state === registration.reducer) return still(registration);
  const reduced = withChanges(registration, { reducer: state, reason: answer.reason ?? registration.reason });
  const fired = fire(reduced, `reducer_${state.status}`, now, contract);
  return turn(fired.registration, [...intents, ...fired.intents], fired.entered);
}

/** The backends were told of the node's newest data. */
export function refreshed(registration: Registration): Registration {
  return withChanges(registration, { refresh_due: false });
}

/** On the way into a state: its entry actions are to be done. */
function enter(registration: Registration, state: string, contract: CompiledContract): Registration {
  const target = contract.orchestrator.states[state];
  const timer = contract.timers[target?.timer ?? ''];
  return withChanges(registration, {
    entering: Object.freeze({ state, steps: stepsOf(target?.entry_actions ?? NONE, contract), ending: false }),
    ...((timer?.rounds ?? null) === null ? {} : { round: registration.round + 1, rounds: timer?.rounds ?? null }),
  });
}

/** Nothing is left to do on the way: the state is current, and what follows from that happens at once. */
function arriveIfDone(registration: Registration, now: string, contract: CompiledContract): Turn {
  const { entering } = registration;
  if (entering === null || entering.steps.length > 0) return still(registration);
  if (entering.ending) return still(withChanges(registration, { entering: null, ended: true }));

  const first = registration.state === null;
  const state = contract.orchestrator.states[entering.state];
  const arrived = withChanges(registration, {
    state: entering.state,
    since: now,
    entering: null,
    timer_due: registration.timer_due ?? timerDue(state?.timer ?? null, now, contract),
  });
  const introduced = first ? introduce(arrived, now, contract) : still(arrived);
  const entered = [entering.state, ...introduced.entered];
  if (introduced.registration.state !== entering.state || introduced.registration.entering !== null)
    return turn(introduced.registration, introduced.intents, entered);

  const onward = fire(introduced.registration, 'entry_done', now, contract);
  if (onward.registration !== introduced.registration)
    return turn(onward.registration, [...introduced.intents, ...onward.intents], [...entered, ...onward.entered]);
  if (state?.terminal !== true) return turn(introduced.registration, introduced.intents, entered);
  const ending = withChanges(introduced.registration, {
    entering: Object.freeze({ state: entering.state, steps: stepsOf(state.end_actions, contract), ending: true }),
  });
  const ended = arriveIfDone(ending, now, contract);
  return turn(ended.registration, ended.intents, [...entered, ...ended.entered]);
}

/** The attempt has been announced: the reducer hears of the introspection, or of what is wrong with it. */
function introduce(registration: Registration, now: string, contract: CompiledContract): Turn {
  const id = registration.incarnation?.correlation_id ?? '';
  if (registration.reason !== null) return confirm(registration, { id, trigger: 'validation_failed' }, now, contract);
  const received = confirm(registration, { id, trigger: 'introspection_received' }, now, contract);
  if (received.registration !== registration) return received;
  return confirm(
    registration,
    {
      id,
      trigger: 'validation_failed',
      reason: "the introspection does not meet the conditions of the reducer's contract",
    },
    now,
    contract,
  );
}

/** Deadlines that were stamped at the send: the state's own timer counts from there. */
function stamped(registration: Registration, sent_at: string, contract: CompiledContract): Partial<Registration> {
  const [step] = registration.entering?.steps ?? [];
  const changes: { ack_deadline?: string; timer_due?: string } = {};
  for (const action of step?.actions ?? []) {
    for (const [field, timer] of Object.entries(contract.events[action]?.stamps ?? {})) {
      const due = plusSeconds(sent_at, contract.timers[timer]?.seconds ?? 0);
      if (field === 'ack_deadline') changes.ack_deadline = due;
      if (contract.orchestrator.states[registration.entering?.state ?? '']?.timer === timer) changes.timer_due = due;
    }
  }
  return changes;
}

function timerDue(timer: string | null, now: string, contract: CompiledContract): string | null {
  const seconds = timer === null ? undefined : contract.timers[timer]?.seconds;
  return seconds === undefined ? null : plusSeconds(now, seconds);
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

function turn(registration: Registration, intents: readonly string[], entered: readonly string[]): Turn {
  return Object.freeze({ registration, intents: Object.freeze(intents), entered: Object.freeze(entered) });
}

const still = (registration: Registration): Turn => turn(registration, NONE, NONE);
