import type { OutgoingRecord } from './envelope.js';

/**
 * Which process of a node a message is from. Existing readers forbid unknown fields in payloads, so it stands in the
 * record's headers: whoever does not know them is not disturbed.
 */

/** Header of all that a node of ours sends, and of the events about it: an id that each process has for itself. */
const INSTANCE = 'instance_id';
/** Header of an event: the correlation_ids of the registration attempts that came before its own. */
const SUPERSEDES = 'supersedes';

/** Headers of a record, as Kafka clients give them: a name may come more than once. */
export type RecordHeaders = Readonly<Record<string, Buffer | string | (Buffer | string)[] | undefined>>;

/** The same message, from this process. */
export function fromInstance(record: OutgoingRecord, instance_id: string): OutgoingRecord {
  return { ...record, headers: { ...record.headers, [INSTANCE]: instance_id } };
}

/** The process that a record is from, to be spread into a message: nothing where it does not say so readably. */
export function instanceIn(headers: RecordHeaders | undefined): { readonly instance_id?: string } {
  const instance_id = text(headers?.[INSTANCE]);
  return instance_id !== null && /^[\x21-\x7e]{1,128}$/.test(instance_id) ? { instance_id } : {};
}

/** Does a message of the second process say nothing about the first one? Unknown processes are taken for the same. */
export function isAnother(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && other !== undefined && one !== other;
}

/** Headers of an event about a node. */
export function eventHeaders(event: {
  readonly instance_id?: string;
  readonly supersedes?: readonly string[];
}): Readonly<Record<string, string>> {
  const { instance_id, supersedes = [] } = event;
  return {
    ...(instance_id === undefined ? {} : { [INSTANCE]: instance_id }),
    ...(supersedes.length === 0 ? {} : { [SUPERSEDES]: supersedes.join(' ') }),
  };
}

/** The correlation_ids of the registration attempts that came before the event's own. */
export function supersededIn(headers: RecordHeaders | undefined): readonly string[] {
  return text(headers?.[SUPERSEDES])?.split(' ') ?? [];
}

function text(value: RecordHeaders[string]): string | null {
  const first = Array.isArray(value) ? value[0] : value;
  return first === undefined ? null : String(first);
}
