import type { CompiledContract } from '../../src/contracts/compiled.js';
import { holds } from './conditions.js';

/**
 * The reducer of the specification (Phase 2): reduce(state, event) -> state',
 * intents. An interpreter of the contract's state machine; nothing about Consul
 * or PostgreSQL is written here.
 */

export type Flags = { readonly [flag: `${string}_confirmed`]: boolean };

/** Specification, "Immutable State". Frozen; `with…` functions return new data. */
export type ReducerState = Flags & {
  readonly status: string;
  readonly node_id: string | null;
  readonly last_processed_event_id: string | null;
  /** Ids of this attempt's events, so that a repeat does nothing. */
  readonly seen_event_ids: readonly string[];
};

export interface ReducerEvent {
  readonly id: string;
  readonly trigger: string;
  readonly node_id: string;
}

export interface ReducerOutput {
  readonly state: ReducerState;
  /** Names of intent templates, in the order of the entry actions. */
  readonly intents: readonly string[];
}

export type ReducerRules = Pick<CompiledContract, 'reducer' | 'confirmations'>;

const NOTHING: readonly string[] = Object.freeze([]);

/** The state before the first event: every flag down. */
export function initialState(contract: ReducerRules): ReducerState {
  const flags: Record<`${string}_confirmed`, boolean> = {};
  for (const { flag } of Object.values(contract.confirmations))
    if (flag !== null) flags[flag as `${string}_confirmed`] = false;
  return Object.freeze({
    ...flags,
    status: contract.reducer.initial,
    node_id: null,
    last_processed_event_id: null,
    seen_event_ids: NOTHING,
  });
}

/** The state of a registration that is known only by its result: every flag up. */
export function confirmedState(contract: ReducerRules, status: string): ReducerState {
  const before = initialState(contract);
  const flags = Object.keys(before).filter((key) => key.endsWith('_confirmed'));
  return Object.freeze({ ...before, ...Object.fromEntries(flags.map((flag) => [flag, true])), status });
}

/** The same state with another status, and the event remembered. */
export function withStatus(state: ReducerState, status: string, event: ReducerEvent): ReducerState {
  return Object.freeze({
    ...state,
    status,
    node_id: event.node_id,
    last_processed_event_id: event.id,
    seen_event_ids: Object.freeze([...state.seen_event_ids, event.id]),
  });
}

/** The same state with a backend's flag raised. */
export function withConfirmed(state: ReducerState, flag: string): ReducerState {
  return Object.freeze({ ...state, [flag]: true });
}

/**
 * One step of the reducer. Total and pure: an event that was seen before, or
 * that fits no transition, or whose conditions do not hold, leaves the very
 * same state and asks for nothing.
 *
 * @param state where the machine is
 * @param event what happened
 * @param contract the compiled reducer contract
 */
export function reduce(state: ReducerState, event: ReducerEvent, contract: ReducerRules): ReducerOutput {
  const unchanged = Object.freeze({ state, intents: NOTHING });
  if (state.seen_event_ids.includes(event.id)) return unchanged;
  const transition = contract.reducer.states[state.status]?.transitions[event.trigger];
  if (transition === undefined) return unchanged;
  for (const condition of transition.conditions)
    if (!holds(condition, condition.field === 'node_id' ? { node_id: event.node_id } : state)) return unchanged;
  if (transition.to === contract.reducer.initial)
    return Object.freeze({ state: initialState(contract), intents: NOTHING });

  const flag = flagOf(event.trigger, contract);
  const next = withStatus(state, transition.to, event);
  const intents = contract.reducer.states[transition.to]?.entry_actions ?? NOTHING;
  return Object.freeze({ state: flag === null ? next : withConfirmed(next, flag), intents });
}

/**
 * Whether a new attempt may begin by this `reset`. A status that only `reset` leaves needs a transition of the contract
 * back to the initial one. Any other status belongs to a running attempt, which the new one supersedes.
 */
export function canReset(state: ReducerState, event: ReducerEvent, contract: ReducerRules): boolean {
  return !rests(state.status, contract) || reduce(state, event, contract).state.status === contract.reducer.initial;
}

/** The state of an attempt of which only the status is known. An attempt that was under way begins anew. */
export function restingState(status: string, contract: ReducerRules): ReducerState {
  const initial = initialState(contract);
  return rests(status, contract) ? Object.freeze({ ...initial, status }) : initial;
}

/** Nothing but `reset` leaves this status. */
function rests(status: string, contract: ReducerRules): boolean {
  const transitions = contract.reducer.states[status]?.transitions;
  return transitions !== undefined && Object.keys(transitions).every((trigger) => trigger === 'reset');
}

function flagOf(trigger: string, contract: ReducerRules): string | null {
  for (const name in contract.confirmations) {
    const confirmation = contract.confirmations[name];
    if (confirmation?.trigger === trigger) return confirmation.flag;
  }
  return null;
}
