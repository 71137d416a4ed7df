import { isUuid } from './fields.js';
import { derivedId } from './ids.js';

/**
 * W3C traceparent of a message: version, trace, span, sampled.
 *
 * The trace id is the correlation_id's own 128 bits and the span id comes from
 * the message's id. So all messages about one registration, of whichever
 * process and after whatever restart, fall into one trace, and whoever knows
 * the correlation_id can find it. Nobody has to carry a context.
 */
export function traceparent(correlation_id: string, message_id: string): string {
  return `00-${hex(correlation_id)}-${hex(message_id).slice(0, 16)}-01`;
}

/** The 32 hex digits of a traceparent that say which trace it is. */
export function traceIdIn(traceparent: string): string {
  return traceparent.slice(3, 35);
}

/** Version 00 of the W3C's "Trace Context"; ids of zeros are none. */
const W3C = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/**
 * The traceparent of a message that came: its header, or what follows from its ids where there is none that the
 * standard knows.
 */
export function traceparentOf(header: string | undefined, correlation_id: string, message_id: string): string {
  return header !== undefined && W3C.test(header) ? header : traceparent(correlation_id, message_id);
}

/** 32 hex digits, never all zero, which the standard forbids. */
function hex(id: string): string {
  const uuid = isUuid(id) && !id.startsWith('00000000-0000-0000') ? id : derivedId('trace', id);
  return uuid.replaceAll('-', '').toLowerCase();
}
