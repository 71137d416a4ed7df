import type { CompiledContract, State } from '../../src/contracts/compiled.js';
import { cut, fill, text } from '../../src/contracts/template.js';
import type { Variable } from '../../src/contracts/vocabulary.js';
import { derivedId } from '../../src/protocol/ids.js';
import type { Introspection } from '../../src/protocol/introspection.js';
import type { NodeRow } from '../../activities/api.js';
import { confirmedState, restingState, type ReducerState } from './reducer.js';

/** Which introspection an attempt belongs to, and the ids that were seen for it. */
export interface Incarnation {
  readonly correlation_id: string;
  readonly epoch: number | null;
  /** Record time of its newest introspection. */
  readonly at: string;
  readonly seen: readonly string[];
  /** The correlation_ids of the attempts before this one, oldest first. */
  readonly superseded?: readonly string[];
  /** The process that introduced itself, where it said so. */
  readonly instance_id?: string;
  /** When its attempt ended, where no event announced that: its node may still wait for an answer. */
  readonly unannounced_end?: string;
}

/** Neighbouring entry actions of one kind: one publish, or effects side by side. */
export interface Step {
  readonly kind: 'publish' | 'effects';
  readonly actions: readonly string[];
}

/** On the way into a state: what is still to be done before it is current. */
export interface Entering {
  readonly state: string;
  readonly steps: readonly Step[];
  /** The run ends in this state; these are its end actions. */
  readonly ending: boolean;
}

/** One node's life: all that its workflow knows. Plain frozen data, carried over continue-as-new as it is. */
export interface Registration {
  readonly node_id: string;
  /** Grows for ever, across runs; the fence of every write. */
  readonly attempt: number;
  readonly incarnation: Incarnation | null;
  /** The node's newest data. */
  readonly introspection: Introspection | null;
  /** The orchestrator's current state; null before the first. */
  readonly state: string | null;
  readonly previous_state: string | null;
  readonly since: string | null;
  readonly entering: Entering | null;
  readonly reducer: ReducerState;
  readonly reason: string | null;
  /** How often the state with a limited timer was entered: the ack round, from 1. */
  readonly round: number;
  readonly rounds: number | null;
  /** When the current state's timer is due. */
  readonly timer_due: string | null;
  readonly ack_deadline: string | null;
  readonly liveness_deadline: string | null;
  readonly last_heartbeat_at: string | null;
  /** The message or event that the next event follows from. */
  readonly causation_id: string;
  /** The backends do not have the node's newest data yet. */
  readonly refresh_due: boolean;
  /** The newest data are on their way to the backends. */
  readonly refreshing: boolean;
  /** Why a backend refused the newest data; null where none did. */
  readonly refresh_refused: string | null;
  readonly ended: boolean;
  /** The newest thing that the node itself has asked for in this attempt, by its record. */
  readonly last_request?: { readonly message_id: string; readonly at: string } | null;
  /** Why the node may not come in until somebody lifts that; null where it may. */
  readonly ban?: string | null;
  /** The run of this attempt is gone, and nothing shows how far it came: the attempt begins again. */
  readonly unfinished: boolean;
}

/** An attempt of which nothing has happened yet. */
export const NOTHING_YET = Object.freeze({
  state: null,
  previous_state: null,
  entering: null,
  round: 0,
  rounds: null,
  timer_due: null,
  ack_deadline: null,
  liveness_deadline: null,
  last_heartbeat_at: null,
  refresh_due: false,
  refreshing: false,
  refresh_refused: null,
  last_request: null,
  ended: false,
  unfinished: false,
});

/** A node of which this run knows only its registry row: an ended or lost life before. Without a row, nothing. */
export function unknownNode(node_id: string, row: NodeRow | null, contract: CompiledContract): Registration {
  return Object.freeze({
    node_id,
    attempt: row?.attempt ?? 0,
    incarnation: row && incarnationOfRow(row, contract),
    introspection: row?.introspection ?? null,
    ...NOTHING_YET,
    since: null,
    reducer: restingState(row?.reducer_status ?? contract.reducer.initial, contract),
    reason: null,
    causation_id: '',
  });
}

function incarnationOfRow(row: NodeRow, contract: CompiledContract): Incarnation {
  const { correlation_id, epoch, introspected_at, instance_id, state, ended_at } = row;
  const isUnannounced = typeof ended_at === 'string' && !isAnnounced(state, contract);
  return Object.freeze({
    correlation_id,
    epoch,
    at: introspected_at,
    seen: Object.freeze([correlation_id]),
    ...(typeof instance_id === 'string' ? { instance_id } : {}),
    ...(isUnannounced ? { unannounced_end: ended_at } : {}),
  });
}

/**
 * Whether an event announces this state to the node: one of the entry actions, which existing nodes read. End actions
 * publish for those who watch the fleet.
 */
function isAnnounced(state: string, contract: CompiledContract): boolean {
  return stateOf(state, contract)?.entry_actions.some((action) => action in contract.events) ?? false;
}

