import { z } from 'zod';
import { flagsOf } from './capability-flags.js';
import { correlationId, nodeId, timestamp } from './fields.js';
import { explain } from './explain.js';
import { unwrap, type Refusal } from './incoming.js';
import type { JsonObject } from './json.js';
import type { OutgoingEvent } from './messages.js';
import { seal, type OutgoingRecord } from './outgoing.js';
import { publishedEventType, publishedSchemas, type PublishedEventType } from './schemas/published.js';

export type { OutgoingRecord } from './outgoing.js';
export { PUBLISHED_EVENT_TYPES, publishedEventType, type PublishedEventType } from './schemas/published.js';

export interface Sending {
  /** The moment of the send: `emitted_at`, and from where stamped deadlines count. */
  readonly sentAt: Date;
  /** The process that sends, for the envelope's source_tool and the header. */
  readonly source: string;
}

/**
 * An event of ours as the record that goes to Kafka. Throws where the event
 * does not fit its type's schema: that is a mistake of ours, not a node's.
 *
 * `entity_id`, `node_id` and `correlation_id` stand at the envelope's top level
 * too: existing nodes look for them there, and send no ack without entity_id.
 */
export function buildEnvelope(event: OutgoingEvent, { sentAt, source }: Sending): OutgoingRecord {
  const type = publishedEventType(event.event_type);
  if (type === null)
    throw new TypeError(`unknown event type ${event.event_type}: no schema says what nodes would understand`);
  const { node_id, correlation_id } = event;
  const sent_at = sentAt.toISOString();
  const identity = { entity_id: node_id, node_id, correlation_id };
  const payload = {
    ...identity,
    causation_id: event.causation_id,
    emitted_at: sent_at,
    ...forNodes(event.payload),
    ...stamped(event.stamps, sentAt),
  };
  const checked = publishedSchemas[type].safeParse(payload);
  if (!checked.success)
    throw new TypeError(`${type} of ${node_id} does not fit its schema: ${explain(checked.error, payload)}`);
  // The one node that is asked finds itself at the top level; without it, every existing node would answer.
  const top = type === 'RequestIntrospection' ? { ...identity, target_node_id: node_id } : identity;
  return seal({
    message_id: event.id,
    correlation_id,
    event_type: type,
    node_id,
    sent_at,
    source,
    payload,
    tags: event.tags,
    top,
  });
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
}

/** Tolerant where the sender is strict: an older node must understand a newer registrar. */
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
 */
export function parsePublished(value: Buffer | null): { readonly ok: true; readonly event: PublishedEvent } | Refusal {
  const wrapped = unwrap(value);
  if (!wrapped.ok) return wrapped;
  if (wrapped.envelope === null)
    return { ok: false, reason: 'expected an event in its envelope, got a message without payload' };
  const envelope = publishedEnvelope.safeParse(wrapped.envelope);
  if (!envelope.success) return { ok: false, reason: explain(envelope.error, wrapped.envelope) };
  const payload = publishedPayload.safeParse(wrapped.payload);
  if (!payload.success) return { ok: false, reason: explain(payload.error, wrapped.payload) };
  const event_type = publishedEventType(envelope.data.event_type);
  if (event_type === null) return { ok: false, reason: `event_type: unknown ${envelope.data.event_type.slice(0, 64)}` };
  const { envelope_id, metadata } = envelope.data;
  return {
    ok: true,
    event: { event_type, id: envelope_id, ...payload.data, payload: wrapped.payload, tags: metadata?.tags ?? {} },
  };
}
