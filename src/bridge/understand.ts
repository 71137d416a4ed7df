import { errorText } from '../error-text.js';
import type { IncomingRecord } from '../kafka/consumer.js';
import type { DeadLetterCode } from '../protocol/dead-letter.js';
import type { Parsed } from '../protocol/incoming.js';
import { decodeObject } from '../protocol/json.js';

/** A record's message, or why it has none that can be used. */
export type Understood<Message> =
  | { readonly ok: true; readonly message: Message }
  | { readonly ok: false; readonly code: DeadLetterCode; readonly reason: string };

/**
 * Reads one record. Whatever goes wrong with it, a mistake of ours included, is that record's alone.
 *
 * @param parse reads this record's value
 */
export function understand<Message>(record: IncomingRecord, parse: () => Parsed<Message>): Understood<Message> {
  if (record.undecodable !== undefined) return { ok: false, code: 'undecodable', reason: record.undecodable };
  try {
    const parsed = parse();
    if (parsed.ok) return parsed;
    const code = decodeObject(record.value).ok ? 'invalid_field' : 'not_json';
    return { ok: false, code, reason: parsed.reason };
  } catch (error) {
    return { ok: false, code: 'unexpected_error', reason: `reading it failed: ${errorText(error)}` };
  }
}
