import type { CompiledContract } from '../src/contracts/compiled.js';
import type { Introspection } from '../src/protocol/introspection.js';
import type { OutgoingEvent } from '../src/protocol/published.js';

/**
 * What workflows may ask of the world: the types of every activity. The
 * implementations stand beside this file, one effect a file; a workflow sees
 * only these.
 */

/** Specification, Phase 2, "Two-Layer Intent Structure". */
export interface Intent {
  readonly intent_type: string;
  readonly target: string;
  readonly payload: { readonly intent_type: string } & { readonly [key: string]: unknown };
}

/** An intent for the effect layer, with the fence that every write carries. */
export interface EffectRequest {
  readonly node_id: string;
  /** A lower attempt never overwrites a higher one. */
  readonly attempt: number;
  readonly intent: Intent;
}

/** Done, or refused by the fence because a higher attempt holds the row: its number. */
export type EffectResult = { readonly done: true } | { readonly done: false; readonly fenced_by: number };

/** Every failure of an effect is an ApplicationFailure of one of these types; only the second is permanent. */
export const UNAVAILABLE = 'BackendUnavailable';
export const REFUSED = 'BackendRefused';

/** The record's last word on a node, for a fresh run. */
export interface NodeRecord {
  readonly attempt: number;
  readonly correlation_id: string;
  readonly epoch: number | null;
  /** Record time of the incarnation's introspection. */
  readonly introspected_at: string;
  readonly state: string;
  readonly reason: string | null;
  /** The node's data as the record has them: what an operator's retry replays. */
  readonly introspection: Introspection;
  /** The attempt has not ended and has its lease: a fresh run that finds one goes on where the lost run was. */
  readonly lasting: LastingAttempt | null;
}

/** What else a run must know of an attempt to go on with it. */
export interface LastingAttempt {
  readonly reducer_status: string;
  readonly state_since: string;
  readonly ack_deadline: string | null;
  readonly liveness_deadline: string | null;
}

export interface Opening {
  readonly record: NodeRecord | null;
  readonly contract: CompiledContract;
}

export interface LeaseQuestion {
  readonly node_id: string;
  readonly attempt: number;
  readonly window_seconds: number;
  readonly grace_seconds: number;
  /** Version the workflow runs; the answer carries the current one. */
  readonly contract_version: string;
}

/**
 * claimed: the lease is marked expired, by this very statement, for this attempt.
 * renewed: it lives until `deadline`. unknown: nobody may be expired now; look again at `again_at`.
 */
export type LeaseAnswer = { readonly contract_version: string } & (
  | { readonly outcome: 'claimed'; readonly last_heartbeat_at: string | null }
  | { readonly outcome: 'renewed'; readonly deadline: string }
  | { readonly outcome: 'unknown'; readonly why: string; readonly again_at: string }
);

/** Has the ack topic been read past a deadline? If not: when to ask again. */
export type AcksReadAnswer =
  { readonly read: true } | { readonly read: false; readonly why: string; readonly again_at: string };

export interface Published {
  /**
   * When they were handed to the broker that took them, ISO 8601: `emitted_at`, and the moment that stamped deadlines
   * count from.
   */
  readonly sent_at: string;
}

export interface Activities {
  /** The record's last word and the current contract. */
  open_attempt(node_id: string): Promise<Opening>;
  /** Sends in order, acknowledged by all replicas; stamps `emitted_at` and the deadlines at the send. */
  publish_events(events: readonly OutgoingEvent[]): Promise<Published>;
  verify_lease(question: LeaseQuestion): Promise<LeaseAnswer>;
  verify_acks_read(deadline: string): Promise<AcksReadAnswer>;
  'consul.register'(request: EffectRequest): Promise<EffectResult>;
  'consul.pass'(request: EffectRequest): Promise<EffectResult>;
  'consul.deregister'(request: EffectRequest): Promise<EffectResult>;
  'postgres.upsert_registration'(request: EffectRequest): Promise<EffectResult>;
  'postgres.update_registration'(request: EffectRequest): Promise<EffectResult>;
}
