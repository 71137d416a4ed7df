import { z } from 'zod';
import { flagsOf } from './capabilities.js';
import { unwrap, wrap, type OutgoingRecord } from './envelope.js';
import { explain } from './explain.js';
import { correlationId, nodeId, timestamp } from './fields.js';
import { eventHeaders, instanceIn, supersededIn, type RecordHeaders } from './instance.js';
import { printable, type JsonObject, type Refusal } from './json.js';

/** The events that the registrar publishes: what may be in them, how they are written, how they are read back. */

/** An event that is to be published; the publishing activity stamps the times and puts it into its envelope. */
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
  /**
   * Fields of this event type, without the common ones (entity_id, node_id, correlation_id, causation_id, emitted_at).
   */
  readonly payload: JsonObject;
  /**
   * Whether entity_id, node_id and correlation_id (and target_node_id) stand at the top of the envelope too. Existing
   * nodes look there for who was accepted and who is asked; their newer envelope model forbids such fields elsewhere.
   */
  readonly ids_at_top: boolean;
  /** Payload fields that are a time after the send, in seconds: { ack_deadline: 30 }. Stamped when really sent. */
  readonly stamps: Readonly<Record<string, number>>;
  /** Our additions to the specification's payload; strings in the envelope's metadata.tags. */
  readonly tags: Readonly<Record<string, string>>;
  /** The process that the attempt is of, where its introspection said so. In the record's headers. */
  readonly instance_id?: string;
  /** Correlation_ids of the attempts before this one, oldest first. In the record's headers. */
  readonly supersedes?: readonly string[];
}

const common = {
  entity_id: nodeId,
  node_id: nodeId,
  correlation_id: correlationId,
  causation_id: z.uuid(),
  emitted_at: timestamp,
};

/** Values of the specification's registration states, as existing nodes write them. */
const registrationState = z.string().regex(/^[a-z0-9_]{1,64}$/, { error: 'a registration state in lower case' });

/**
 * Payloads that we publish, one schema per event type. Strict: existing nodes
 * forbid unknown fields, so a field too many makes them deaf to the event.
 * Additions of ours belong into the tags.
 */
export const publishedSchemas = {
  NodeRegistrationInitiated: z.strictObject({ ...common, registration_attempt_id: z.uuid() }),
  NodeRegistrationAccepted: z.strictObject({ ...common, ack_deadline: timestamp }),
  NodeRegistrationRejected: z.strictObject({ ...common, rejection_reason: z.string().min(1).max(1024) }),
  NodeRegistrationAckReceived: z.strictObject({ ...common, liveness_deadline: timestamp }),
  NodeRegistrationAckTimedOut: z.strictObject({
    ...common,
    deadline_at: timestamp,
    previous_state: registrationState.nullable(),
  }),
  NodeBecameActive: z.strictObject({ ...common, capabilities: z.record(z.string(), z.literal(true)) }),
  NodeLivenessExpired: z.strictObject({ ...common, last_heartbeat_at: timestamp.nullable() }),
  NodeDraining: z.strictObject({ ...common, drain_reason: z.string().min(1).max(1024) }),
  NodeDeregistered: z.strictObject({ ...common, deregistration_reason: z.string().min(1).max(1024).nullable() }),
  RequestIntrospection: z.strictObject({ ...common, target_node_id: nodeId }),
} as const;

export type PublishedEventType = keyof typeof publishedSchemas;

/** Every event type that may be published; a contract that names another one is refused at load. */
export const PUBLISHED_EVENT_TYPES = Object.keys(publishedSchemas) as readonly PublishedEventType[];

/** The event type of a name, or null. The specification's "ModelNodeBecameActive" and the plain name mean the same. */
export function publishedEventType(name: string): PublishedEventType | null {
  const plain = name.replace(/^Model(?=[A-Z])/, '');
  return PUBLISHED_EVENT_TYPES.find((type) => type === plain) ?? null;
}

/** Who sends an event, and when. */
export interface Sending {
  /** The moment of the send, from where stamped deadlines count. */
  readonly sentAt: Date;
  /** How many events are before it in its send. Default 0. */
  readonly before?: number;
  /** The process that sends, for the envelope's source_tool and the header. */
  readonly source: string;
}

/** The fields that every event has; a contract's payload adds those of its type. */
export const COMMON_FIELDS: readonly string[] = Object.keys(common);

/**
 * An event's payload as it goes to nodes: with the common fields, the stamped times, and in their words.
 *
 * `emitted_at` is the send, and a millisecond later for each event before it: nodes read topics independently of each
 * other, and know the order of events by these times alone.
 */
