import type { AskedBy } from './asked-by.js';
import type { RecordHeaders } from './instance.js';
import { printable } from './json.js';

/** A dead letter: a record that could not be used, and why. In its headers stands where it came from. */

/** Kinds of reasons: few, and named, for metrics. The reason itself is a sentence for a person. */
export const DEAD_LETTER_CODES = {
  undecodable: 'a batch of records that no Kafka client can read',
  not_json: 'no JSON object',
  invalid_field: 'a JSON object that is not the message of this topic',
  not_from_its_node: 'a message that is not signed by the node that it names (signing: enforce)',
  refused_by_temporal: 'a message that Temporal refuses',
  unexpected_error: 'a message whose handling failed, again and again, with an error that nobody expected',
  unpublishable_event: 'an event of the registrar that its own schema refuses: the contract is wrong',
} as const;

export type DeadLetterCode = keyof typeof DEAD_LETTER_CODES;

/** The record that could not be used. */
interface OriginalRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  /** Milliseconds since 1970, or whatever its sender said. */
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: RecordHeaders;
}

export interface DeadLetterToWrite {
  /** The event type and tags that the contract gives to dead letters. */
  readonly event_type: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly code: DeadLetterCode;
  readonly reason: string;
  /** The node that it was about, where that can be read. */
  readonly node_id: string | null;
  readonly record: OriginalRecord;
}

/** What Kafka gets. */
export interface WrittenDeadLetter {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: RecordHeaders;
}

const LONGEST_REASON = 2_000;
/** Of a topic, a node and an event type. */
const LONGEST_NAME = 249;
/** Before the name of a header that the original record had. */
const ORIGINAL_HEADER = 'original_header.';
/** On a record that is sent again: how often it has been. */
const REPLAYS = 'registrar-replays';

/** The whole original, byte for byte, and in the headers where it came from and why it is here. */
export function buildDeadLetter({
  event_type,
  tags,
  code,
  reason,
  node_id,
  record,
}: DeadLetterToWrite): WrittenDeadLetter {
  const { topic, partition, offset, timestamp, key, value, headers } = record;
  return {
    key,
    value,
    headers: {
      ...prefixed(headers),
      ...tags,
      event_type,
      code,
      reason: reason.slice(0, LONGEST_REASON),
      original_topic: topic,
      original_partition: String(partition),
      original_offset: offset,
      original_timestamp: timeText(timestamp),
      ...(node_id === null ? {} : { node_id }),
    },
  };
}

/** An event of the registrar's own that its schema refuses: it was in no topic yet, and its bytes are its JSON. */
export function buildUnpublishedEvent(
  { event_type, tags }: Pick<DeadLetterToWrite, 'event_type' | 'tags'>,
  event: { readonly node_id: string; readonly event_type: string; readonly topic: string },
  reason: string,
): WrittenDeadLetter {
  return {
    key: Buffer.from(event.node_id),
    value: Buffer.from(JSON.stringify(event)),
    headers: {
      ...tags,
      event_type,
      code: 'unpublishable_event' satisfies DeadLetterCode,
      reason: reason.slice(0, LONGEST_REASON),
      original_topic: event.topic,
      original_event_type: event.event_type,
      node_id: event.node_id,
    },
  };
}

function prefixed(headers: RecordHeaders): RecordHeaders {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [ORIGINAL_HEADER + name, value]));
}

/** A producer may send nanoseconds, which is a time that no Date holds. */
function timeText(timestamp: number): string {
  return isTime(timestamp) ? new Date(timestamp).toISOString() : String(timestamp);
}

function isTime(timestamp: number): boolean {
  return !Number.isNaN(new Date(timestamp).getTime());
}

/** Bytes of value and key that a broker with any usual limit takes. */
const HEAD = { value: 256 * 1024, key: 1024 } as const;

/**
 * Shorter letters of a record, for a broker that refuses the whole letter as too large. The first has the head of key
 * and value. The second has neither: where the record came from and why it was refused always fit.
 */
export function shorterDeadLetters(letter: DeadLetterToWrite): readonly WrittenDeadLetter[] {
  const { record } = letter;
  const short = { ...letter, reason: letter.reason.slice(0, 300) };
  const bytes = { cut_from_bytes: String(sizeOf(record)) };
  const head = buildDeadLetter({
    ...short,
    record: { ...record, key: headOf(record.key, HEAD.key), value: headOf(record.value, HEAD.value), headers: {} },
  });
  const nothing = buildDeadLetter({ ...short, tags: {}, record: { ...record, key: null, value: null, headers: {} } });
  return [head, nothing].map((one) => ({ ...one, headers: { ...one.headers, ...bytes } }));
}

function headOf(bytes: Buffer | null, length: number): Buffer | null {
  return bytes === null ? null : bytes.subarray(0, length);
}

interface Sized {
  readonly key: Buffer | string | null;
  readonly value: Buffer | null;
  readonly headers: RecordHeaders;
}

/** The bytes of a record, its headers included. */
export function sizeOf({ key, value, headers }: Sized): number {
  let size = (key?.length ?? 0) + (value?.length ?? 0);
  for (const [name, values] of Object.entries(headers))
    for (const one of Array.isArray(values) ? values : [values ?? '']) size += name.length + one.length + 4;
  return size;
}

