import { z } from 'zod';
import { correlationId, nodeId, timestamp } from '../fields.js';

/**
 * Payloads that we publish, one schema per event type. Strict: existing nodes
 * forbid unknown fields, so a field too many makes them deaf to the event.
 * Additions of ours belong into the tags.
 */
const common = {
  entity_id: nodeId,
  node_id: nodeId,
  correlation_id: correlationId,
  causation_id: z.uuid(),
  emitted_at: timestamp,
};

/** Values of the specification's registration states, as existing nodes write them. */
const registrationState = z.string().regex(/^[a-z_]{1,64}$/, { error: 'a registration state in lower case' });

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
  RequestIntrospection: z.strictObject({ ...common, target_node_id: nodeId }),
} as const;

export type PublishedEventType = keyof typeof publishedSchemas;

/** Every event type that may be published; a contract that names another one is refused at load. */
export const PUBLISHED_EVENT_TYPES = Object.keys(publishedSchemas) as readonly PublishedEventType[];

/** Model names of the specification ("ModelNodeBecameActive") and plain ones mean the same event. */
export function publishedEventType(name: string): PublishedEventType | null {
  const plain = name.replace(/^Model(?=[A-Z])/, '');
  return PUBLISHED_EVENT_TYPES.find((type) => type === plain) ?? null;
}