export function payloadOf(
  event: Pick<OutgoingEvent, 'node_id' | 'correlation_id' | 'causation_id' | 'payload' | 'stamps'>,
  { sentAt, before = 0 }: Pick<Sending, 'sentAt' | 'before'>,
): JsonObject {
  const { node_id, correlation_id, causation_id } = event;
  return {
    entity_id: node_id,
    node_id,
    correlation_id,
    causation_id,
    emitted_at: new Date(sentAt.getTime() + before).toISOString(),
    ...forNodes(event.payload),
    ...stamped(event.stamps, sentAt),
  };
}

/**
 * An event of ours as the record that goes to Kafka.
 *
 * @throws TypeError where the event does not fit its type's schema: that is a mistake of ours, not a node's
 */
export function buildPublished(event: OutgoingEvent, sending: Sending): OutgoingRecord {
  const type = publishedEventType(event.event_type);
  if (type === null)
    throw new TypeError(`unknown event type ${event.event_type}: no schema says what nodes would understand`);
  const { node_id, correlation_id } = event;
  const payload = payloadOf(event, sending);
  const checked = publishedSchemas[type].safeParse(payload);
  if (!checked.success)
    throw new TypeError(`${type} of ${node_id} does not fit its schema: ${explain(checked.error, payload)}`);
  return wrap({
    message_id: event.id,
    correlation_id,
    event_type: type,
    node_id,
    sent_at: sending.sentAt.toISOString(),
    source: sending.source,
    payload,
    tags: event.tags,
    headers: eventHeaders(event),
    top: event.ids_at_top ? idsIn(payload) : {},
  });
}

/**
 * The ids that an envelope does not have by itself. target_node_id is the node that is asked: without it at the top,
 * every existing node would answer.
 */
const TOP_IDS = ['entity_id', 'node_id', 'target_node_id'];

function idsIn(payload: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(payload).filter(([field]) => TOP_IDS.includes(field)));
}

/** Our normal form in the words of existing nodes: capabilities as flags, states in lower case. */
function forNodes(payload: JsonObject): JsonObject {
  const { capabilities, previous_state } = payload;
  return {
    ...payload,
    ...(Array.isArray(capabilities) ? { capabilities: flagsOf(capabilities as string[]) } : {}),
    ...(typeof previous_state === 'string' ? { previous_state: previous_state.toLowerCase() } : {}),
  };
}

function stamped(stamps: OutgoingEvent['stamps'], sentAt: Date): JsonObject {
  return Object.fromEntries(
    Object.entries(stamps).map(([field, seconds]) => [
      field,
      new Date(sentAt.getTime() + seconds * 1000).toISOString(),
    ]),
  );
}

/** An event that was published, read back. */
export interface PublishedEvent {
  readonly event_type: PublishedEventType;
  readonly id: string;
  readonly node_id: string;
  readonly correlation_id: string;
  readonly causation_id: string;
  readonly emitted_at: string;
  /** As on the wire, the common fields included. */
  readonly payload: JsonObject;
  readonly tags: Readonly<Record<string, string>>;
  /** The process that the attempt is of, where that is known. */
  readonly instance_id?: string;
  /** Correlation_ids of the attempts before this one. */
  readonly supersedes: readonly string[];
}

/** Tolerant where the writer is strict: an older node must understand a newer registrar. */
const publishedEnvelope = z.object({
  envelope_id: z.uuid(),
  event_type: z.string(),
  metadata: z.object({ tags: z.record(z.string(), z.string()).nullish() }).nullish(),
});
const publishedPayload = z.object({
  node_id: nodeId,
  correlation_id: correlationId,
  causation_id: z.uuid(),
  emitted_at: timestamp,
});

/**
 * Reads an event that a registrar published, for nodes and tests.
 *
 * @param value the record's value
 * @param headers the record's headers
 */
export function parsePublished(
  value: Buffer | null,
  headers?: RecordHeaders,
): { readonly ok: true; readonly event: PublishedEvent } | Refusal {
  const wrapped = unwrap(value);
  if (!wrapped.ok) return wrapped;
  if (wrapped.envelope === null)
    return { ok: false, reason: 'expected an event in its envelope, got a message without payload' };
  const envelope = publishedEnvelope.safeParse(wrapped.envelope);
  if (!envelope.success) return { ok: false, reason: explain(envelope.error, wrapped.envelope) };
  const payload = publishedPayload.safeParse(wrapped.payload);
  if (!payload.success) return { ok: false, reason: explain(payload.error, wrapped.payload) };
  const event_type = publishedEventType(envelope.data.event_type);
  if (event_type === null)
    return { ok: false, reason: `event_type: unknown ${printable(envelope.data.event_type, 64)}` };
  const { envelope_id, metadata } = envelope.data;
  return {
    ok: true,
    event: {
      event_type,
      id: envelope_id,
      ...payload.data,
      payload: wrapped.payload,
      tags: metadata?.tags ?? {},
      ...instanceIn(headers),
      supersedes: supersededIn(headers),
    },
  };
}
