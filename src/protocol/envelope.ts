import { z } from 'zod';
import { explain } from './explain.js';
import { correlationId, uuidOrNull } from './fields.js';
import { decodeObject, describe, isObject, type JsonObject, type Refusal } from './json.js';
import { traceparent } from './trace.js';

/** The envelope around a payload, in both directions: field by field that of existing nodes. */

/** What is handed to Kafka. */
export interface OutgoingRecord {
  /** node_id: everything about one node stays in order. */
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: Buffer;
}

/** A payload, and what its envelope and its record need besides. */
export interface Contents {
  readonly message_id: string;
  readonly correlation_id: string | null;
  readonly event_type: string;
  readonly node_id: string;
  /** When it is really sent, ISO 8601. */
  readonly sent_at: string;
  /** The process that sends it, for source_tool and the header. */
  readonly source: string;
  readonly payload: JsonObject;
  /** Our additions, for metadata.tags. Default: none. */
  readonly tags?: Readonly<Record<string, string>>;
  /** More headers of the record. Default: none. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Fields repeated at the envelope's top level, for readers that look there. Default: none. */
  readonly top?: JsonObject;
}

const ONEX_VERSION = { major: 1, minor: 0, patch: 0, prerelease: null, build: null };
const ENVELOPE_VERSION = { major: 2, minor: 1, patch: 0, prerelease: null, build: null };

/** Puts a payload into its envelope, with the record's key and headers. */
export function wrap(contents: Contents): OutgoingRecord {
  const { message_id, correlation_id, event_type, node_id, sent_at, source, payload } = contents;
  const envelope = {
    ...contents.top,
    payload,
    envelope_id: message_id,
    envelope_timestamp: sent_at,
    correlation_id,
    source_tool: source,
    target_tool: null,
    metadata: {
      trace_id: null,
      span_id: null,
      parent_span_id: null,
      request_id: null,
      headers: {},
      tags: contents.tags ?? {},
    },
    security_context: null,
    event_type,
    payload_type: `Model${event_type}`,
    payload_schema_version: null,
    priority: 5,
    timeout_seconds: null,
    retry_count: 0,
    request_id: null,
    trace_id: null,
    span_id: null,
    onex_version: ONEX_VERSION,
    envelope_version: ENVELOPE_VERSION,
  };
  return {
    key: node_id,
    headers: {
      message_id,
      ...(correlation_id === null ? {} : { correlation_id }),
      event_type,
      source,
      timestamp: sent_at,
      traceparent: traceparent(correlation_id ?? message_id, message_id),
      ...contents.headers,
    },
    value: Buffer.from(JSON.stringify(envelope)),
  };
}

/** A message in either form: its payload, and its envelope, if it has one. */
export interface Opened {
  readonly payload: JsonObject;
  readonly envelope: JsonObject | null;
}

/** The same, with the ids that the envelope adds. */
export interface Unwrapped extends Opened {
  /** A lower-case UUID; null where there is none, or another kind of id. */
  readonly envelope_id: string | null;
  readonly correlation_id: string | null;
}

/**
 * The payload of either form. A message with a `payload` is an envelope (no bare message has that field); anything else
 * is bare.
 *
 * @param value the record's value; null where a producer sent a tombstone
 */
export function open(value: Buffer | null): ({ readonly ok: true } & Opened) | Refusal {
  const decoded = decodeObject(value);
  if (!decoded.ok) return decoded;
  const { json } = decoded;
  if (!Object.hasOwn(json, 'payload')) return { ok: true, payload: json, envelope: null };
  const { payload } = json;
  if (!isObject(payload)) return { ok: false, reason: `payload: expected object, got ${describe(payload)}` };
  return { ok: true, payload, envelope: json };
}

/** Unknown fields are tolerated on everything that is read: nodes are upgraded one by one. */
const idsSchema = z.object({ envelope_id: z.string().nullish(), correlation_id: correlationId.nullish() });

/** The payload of either form, and the ids of the envelope. */
export function unwrap(value: Buffer | null): ({ readonly ok: true } & Unwrapped) | Refusal {
  const opened = open(value);
  if (!opened.ok) return opened;
  const { envelope } = opened;
  if (envelope === null) return { ...opened, envelope_id: null, correlation_id: null };
  const ids = idsSchema.safeParse(envelope);
  if (!ids.success) return { ok: false, reason: explain(ids.error, envelope) };
  const { envelope_id, correlation_id } = ids.data;
  return { ...opened, envelope_id: uuidOrNull(envelope_id), correlation_id: correlation_id ?? null };
}