/**
 * What a fresh run knows before its first message.
 * - The attempt has not ended, and its state lives by a lease: the run adopts it as the registry has it, and verifies
 *   the lease at once.
 * - The attempt has not ended, and its state is another one: the attempt is unfinished.
 * - The attempt has ended: the run knows only how.
 */
export function nodeOfRow(node_id: string, row: NodeRow | null, contract: CompiledContract, now: string): Registration {
  const unknown = unknownNode(node_id, row, contract);
  if (row === null || (row.lasting === null && !row.unfinished)) return unknown;
  if (row.lasting === null || !livesByLease(row.state, contract))
    return withChanges(unknown, { state: row.state, unfinished: true });
  const { state_since, ack_deadline, liveness_deadline } = row.lasting;
  return withChanges(unknown, {
    state: row.state,
    since: state_since,
    reducer: confirmedState(contract, row.reducer_status),
    reason: row.reason,
    // The row does not keep the ack round, which is part of the events' ids. Nearly always it is the first.
    round: 1,
    timer_due: now,
    ack_deadline,
    liveness_deadline,
    causation_id: row.introspection.message_id,
  });
}

/** The state that triggers and messages meet: the current one. Before the first one it is the one being entered. */
export function currentState({ state, entering }: Registration): string | null {
  return state ?? entering?.state ?? null;
}

/** A state as the contract has it; undefined for no state, and for one that it does not know. */
export function stateOf(
  name: string | null | undefined,
  contract: Pick<CompiledContract, 'orchestrator'>,
): State | undefined {
  return contract.orchestrator.states[name ?? ''];
}

/** Is a node in this state only as long as its lease is renewed? */
export function livesByLease(
  state: string | null,
  contract: Pick<CompiledContract, 'orchestrator' | 'timers'>,
): boolean {
  const timer = stateOf(state, contract)?.timer ?? null;
  return timer !== null && contract.timers[timer]?.verify === 'lease';
}

/** The same registration with some of it changed; frozen like every other. */
export function withChanges(registration: Registration, changes: Partial<Registration>): Registration {
  return Object.freeze({ ...registration, ...changes });
}

/** Whether the node may come in, as the registry has it now. */
export function withBan(registration: Registration, ban: string | null): Registration {
  return (registration.ban ?? null) === ban ? registration : withChanges(registration, { ban });
}

/** The newest data go to the backends now. */
export function withRefreshStarted(registration: Registration): Registration {
  return withChanges(registration, { refresh_due: false, refreshing: true, refresh_refused: null });
}

/** Work in flight is superseded: a refresh that was under way is due again. */
export function superseded(registration: Registration): Registration {
  return registration.refreshing ? withChanges(registration, { refreshing: false, refresh_due: true }) : registration;
}

/** No attempt runs: none has begun, or the last one has ended or is only being cleaned up. */
export function isOver(registration: Registration): boolean {
  return (
    registration.ended ||
    registration.entering?.ending === true ||
    (registration.state === null && registration.entering === null)
  );
}

const NO_ENDPOINTS = Object.freeze({});
const NO_CAPABILITIES = Object.freeze([]);

/** The values that templates, conditions and reasons of the contract may name. */
export function variables(registration: Registration, contract: CompiledContract): Readonly<Record<Variable, unknown>> {
  const { introspection, incarnation } = registration;
  const entering = registration.entering?.state ?? registration.state;
  const correlation_id = incarnation?.correlation_id ?? null;
  return {
    node_id: registration.node_id,
    node_type: introspection?.node_type ?? null,
    node_version: introspection?.node_version ?? null,
    endpoints: introspection?.endpoints ?? NO_ENDPOINTS,
    capabilities: introspection?.capabilities ?? NO_CAPABILITIES,
    correlation_id,
    epoch: incarnation?.epoch ?? null,
    introspected_at: incarnation?.at ?? null,
    // Seldom asked for, and a hash: computed when it is.
    get registration_attempt_id() {
      return derivedId(registration.node_id, correlation_id ?? '', 'attempt', registration.attempt);
    },
    attempt: registration.attempt,
    state: registration.state,
    entering,
    discoverable: stateOf(registration.state, contract)?.discoverable ?? false,
    lease: livesByLease(registration.state, contract) ? 'open' : null,
    previous_state: registration.previous_state,
    reducer_status: registration.reducer.status,
    reason: registration.reason,
    get check_output() {
      const output = stateOf(entering, contract)?.check_output;
      return output === undefined ? null : cut(text(fill(output, this)));
    },
    round: registration.round,
    rounds: registration.rounds,
    rounds_left: registration.rounds === null ? null : registration.rounds - registration.round,
    ack_deadline: registration.ack_deadline,
    liveness_deadline: registration.liveness_deadline,
    last_heartbeat_at: registration.last_heartbeat_at,
    first_deadline_seconds: contract.liveness.first_deadline_seconds,
    window_seconds: contract.liveness.window_seconds,
    heartbeat_interval_seconds: contract.liveness.heartbeat_interval_seconds,
    contract_version: contract.version,
  };
}