/** A dead letter that was read. */
export interface DeadLetter {
  /** When it was written: milliseconds since 1970. */
  readonly at: number;
  /** null: from a registrar that wrote none yet. */
  readonly code: DeadLetterCode | null;
  readonly reason: string;
  readonly node_id: string | null;
  /** Where it was read; null where it is an event of the registrar, which never was in a topic. */
  readonly origin: Origin | null;
  /** The type of an event of the registrar's own; null for what was read from a topic. */
  readonly unpublished: string | null;
  /** How often its original had been replayed before. */
  readonly replays: number;
  /** The original had so many bytes, and only their head is here; null: it is whole. */
  readonly cut_from_bytes: number | null;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** Those of the original. */
  readonly headers: RecordHeaders;
}

interface Origin {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
}

/** Reads a record of the dead letters' topic, into which others may write too: what is shown is printable. */
export function readDeadLetter(record: Omit<OriginalRecord, 'topic' | 'partition' | 'offset'>): DeadLetter {
  const { headers, timestamp, key, value } = record;
  const code = textOf(headers.code);
  const cut = digitsOf(headers.cut_from_bytes) ?? digitsOf(headers.truncated_from_bytes);
  const original = originalHeaders(headers);
  return {
    at: isTime(timestamp) ? timestamp : 0,
    code: code !== null && Object.hasOwn(DEAD_LETTER_CODES, code) ? (code as DeadLetterCode) : null,
    reason: shownOf(headers.reason, LONGEST_REASON) ?? 'no reason given',
    node_id: shownOf(headers.node_id, LONGEST_NAME),
    origin: originOf(headers),
    unpublished: shownOf(headers.original_event_type, LONGEST_NAME),
    replays: Number(textOf(original[REPLAYS])) || 0,
    cut_from_bytes: cut === null ? null : Number(cut),
    key,
    value,
    headers: original,
  };
}

function originOf(headers: RecordHeaders): Origin | null {
  const topic = shownOf(headers.original_topic, LONGEST_NAME);
  const partition = digitsOf(headers.original_partition);
  const offset = digitsOf(headers.original_offset);
  return topic === null || partition === null || offset === null
    ? null
    : { topic, partition: Number(partition), offset };
}

function digitsOf(header: RecordHeaders[string]): string | null {
  const text = textOf(header);
  return text !== null && /^\d{1,19}$/.test(text) ? text : null;
}

function shownOf(header: RecordHeaders[string], maxLength: number): string | null {
  const text = textOf(header);
  return text === null ? null : printable(text, maxLength);
}

function originalHeaders(headers: RecordHeaders): RecordHeaders {
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => name.startsWith(ORIGINAL_HEADER))
      .map(([name, value]) => [name.slice(ORIGINAL_HEADER.length), value]),
  );
}

/** A header's first value as text. */
export function textOf(header: RecordHeaders[string]): string | null {
  const first = Array.isArray(header) ? header[0] : header;
  return first === undefined ? null : first.toString();
}

/** Whether a letter is about a node: it names it, or its bytes hold its id. */
export function isAbout({ node_id, value }: Pick<DeadLetter, 'node_id' | 'value'>, id: string): boolean {
  return node_id === id || value?.includes(JSON.stringify(id)) === true;
}

/** One that has failed so often will fail again: somebody must look at it. */
export const MOST_REPLAYS = 3;

/** Why a letter's original cannot be sent again, or should not; null where it can. */
export function whyNotReplayed(letter: DeadLetter): string | null {
  const { origin, unpublished, code, cut_from_bytes, replays } = letter;
  if (unpublished !== null) return 'an event of the registrar: correct the contract, then retry its node';
  if (origin === null) return 'where it comes from is not known';
  if (code === 'undecodable') return 'a batch whose bytes no client can read: its sender must send it again';
  if (cut_from_bytes !== null)
    return `only the head of its ${cut_from_bytes} bytes is here; ${whereFrom(letter)} may have it`;
  if (replays >= MOST_REPLAYS) return `replayed ${replays} times, and refused each time: correct what sends it`;
  return null;
}

/** The original again, as it was, and how often it has been sent again. */
export function buildReplay({
  key,
  value,
  headers,
  replays,
}: Pick<DeadLetter, 'key' | 'value' | 'headers' | 'replays'>) {
  return { key, value, headers: { ...headers, [REPLAYS]: String(replays + 1) } };
}

const REPLAYED = 'replayed_letter';

/** A record among the dead letters which says that a letter's original was sent again, by whom, and why. */
export function buildReplayed({ key }: Pick<DeadLetter, 'key'>, id: string, { who, why }: AskedBy): WrittenDeadLetter {
  const asked = { asked_by: who, ...(why === null ? {} : { why }) };
  return { key, value: null, headers: { event_type: 'DeadLetterReplayed', [REPLAYED]: id, ...asked } };
}

/** The letter whose original was sent again, if a record says that; null: it is a dead letter. */
export function replayedLetter({ headers, value }: Pick<OriginalRecord, 'headers' | 'value'>): string | null {
  return value === null && headers.code === undefined ? textOf(headers[REPLAYED]) : null;
}

/** Where a letter comes from, for people. */
export function whereFrom({ origin, unpublished }: Pick<DeadLetter, 'origin' | 'unpublished'>): string {
  if (origin !== null) return `${origin.topic}, partition ${origin.partition}, offset ${origin.offset}`;
  return unpublished === null ? 'an unknown place' : `the registrar itself, an event of type ${unpublished}`;
}
