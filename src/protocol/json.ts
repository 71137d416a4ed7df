/** Larger than any honest message of a node (they are some KB), far below what a broker takes. */
const MAX_MESSAGE_BYTES = 256 * 1024;

/** Deeper than any honest message; keeps whatever walks over a message off the end of the stack. */
const MAX_DEPTH = 24;

export type JsonObject = Readonly<Record<string, unknown>>;

/** Why something could not be read, in a sentence for whoever sent it. */
export type Refusal = { readonly ok: false; readonly reason: string };

export type Decoded = { readonly ok: true; readonly json: JsonObject } | Refusal;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Whether a value is a JSON object, and neither a list nor null. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The bytes of a record as a JSON object, or the reason why they are none.
 *
 * @param value the record's value; null where a producer sent a tombstone
 */
export function decodeObject(value: Buffer | null): Decoded {
  if (value === null || value.length === 0) return refuse('the message is empty');
  if (value.length > MAX_MESSAGE_BYTES)
    return refuse(`the message has ${value.length} bytes, the limit is ${MAX_MESSAGE_BYTES}`);
  let json: unknown;
  try {
    json = parse(utf8.decode(value));
  } catch (error) {
    return refuse(error instanceof SyntaxError ? `not JSON: ${printable(error.message, 200)}` : 'not UTF-8 text');
  }
  if (!isObject(json)) return refuse(`expected a JSON object, got ${describe(json)}`);
  if (isDeeperThan(json, MAX_DEPTH)) return refuse(`nested deeper than ${MAX_DEPTH} levels`);
  return { ok: true, json };
}

/** Strings as they are, and the numbers that Python writes and JSON has not. The last quotation mark may be missing. */
const STRING_OR_NO_NUMBER = /"(?:[^"\\]|\\[^])*"?|-?\b(?:NaN|Infinity)\b/g;

/** Python's json writes NaN and Infinity where a measure has no value: they are read as null. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return JSON.parse(text.replace(STRING_OR_NO_NUMBER, (found) => (found.startsWith('"') ? found : 'null')));
  }
}

/** How a value is shown in a reason: short, one line, printable. */
export function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (isObject(value)) return 'an object';
  return printable(JSON.stringify(value), 60);
}

/**
 * A text from outside as part of a reason: one line, printable, and cut where
 * it is too long.
 *
 * @param maxLength in UTF-16 code units, before control characters are escaped
 */
export function printable(text: string, maxLength: number): string {
  const short = text.length > maxLength ? `${text.slice(0, maxLength - 1)}…` : text;
  return short.replace(/[\p{Cc}\p{Cs}]/gu, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  for (const inner of Object.values(value)) if (isDeeperThan(inner, levels - 1)) return true;
  return false;
}

function refuse(reason: string): Refusal {
  return { ok: false, reason };
}
