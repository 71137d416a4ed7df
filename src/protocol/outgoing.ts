import { traceparent } from './trace.js';

/** What is handed to Kafka. */
export interface OutgoingRecord {
  /** node_id: everything about one node stays in order. */
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: Buffer;
}

export interface Letter {
  readonly message_id: string;
  readonly correlation_id: string | null;
  readonly event_type: string;
  readonly node_id: string;
  /** When it is really sent, ISO 8601. */
  readonly sent_at: string;
  /** The process that sends it. */
  readonly source: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly tags?: Readonly<Record<string, string>>;
  /** Fields repeated at the envelope's top level, for consumers that never look into the payload. */
  readonly top?: Readonly<Record<string, unknown>>;
}

const ONEX_VERSION = { major: 1, minor: 0, patch: 0, prerelease: null, build: null };
const ENVELOPE_VERSION = { major: 2, minor: 1, patch: 0, prerelease: null, build: null };

/**
 * Wraps a payload in the envelope that existing nodes send, field by field,
 * with the record's key and headers.
 */
export function seal(letter: Letter): OutgoingRecord {
  const { message_id, correlation_id, event_type, node_id, sent_at, source, payload } = letter;
  const envelope = {
    ...letter.top,
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
      tags: letter.tags ?? {},
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
    },
    value: Buffer.from(JSON.stringify(envelope)),
  };
}
