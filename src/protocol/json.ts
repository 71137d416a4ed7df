/** Larger than any honest message of a node (they are some KB), far below what a broker takes. */
export const MAX_MESSAGE_BYTES = 256 * 1024;

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
    json = JSON.parse(utf8.decode(value));
  } catch (error) {
    return refuse(error instanceof SyntaxError ? `not JSON: ${error.message.slice(0, 200)}` : 'not UTF-8 text');
  }
  if (!isObject(json)) return refuse(`expected a JSON object, got ${describe(json)}`);
  if (isDeeperThan(json, MAX_DEPTH)) return refuse(`nested deeper than ${MAX_DEPTH} levels`);
  return { ok: true, json };
}

/** How a value is shown in a reason: short, one line, printable. */
export function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (isObject(value)) return 'an object';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
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
