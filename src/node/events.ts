import type { NodeError } from './errors.js';

/**
 * Where a node stands, as far as it knows.
 *
 *     idle -> connecting -> introducing -> accepted -> acknowledged -> active
 *     active <-> draining
 *     any of the last five -> waiting (rejected, expired, ended or too late) -> introducing
 *     any -> leaving -> left
 *     any -> superseded
 */
export type NodeState =
  | 'idle'
  | 'connecting'
  | 'introducing'
  | 'accepted'
  | 'acknowledged'
  | 'active'
  | 'draining'
  | 'waiting'
  | 'leaving'
  | 'left'
  | 'superseded';

/** Why a registration attempt, or an active life, has ended. */
export type Ending = 'rejected' | 'ack timed out' | 'liveness expired' | 'deregistered';

export interface OfAttempt {
  /** The id of this registration attempt: the registrar's events carry it. */
  readonly correlation_id: string;
  /** When it happened here. */
  readonly at: Date;
}

/** Every event with what its listeners get. */
export interface NodeEvents {
  /** The node's state has changed. */
  state: [
    {
      readonly state: NodeState;
      readonly previous: NodeState;
      readonly correlation_id: string | null;
      readonly at: Date;
    },
  ];
  /**
   * The broker has an introspection. `sends` counts those of this registration attempt, `at` is the moment before
   * sending.
   */
  introduced: [OfAttempt & { readonly sends: number }];
  /**
   * Both backends hold it; it has until `ack_deadline` (ISO 8601, the registrar's clock) to acknowledge. Comes again
   * with each ack round.
   */
  accepted: [OfAttempt & { readonly ack_deadline: string | null; readonly heartbeat_interval_seconds: number }];
  /** The broker has the acknowledgement. */
  acknowledged: [OfAttempt];
  /** Discoverable from now on. Comes again when a drain is taken back. */
  active: [OfAttempt];
  /** Others do not find it any more, by its own wish or an operator's; it stays registered, and beats. */
  draining: [OfAttempt & { readonly reason: string }];
  /** Its registration was ended by somebody else. */
  deregistered: [OfAttempt & { readonly reason: string }];
  /** The registrar refuses it; it tries again after `retry_in_ms`. */
  rejected: [OfAttempt & { readonly reason: string; readonly retry_in_ms: number }];
  /**
   * Not acknowledged in time. With rounds left, accepted comes again; with none, the registration attempt has ended.
   */
  ackTimedOut: [OfAttempt & { readonly rounds_left: number | null }];
  /** The registrar has read no heartbeat for too long. */
  expired: [OfAttempt & { readonly last_heartbeat_at: string | null }];
  /** It introduces itself anew, with a new correlation_id, after a pause. */
  startingOver: [{ readonly because: Ending; readonly in_ms: number; readonly at: Date }];
  /** The registrar asked it to introduce itself. */
  requested: [{ readonly at: Date }];
  /** The broker has a heartbeat. */
  heartbeat: [OfAttempt];
  /**
   * It has stopped. `announced` is false when its goodbye could not be sent: the registrar notices when the lease
   * expires.
   */
  left: [{ readonly announced: boolean; readonly at: Date }];
  /**
   * Another process has introduced itself under this node's id, after this one: the registration is that one's now.
   * This node has stopped, without a goodbye. Give one of the two another id, or end this process. Without a listener,
   * the error is logged.
   */
  superseded: [
    OfAttempt & {
      /** The other process's registration attempt, and its instance_id where that is known. */
      readonly by: { readonly correlation_id: string; readonly instance_id: string | null };
      readonly error: NodeError;
    },
  ];
  /**
   * Something does not work, and the node goes on trying. It is not named
   * "error", since an EventEmitter throws that one when it has no listener.
   * Problems without a listener are logged.
   */
  problem: [NodeError];
  /** What a problem was about works again. */
  recovered: [{ readonly at: Date }];
}
