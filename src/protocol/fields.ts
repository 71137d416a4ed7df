import { z } from 'zod';
import { NODE_TYPES, REASONS } from './messages.js';

/** Fields that several messages share, as they are read: liberal in shape, bounded in size, safe to store. */

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** An upper-case and a lower-case UUID are the same id; any other id is what it is. */
function canonicalId(text: string): string {
  return isUuid(text) ? text.toLowerCase() : text;
}

/** It becomes part of a workflow id, a Consul service id and a URL: hence the few characters. */
export const nodeId = z
  .string()
  .regex(/^[A-Za-z0-9._:-]{1,128}$/, { error: '1 to 128 letters, digits or any of . _ : -' })
  .transform(canonicalId);

/** A UUID from existing nodes; anything printable without blanks from others. */
export const correlationId = z
  .string()
  .regex(/^[\x21-\x7e]{1,128}$/, { error: '1 to 128 printable ASCII characters without blanks' })
  .transform(canonicalId);

export const nodeType = z.preprocess(lowerCase, z.enum(NODE_TYPES));

export const reason = z.preprocess((value) => lowerCase(value ?? 'startup'), z.enum(REASONS));

/** ISO 8601 with a zone; Python sends microseconds and offsets. Only ever for people: the record's time counts. */
export const timestamp = z.iso.datetime({ offset: true, error: 'an ISO 8601 time with a zone' });

export const text = z.string().max(1024);

const SEMVER = /^v?(\d{1,9}\.\d{1,9}\.\d{1,9}(?:-[0-9A-Za-z.-]{1,64})?(?:\+[0-9A-Za-z.-]{1,64})?)$/;
const part = z.int().min(0).max(999_999_999);
/** One text, or the list of its identifiers as existing nodes have it: "rc.1" or ["rc", 1]. */
const label = z
  .union([z.string(), z.array(z.union([z.string(), z.int().min(0)])).transform((identifiers) => identifiers.join('.'))])
  .pipe(z.string().regex(/^[0-9A-Za-z.-]{0,64}$/))
  .nullish();
const versionParts = z.object({ major: part, minor: part, patch: part, prerelease: label, build: label });

/** "1.2.3" from a string or from Python's object of parts; "0.0.0" from nothing. */
export const nodeVersion = z
  .unknown()
  .optional()
  .transform((value, context): string => {
    if (value === undefined || value === null) return '0.0.0';
    if (typeof value === 'string') {
      const version = SEMVER.exec(value)?.[1];
      if (version !== undefined) return version;
    }
    const parts = versionParts.safeParse(value);
    if (parts.success) {
      const { major, minor, patch, prerelease, build } = parts.data;
      return `${major}.${minor}.${patch}${prerelease ? `-${prerelease}` : ''}${build ? `+${build}` : ''}`;
    }
    context.addIssue({
      code: 'custom',
      message: 'a semantic version such as 1.2.3, or an object of major, minor and patch',
    });
    return z.NEVER;
  });

function lowerCase(value: unknown): unknown {
  return typeof value === 'string' ? value.toLowerCase() : value;
}

const UNPRINTABLE = /[\p{Cc}\p{Cs}]/u;

/** No control characters and no half of a surrogate pair: PostgreSQL stores neither NUL nor those. */
export function isPrintable(text: string): boolean {
  return !UNPRINTABLE.test(text);
}
