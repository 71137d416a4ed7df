import type { z } from 'zod';
import { capabilityFields } from './capabilities.js';
import { endpointFields } from './endpoints.js';
import { explain } from './explain.js';
import { derivedId } from './ids.js';
import { unwrap, uuidOrNull, type RecordPlace, type Refusal, type Unwrapped } from './incoming.js';
import type { Ack, Heartbeat, Introspection } from './messages.js';
import { ackSchema } from './schemas/ack.js';
import { heartbeatSchema } from './schemas/heartbeat.js';
import { introspectionSchema } from './schemas/introspection.js';

export type { RecordPlace, Refusal } from './incoming.js';

/**
 * The edge: from the bytes of a record to the one normal form, or to a reason
 * that its sender can act on. Never throws.
 */
export type Parsed<T> = { readonly ok: true; readonly message: T } | Refusal;

/**
 * A node introducing itself, in the specification's shape or an existing node's.
 *
 * @param value the record's value
 * @param record where it was read, and its time
 */
export function parseIntrospection(value: Buffer | null, record: RecordPlace): Parsed<Introspection> {
  const schemas = { fields: introspectionSchema, endpoints: endpointFields, capabilities: capabilityFields };
  return parsed(value, record, schemas, ({ fields, endpoints, capabilities }, wrapped, at) => {
    const fallback = derivedId(record.topic, record.partition, record.offset);
    return {
      ok: true,
      message: {
        message_id: wrapped.envelope_id ?? fallback,
        correlation_id: fields.correlation_id ?? wrapped.correlation_id ?? fallback,
        node_id: fields.node_id,
        node_type: fields.node_type,
        node_version: fields.node_version,
        endpoints,
        capabilities,
        reason: fields.reason,
        epoch: fields.epoch ?? null,
        at,
      },
    };
  });
}

/**
 * A node acknowledging that it was accepted. Without a correlation_id it
 * could answer any attempt, so that is refused.
 *
 * @param value the record's value
 * @param record where it was read, and its time
 */
export function parseAck(value: Buffer | null, record: RecordPlace): Parsed<Ack> {
  return parsed(value, record, { fields: ackSchema }, ({ fields }, wrapped, at) => {
    const correlation_id = fields.correlation_id ?? wrapped.correlation_id;
    if (correlation_id === null)
      return { ok: false, reason: 'correlation_id: expected the one of the registration, got nothing' };
    const message_id =
      uuidOrNull(fields.command_id) ?? wrapped.envelope_id ?? derivedId(record.topic, record.partition, record.offset);
    return { ok: true, message: { message_id, node_id: fields.node_id, correlation_id, at } };
  });
}

/**
 * A node saying that it lives.
 *
 * @param value the record's value
 * @param record where it was read, and its time
 */
export function parseHeartbeat(value: Buffer | null, record: RecordPlace): Parsed<Heartbeat> {
  return parsed(value, record, { fields: heartbeatSchema }, ({ fields: { node_id, node_type } }, _wrapped, at) => ({
    ok: true,
    message: { node_id, node_type, at },
  }));
}

type Schemas = Readonly<Record<string, z.ZodType>>;
type Outputs<S extends Schemas> = { readonly [name in keyof S]: z.output<S[name]> };

/** Checks a payload against every schema, so that a refusal names every bad field at once. */
function parsed<S extends Schemas, T>(
  value: Buffer | null,
  record: RecordPlace,
  schemas: S,
  normalise: (data: Outputs<S>, wrapped: Unwrapped, at: string) => Parsed<T>,
): Parsed<T> {
  const wrapped = unwrap(value);
  if (!wrapped.ok) return wrapped;
  const at = isoTime(record.timestamp);
  if (at === null) return { ok: false, reason: `the record has no usable time (${record.timestamp})` };
  const reasons: string[] = [];
  const data: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(schemas)) {
    const result = schema.safeParse(wrapped.payload);
    if (result.success) data[name] = result.data;
    else reasons.push(explain(result.error, wrapped.payload));
  }
  return reasons.length > 0 ? { ok: false, reason: reasons.join('; ') } : normalise(data as Outputs<S>, wrapped, at);
}

/** The last moment that is written with four digits for the year, so that times compare as strings. */
const LAST = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

function isoTime(milliseconds: number): string | null {
  return Number.isFinite(milliseconds) && milliseconds >= 0 && milliseconds <= LAST
    ? new Date(milliseconds).toISOString()
    : null;
}
