import { textOf } from '../../protocol/dead-letter.js';
import { decodeObject } from '../../protocol/json.js';
import type { PlacedLetter } from './read-letters.js';

/** Whether a person means this letter by an id: its own, its original's place, or its original's message id. */
export function isNamed({ id, origin, headers, value }: PlacedLetter, named: string): boolean {
  if (named === id || named === textOf(headers.message_id)) return true;
  if (origin !== null && named === `${origin.topic}-${origin.partition}-${origin.offset}`) return true;
  const decoded = decodeObject(value);
  return decoded.ok && [decoded.json.envelope_id, decoded.json.command_id].includes(named);
}
