/**
 * What the YAML contracts become: small, plain data. It enters each workflow
 * as the recorded result of opening an attempt, so an execution always replays
 * under the contract that it read. Types only: workflows import this file.
 */

export type Operator = 'is_present' | 'is_absent' | '==' | '!=' | 'in' | 'at_least' | 'matches';

/** "node_id is_present", parsed. */
export interface Condition {
  readonly field: string;
  readonly operator: Operator;
  /** Absent for is_present and is_absent; a list for `in`. */
  readonly value?: string | number | boolean | readonly string[];
}

export interface Transition {
  readonly to: string;
  /** Why, in words with variables; null keeps the reason that is there. */
  readonly reason: string | null;
  readonly conditions: readonly Condition[];
  /** Done on this way into the state, instead of its own entry actions. */
  readonly entry_actions?: readonly string[];
}

export interface State {
  /** Names of intent templates and events, in the order in which they are done. */
  readonly entry_actions: readonly string[];
  /** Done when the run ends in this state. */
  readonly end_actions: readonly string[];
  /** The timer that runs in this state. */
  readonly timer: string | null;
  /** A run ends here unless a transition on entry_done leads on. */
  readonly terminal: boolean;
  /** Consul shows the node to others in this state. */
  readonly discoverable: boolean;
  /** What Consul's check says in this state, with variables; absent: what it says of every node. */
  readonly check_output?: string;
  /** By trigger. */
  readonly transitions: Readonly<Record<string, Transition>>;
}

export interface Machine {
  readonly name: string;
  readonly initial: string;
  readonly states: Readonly<Record<string, State>>;
}

/** A confirmation of the effect layer, as the reducer knows it: "consul.registered" sets consul_confirmed. */
export interface Confirmation {
  readonly trigger: string;
  readonly flag: string | null;
}

export type Template = string | number | boolean | null | readonly Template[] | { readonly [key: string]: Template };

export interface IntentTemplate {
  readonly intent_type: string;
  readonly target: string;
  readonly payload: { readonly intent_type: string } & { readonly [key: string]: Template };
}

export interface EventTemplate {
  readonly event_type: string;
  readonly topic: string;
  readonly payload: { readonly [key: string]: Template };
  /** Payload field to the timer whose length is added to the time of sending. */
  readonly stamps: Readonly<Record<string, string>>;
  readonly tags: { readonly [key: string]: Template };
  /** entity_id, node_id and correlation_id stand at the top of the envelope too. */
  readonly ids_at_top: boolean;
}

export interface RetryPolicy {
  readonly initial_interval_seconds: number;
  readonly backoff_coefficient: number;
  readonly maximum_interval_seconds: number;
  /** Absent: without limit. */
  readonly maximum_attempts?: number;
}

/**
 * activity: an ordinary activity from the first try on. local_first: a local activity for a few short tries
 * (`local_tries`), then an ordinary one.
 */
export type Placement = 'activity' | 'local_first';

/** One row of the effect contract: who serves an intent type, and how it is retried. */
export interface EffectRoute {
  readonly backend: string;
  /** The activity that serves it. */
  readonly activity: string;
  /** What it is for, in the contract's words: "register_node". */
  readonly operation: string;
  readonly placement: Placement;
  /** What the effect's success is called, for the reducer. */
  readonly confirmation: string;
  readonly start_to_close_seconds: number;
  readonly retry: RetryPolicy;
}

/** The tries as a local activity of whatever has the placement local_first. */
export interface LocalTries {
  readonly maximum_attempts: number;
  readonly initial_interval_seconds: number;
  readonly start_to_close_seconds: number;
  readonly schedule_to_close_seconds: number;
}

/** How a call that is not an effect is placed and retried. */
export interface CallPolicy {
  readonly placement: Placement;
  readonly start_to_close_seconds: number;
  readonly retry: RetryPolicy;
}

/** One local try; without an answer nothing changes, and the question is asked again. */
export interface QuestionPolicy {
  readonly start_to_close_seconds: number;
  /** How long after a question without an answer it is asked again. */
  readonly again_seconds: number;
}

export interface MatrixRow {
  /** null: no attempt (never seen, or ended). "any": every state of an attempt that has not ended. */
  readonly states: readonly (string | null)[] | 'any';
  readonly reason: string | null;
  readonly incarnation: 'newer' | 'duplicate' | 'stale' | null;
  readonly action: string;
}

export interface Timer {
  readonly seconds: number;
  readonly trigger: string;
  /** How often the state may be entered in one attempt, where that is limited (ack rounds). */
  readonly rounds: number | null;
  /** Asked before the timer fires: the name of a verification. */
  readonly verify: 'lease' | 'acks_read' | null;
}

export interface Liveness {
  /** How long a node may take for its first heartbeat: from its ack, and from when it was said to be active. */
  readonly first_deadline_seconds: number;
  /** The lease duration. */
  readonly window_seconds: number;
  /** From the deadline of a lease until it expires. */
  readonly grace_seconds: number;
  /** What nodes with our SDK are asked to keep. */
  readonly heartbeat_interval_seconds: number;
}

/**
 * When self-preservation holds expiry (the contract's key is `brake`). It is about a
 * whole fleet, and no part of what a node's workflow runs under: each process reads
 * its own contract.
 */
export interface SelfPreservationRule {
  /** A greater share of the fleet gone at once starts self-preservation. */
  readonly share: number;
  /** In smaller fleets it never starts: nodes. */
  readonly floor: number;
  /** Longest hold, in lease durations of a stream that is not stalled. */
  readonly max_hold_windows: number;
}

export interface AdmissionRule {
  readonly require: Condition;
  readonly reason: string;
}

export interface CompiledContract {
  /** contract_version of orchestrator, reducer and effect, and a digest of all: "1.0.0+r1.0.0.e1.0.0.1f3a9c2e". */
  readonly version: string;
  /** By event model name ("ModelNodeIntrospectionEvent"): handler and decision matrix, most specific row first. */
  readonly handlers: Readonly<Record<string, { readonly handler: string; readonly matrix: readonly MatrixRow[] }>>;
  readonly orchestrator: Machine;
  readonly reducer: Machine;
  readonly confirmations: Readonly<Record<string, Confirmation>>;
  readonly intents: Readonly<Record<string, IntentTemplate>>;
  readonly events: Readonly<Record<string, EventTemplate>>;
  readonly effects: Readonly<Record<string, EffectRoute>>;
  readonly execution_mode: 'parallel' | 'sequential';
  readonly partial_failure_handling: boolean;
  readonly local_tries: LocalTries;
  readonly calls: { readonly publish_events: CallPolicy };
  readonly questions: Readonly<Record<'verify_lease' | 'verify_acks_read', QuestionPolicy>>;
  readonly timers: Readonly<Record<string, Timer>>;
  readonly liveness: Liveness;
  readonly admission: readonly AdmissionRule[];
  /** Actions (intent templates) that bring changed data of a node to the backends without changing its state. */
  readonly refresh_actions: readonly string[];
}

/** What the bridge and the CLI need, and workflows do not: who consumes which topic. */
export interface ConsumedEvent {
  readonly event_type: string;
  /** With {env} and {namespace} still open. */
  readonly topic: string;
}

/** For the bridge: how it looks for nodes that have fallen silent. */
export interface Sweep {
  readonly interval_seconds: number;
}

/** For the bridge: how it compares Consul with the registry. */
export interface Reconcile {
  readonly interval_seconds: number;
  readonly again_after_seconds: number;
  readonly mends_per_second: number;
}

/** For the bridge: how long what has ended is kept. */
export interface Retention {
  readonly ended_seconds: number;
}
