import type { z } from 'zod';
import { unwrap, type Opened, type Unwrapped } from './envelope.js';
import { explain } from './explain.js';
import { derivedId } from './ids.js';
import type { RecordHeaders } from './instance.js';
import type { Refusal } from './json.js';

/**
 * The edge: from the bytes of a record to the one normal form, or to a reason
 * that its sender can act on. Nothing behind the edge sees any other form.
 *
 * Times in the normal form are ISO 8601 in UTC with milliseconds
 * ("2026-01-31T12:00:00.000Z"), so that they read well in Temporal's web UI
 * and compare as strings.
 */

/** What Kafka itself knows about a record. */
export interface RecordPlace {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  /** The record's time in milliseconds since 1970 (LogAppendTime). */
  readonly timestamp: number;
  readonly headers?: RecordHeaders;
}

/** A message in its normal form, or why there is none. */
export type Parsed<T> = { readonly ok: true; readonly message: T } | Refusal;

type Schemas = Readonly<Record<string, z.ZodType>>;
type Outputs<S extends Schemas> = { readonly [name in keyof S]: z.output<S[name]> };

/**
 * Checks a record's payload against every schema, so that a refusal names
 * every bad field at once, and makes the normal form of what they found.
 *
 * @param value the record's value
 * @param record where it was read, and its time
 * @param schemas each sees the whole payload
 * @param normalise makes the normal form; `at` is the record's time
 */
export function parseRecord<S extends Schemas, T>(
  value: Buffer | null,
  record: RecordPlace,
  schemas: S,
  normalise: (data: Outputs<S>, wrapped: Unwrapped, at: string) => Parsed<T>,
): Parsed<T> {
  return parsePayload(unwrap(value), record, schemas, normalise);
}

/** The same for a message that is opened already. */
export function parsePayload<S extends Schemas, T, Message extends Opened>(
  opened: ({ readonly ok: true } & Message) | Refusal,
  record: RecordPlace,
  schemas: S,
  normalise: (data: Outputs<S>, opened: Message, at: string) => Parsed<T>,
): Parsed<T> {
  if (!opened.ok) return opened;
  const at = isoTime(record.timestamp);
  if (at === null) return { ok: false, reason: `the record has no usable time (${record.timestamp})` };
  const reasons: string[] = [];
  const data: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(schemas)) {
    const result = schema.safeParse(opened.payload);
    if (result.success) data[name] = result.data;
    else reasons.push(explain(result.error, opened.payload));
  }
  return reasons.length > 0 ? { ok: false, reason: reasons.join('; ') } : normalise(data as Outputs<S>, opened, at);
}

/** The id of a message that brings none: always the same for the same record. */
export function idOfRecord({ topic, partition, offset }: RecordPlace): string {
  return derivedId(topic, partition, offset);
}

/** The last moment that is written with four digits for the year, so that times compare as strings. */
const LAST = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

function isoTime(milliseconds: number): string | null {
  return Number.isFinite(milliseconds) && milliseconds >= 0 && milliseconds <= LAST
    ? new Date(milliseconds).toISOString()
    : null;
}
