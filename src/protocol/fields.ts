import { z } from 'zod';

/**
 * Fields that several messages share, as they are read: liberal in shape,
 * bounded in size, safe to store in PostgreSQL and Consul.
 */

/** The four kinds of nodes of the specification. */
export const NODE_TYPES = ['effect', 'reducer', 'orchestrator', 'compute'] as const;
export type NodeType = (typeof NODE_TYPES)[number];

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether a text has the form of a UUID, in either case and of any version. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** An id as a lower-case UUID, or null where it is none. Existing nodes read a causation_id as a UUID. */
export function uuidOrNull(id: string | null | undefined): string | null {
  return typeof id === 'string' && isUuid(id) ? id.toLowerCase() : null;
}

/** An upper-case and a lower-case UUID are the same id; any other id stays as it is. */
function canonicalId(text: string): string {
  return uuidOrNull(text) ?? text;
}

/** The node's id. It becomes part of a workflow id, a Consul service id and a URL: hence the few characters. */
export const nodeId = z
  .string()
  .regex(/^[A-Za-z0-9._:-]{1,128}$/, { error: '1 to 128 letters, digits or any of . _ : -' })
  .transform(canonicalId);

/** A UUID from existing nodes; anything printable without blanks from others. */
export const correlationId = z
  .string()
  .regex(/^[\x21-\x7e]{1,128}$/, { error: '1 to 128 printable ASCII characters without blanks' })
  .transform(canonicalId);

/** A node type in upper or lower case. */
export const nodeType = z.preprocess(lowerCase, z.enum(NODE_TYPES));

/**
 * ISO 8601 with a zone; Python sends microseconds and offsets. It is only ever
 * for people: the record's time counts.
 */
export const timestamp = z.iso.datetime({ offset: true, error: 'an ISO 8601 time with a zone' });

/** A text in lower case; anything else as it is, for a schema to refuse. */
export function lowerCase(value: unknown): unknown {
  return typeof value === 'string' ? value.toLowerCase() : value;
}

const UNPRINTABLE = /[\p{Cc}\p{Cs}]/u;

/** No control characters and no half of a surrogate pair: PostgreSQL stores neither NUL nor those. */
export function isPrintable(text: string): boolean {
  return !UNPRINTABLE.test(text);
}
