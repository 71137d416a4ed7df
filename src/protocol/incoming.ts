import { z } from 'zod';
import { correlationId, isUuid } from './fields.js';
import { explain } from './explain.js';
import { decodeObject, isObject, type JsonObject } from './json.js';

/** What Kafka itself knows about a record. */
export interface RecordPlace {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  /** The record's time in milliseconds since 1970 (LogAppendTime). */
  readonly timestamp: number;
}

/** A message in either form: its payload, and what its envelope (if it has one) adds. */
export interface Unwrapped {
  readonly payload: JsonObject;
  readonly envelope: JsonObject | null;
  readonly envelope_id: string | null;
  readonly correlation_id: string | null;
}

export type Refusal = { readonly ok: false; readonly reason: string };

/** Unknown fields are tolerated on everything that is read: nodes are upgraded one by one. */
const envelopeSchema = z.object({
  payload: z.custom<JsonObject>(isObject, { error: 'object' }),
  envelope_id: z.string().nullish(),
  correlation_id: correlationId.nullish(),
});

/**
 * Takes the payload out of either form. A message with a `payload` is an
 * envelope (no bare message has that field); anything else is bare.
 *
 * @param value the record's value
 */
export function unwrap(value: Buffer | null): ({ readonly ok: true } & Unwrapped) | Refusal {
  const decoded = decodeObject(value);
  if (!decoded.ok) return decoded;
  const { json } = decoded;
  if (!Object.hasOwn(json, 'payload'))
    return { ok: true, payload: json, envelope: null, envelope_id: null, correlation_id: null };
  const envelope = envelopeSchema.safeParse(json);
  if (!envelope.success) return { ok: false, reason: explain(envelope.error, json) };
  const { payload, envelope_id, correlation_id } = envelope.data;
  return {
    ok: true,
    payload,
    envelope: json,
    envelope_id: uuidOrNull(envelope_id),
    correlation_id: correlation_id ?? null,
  };
}

/** Ids that we pass on as a causation_id must be UUIDs: existing nodes read it as one. */
export function uuidOrNull(id: string | null | undefined): string | null {
  return typeof id === 'string' && isUuid(id) ? id.toLowerCase() : null;
}
