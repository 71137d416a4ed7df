import type { Introspection } from '../../protocol/introspection.js';

/** What the registry row of a node says, for a fresh run. */
export interface NodeRow {
  readonly attempt: number;
  readonly correlation_id: string;
  readonly epoch: number | null;
  /** Record time of the incarnation's introspection. */
  readonly introspected_at: string;
  readonly state: string;
  readonly reducer_status: string;
  readonly reason: string | null;
  /** The node's data as the row has them: what an operator's retry begins with. */
  readonly introspection: Introspection;
  /** The attempt has not ended and has its lease: a fresh run that finds one adopts it. */
  readonly lasting: LastingAttempt | null;
  /** The attempt has not ended and has no lease: a fresh run that finds one begins it again. */
  readonly unfinished: boolean;
  /** When the attempt ended (ISO 8601); null while it lasts. */
  readonly ended_at?: string | null;
  /** The process that the lease is of, where it says who it is. */
  readonly instance_id?: string | null;
}

/** What else a run must know of an attempt to go on with it. */
export interface LastingAttempt {
  readonly state_since: string;
  readonly ack_deadline: string | null;
  readonly liveness_deadline: string | null;
}
