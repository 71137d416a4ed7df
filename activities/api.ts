import type { CompiledContract } from '../src/contracts/compiled.js';
import type { OutgoingEvent } from '../src/protocol/published.js';
import type { NodeRow } from '../src/registry/rows/node-row.js';

export type { LastingAttempt, NodeRow } from '../src/registry/rows/node-row.js';

/**
 * The types of every activity. The implementations stand beside this file, one
 * effect a file; a workflow sees only these types.
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
  /** A lower registration attempt never overwrites a higher one. */
  readonly attempt: number;
  /** The node's process that the attempt is of, where it says who it is. */
  readonly instance_id?: string;
  readonly intent: Intent;
  /** The event type with which the effect answers when it is done. */
  readonly confirmation: string;
}

/** Specification, Phase 3: what an effect answers when it is done. */
export interface ConfirmationEvent {
  readonly event_type: string;
  readonly correlation_id: string;
  readonly node_id?: string;
  readonly service_id?: string;
}

/**
 * Done; or not applied, since the row or the catalog holds `fenced_by`: a higher
 * registration attempt, or this one as ended.
 */
export type EffectResult =
  { readonly done: true; readonly event: ConfirmationEvent } | { readonly done: false; readonly fenced_by: number };

/** Every failure of an effect is an ApplicationFailure of one of these types; only the second is permanent. */
export const UNAVAILABLE = 'BackendUnavailable';
export const REFUSED = 'BackendRefused';

export interface Opening {
  /** null: the registry does not know the node. */
  readonly row: NodeRow | null;
  /** Why the node may not come in, in words; null or absent where it may. */
  readonly ban?: string | null;
  readonly contract: CompiledContract;
}

export interface LeaseQuestion {
  readonly node_id: string;
  readonly attempt: number;
  /** The node's process, for a lease that must be opened again. */
  readonly instance_id?: string;
  readonly window_seconds: number;
  readonly grace_seconds: number;
  /** Its lease lasts until then, where it has not beaten so far: many beat only once they are said to be active. */
  readonly first_deadline?: string;
}

/**
 * expired: the lease was marked expired, by this very statement, for this attempt.
 * renewed: it lives until `deadline`. unknown: nobody may be expired now.
 * Times to wait are seconds, so that no other machine's clock counts.
 */
export type LeaseAnswer = {
  /** The contract that the worker has now. */
  readonly contract_version: string;
} & (
  | { readonly outcome: 'expired'; readonly last_heartbeat_at: string | null }
  | { readonly outcome: 'renewed'; readonly deadline: string }
  | { readonly outcome: 'unknown'; readonly why: string; readonly again_in_seconds: number }
);

/** Has the ack topic been read past a deadline? If not: in how many seconds to ask again. */
export type AcksReadAnswer =
  { readonly read: true } | { readonly read: false; readonly why: string; readonly again_in_seconds: number };

/** An event that does not meet its schema: a fault of the contract. It was put into the dead letters. */
export interface RefusedEvent {
  readonly event_type: string;
  readonly reason: string;
}

export interface Published {
  /**
   * When the events were handed to the broker that took them, ISO 8601: `emitted_at` of the first, and the moment from
   * which stamped deadlines count.
   */
  readonly sent_at: string;
  readonly refused: readonly RefusedEvent[];
}

export interface Activities {
  /** The registry row of a node, and the current contract. */
  open_attempt(node_id: string): Promise<Opening>;
  /** Publishes in order, acknowledged by all replicas; stamps `emitted_at` and the deadlines at the send. */
  publish_events(events: readonly OutgoingEvent[]): Promise<Published>;
  verify_lease(question: LeaseQuestion): Promise<LeaseAnswer>;
  verify_acks_read(deadline: string): Promise<AcksReadAnswer>;
  'consul.register'(request: EffectRequest): Promise<EffectResult>;
  'consul.pass'(request: EffectRequest): Promise<EffectResult>;
  'consul.deregister'(request: EffectRequest): Promise<EffectResult>;
  'postgres.upsert_registration'(request: EffectRequest): Promise<EffectResult>;
  'postgres.update_registration'(request: EffectRequest): Promise<EffectResult>;
}
