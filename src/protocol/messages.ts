/**
 * The one normal form of everything that is said on the wire. Both accepted
 * forms (bare payload, envelope) and the specification's own shapes are turned
 * into these at the edge (see wire.ts); nothing behind the edge sees any other.
 *
 * Times are ISO 8601 in UTC with milliseconds ("2026-01-31T12:00:00.000Z"), so
 * that they read well in Temporal's web UI and compare as strings.
 */

export const NODE_TYPES = ['effect', 'reducer', 'orchestrator', 'compute'] as const;
export type NodeType = (typeof NODE_TYPES)[number];

/** Why a node introduces itself. `startup` (or nothing) is a new incarnation. */
export const REASONS = ['startup', 'request', 'heartbeat', 'health_change', 'capability_change', 'shutdown'] as const;
export type Reason = (typeof REASONS)[number];

/** Specification, Phase 1: ModelNodeIntrospectionEvent. */
export interface Introspection {
  /** The envelope's id, else uuid v5 of topic, partition and offset: the root of the causation chain. */
  readonly message_id: string;
  readonly correlation_id: string;
  readonly node_id: string;
  readonly node_type: NodeType;
  /** Semantic version, "1.2.3" or "1.2.3-rc.1". */
  readonly node_version: string;
  /** Name to absolute URL; a relative health endpoint is already joined to the first endpoint. */
  readonly endpoints: Readonly<Record<string, string>>;
  /** Sorted, without repetition. */
  readonly capabilities: readonly string[];
  readonly reason: Reason;
  /** The node's own incarnation counter, where it keeps one. */
  readonly epoch: number | null;
  /** The Kafka record's time (LogAppendTime), never the node's clock. */
  readonly at: string;
}

/** Specification, Phase 4: ModelNodeRegistrationAcked. */
export interface Ack {
  /** The command's id. */
  readonly message_id: string;
  readonly node_id: string;
  readonly correlation_id: string;
  /** The Kafka record's time; for an ack sent through the Temporal client, the server's. */
  readonly at: string;
}

/** What moves a lease. The other fields of a heartbeat are validated at the edge and not kept. */
export interface Heartbeat {
  readonly node_id: string;
  readonly node_type: NodeType;
  /** The Kafka record's time. */
  readonly at: string;
}

/** An event that the registrar publishes; the publishing activity stamps the times and wraps it in an envelope. */
export interface OutgoingEvent {
  /** uuid v5 over node_id, correlation_id, event type, attempt and ack round: a repeat is recognisable. */
  readonly id: string;
  /** For example "NodeRegistrationAccepted". */
  readonly event_type: string;
  /** Topic with {env} and {namespace} still open, as the contract has it. */
  readonly topic: string;
  readonly node_id: string;
  readonly correlation_id: string;
  /** Id of the message or event that led to this one. */
  readonly causation_id: string;
  /** Fields of this event type, without the common ones (entity_id, node_id, correlation_id, causation_id, emitted_at). */
  readonly payload: Readonly<Record<string, unknown>>;
  /** Payload fields that are a time after the send, in seconds: { ack_deadline: 30 }. Stamped when really sent. */
  readonly stamps: Readonly<Record<string, number>>;
  /** Our additions to the specification's payload; strings in the envelope's metadata.tags. */
  readonly tags: Readonly<Record<string, string>>;
}
