import { sign, verify, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { z } from 'zod';
import { textOf } from './dead-letter.js';
import type { OutgoingRecord } from './envelope.js';
import { explain } from './explain.js';
import { nodeId } from './fields.js';
import type { RecordHeaders } from './instance.js';
import { decodeObject, type JsonObject, type Refusal } from './json.js';
import { bytes32, jwkOf, keyObjectOf, nodeKey, nodeKeyOf, publicJwk, type NodeKey } from './node-key.js';

/**
 * A node's signature of a record: a JWS with detached content (RFC 7515, appendix F; EdDSA of RFC 8037) in a header,
 * over the exact bytes of the record's value. What a record says outside of its value, and counts, stands in the
 * protected header: whose it is, for which topic, of which process, and a number that only grows.
 */

/** Header of a signed record. */
export const SIGNATURE = 'node_signature';

/** Longer than any that has a handover (some 900 characters). */
const LONGEST = 4_096;

const protectedHeader = z.object({
  alg: z.literal('EdDSA'),
  kid: bytes32,
  // RFC 7515, section 4.1.11: extensions that must be understood. There are none.
  crit: z.never().optional(),
  node_id: nodeId,
  topic: z.string(),
  instance_id: z.string().optional(),
  number: z.int().positive(),
  jwk: publicJwk.optional(),
  handover: z.string().optional(),
});

/** What a signature says; nothing of it is verified yet. */
export interface Signature {
  /** Thumbprint of the key that is said to have signed. */
  readonly kid: string;
  readonly node_id: string;
  /** The topic that the record was sent to: in no other one it counts. */
  readonly topic: string;
  /** The process that sent it, where the record says so. */
  readonly instance_id?: string | undefined;
  /** Of this key, strictly growing: the node's own clock in microseconds, compared with itself only. */
  readonly number: number;
  /** The key itself, where it introduces itself. */
  readonly introduces: NodeKey | null;
  /** The key before it says that this one comes after it. */
  readonly handover: string | null;
  /** The protected header as it came, and the signature's bytes. */
  readonly head: string;
  readonly bytes: Buffer;
}

/** What a node's signature is made of. */
export interface ToSign {
  readonly topic: string;
  readonly instance_id: string;
  readonly number: number;
  readonly key: KeyObject;
  /** The message introduces the key: the registrar does not know it yet. */
  readonly introduces: boolean;
  /** The key before this one, while the registrar may know only that. */
  readonly previous?: KeyObject | undefined;
}

/** The same record, signed. */
export function signRecord(record: OutgoingRecord, toSign: ToSign): OutgoingRecord {
  const { topic, instance_id, number, key, introduces, previous } = toSign;
  const own = nodeKeyOf(key);
  const node_id = record.key;
  const head = encoded({
    alg: 'EdDSA',
    kid: own.thumbprint,
    node_id,
    topic,
    instance_id,
    number,
    ...(introduces ? { jwk: jwkOf(own) } : {}),
    ...(introduces && previous !== undefined ? { handover: handover(previous, node_id, own) } : {}),
  });
  const bytes = sign(null, signingInput(head, record.value), key);
  return { ...record, headers: { ...record.headers, [SIGNATURE]: `${head}..${bytes.toString('base64url')}` } };
}

/** What a record's signature says; null where it has none. */
export function readSignature(
  headers: RecordHeaders,
): { readonly ok: true; readonly signature: Signature } | Refusal | null {
  const text = textOf(headers[SIGNATURE]);
  if (text === null) return null;
  const [head = '', content, tail = '', ...more] = text.length > LONGEST ? [] : text.split('.');
  const bytes = base64url(tail);
  const json = base64url(head);
  if (content !== '' || more.length > 0 || bytes === null || json === null)
    return { ok: false, reason: 'it is no JWS with detached content ("header..signature", base64url)' };
  const decoded = decodeObject(json);
  if (!decoded.ok) return { ok: false, reason: `its protected header cannot be read: ${decoded.reason}` };
  const parsed = protectedHeader.safeParse(decoded.json);
  if (!parsed.success) return { ok: false, reason: `its protected header: ${explain(parsed.error, decoded.json)}` };
  const { kid, node_id, topic, instance_id, number, jwk, handover = null } = parsed.data;
  const introduces = jwk === undefined ? null : nodeKey(jwk.x);
  if (introduces !== null && introduces.thumbprint !== kid)
    return { ok: false, reason: 'its protected header: kid is not the thumbprint of jwk' };
  return { ok: true, signature: { kid, node_id, topic, instance_id, number, introduces, handover, head, bytes } };
}

/** Whether this key has signed exactly these bytes. It is worked out beside the event loop. */
export function isSignedBy({ head, bytes }: Signature, value: Buffer, key: NodeKey): Promise<boolean> {
  return isValid(signingInput(head, value), bytes, key);
}

const HANDOVER = 'node-key-handover';

const handoverContent = z.object({ node_id: nodeId, next: bytes32 });

/** The old key signs who comes after it, for one node: a JWS with its content. */
function handover(previous: KeyObject, node_id: string, next: NodeKey): string {
  const head = encoded({ alg: 'EdDSA', typ: HANDOVER, kid: nodeKeyOf(previous).thumbprint });
  const content = Buffer.from(JSON.stringify({ node_id, next: next.thumbprint }));
  const input = signingInput(head, content);
  return `${String(input)}.${sign(null, input, previous).toString('base64url')}`;
}

/** Whether a signature brings the word of the old key that its own key comes after it, for this node. */
export async function isHandedOver({ handover, node_id, kid }: Signature, previous: NodeKey): Promise<boolean> {
  const [head = '', middle = '', tail = '', ...more] = handover?.split('.') ?? [];
  const [json, content, bytes] = [head, middle, tail].map(base64url);
  if (!json || !content || !bytes || more.length > 0) return false;
  const [header, said] = [decodeObject(json), decodeObject(content)];
  if (!header.ok || !said.ok || header.json['typ'] !== HANDOVER || header.json['alg'] !== 'EdDSA') return false;
  const parsed = handoverContent.safeParse(said.json);
  if (!parsed.success || parsed.data.node_id !== node_id || parsed.data.next !== kid) return false;
  return isValid(signingInput(head, content), bytes, previous);
}

const verified = promisify<null, Buffer, KeyObject, Buffer, boolean>(verify);

function isValid(input: Buffer, bytes: Buffer, key: NodeKey): Promise<boolean> {
  return verified(null, input, keyObjectOf(key), bytes);
}

/** RFC 7515, section 5.1. */
function signingInput(head: string, content: Buffer): Buffer {
  return Buffer.from(`${head}.${content.toString('base64url')}`);
}

function encoded(header: JsonObject): string {
  return Buffer.from(JSON.stringify(header)).toString('base64url');
}

/** Bytes that are written in the only way that there is: another one would be another text of the same signature. */
function base64url(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64url');
  return text !== '' && bytes.toString('base64url') === text ? bytes : null;
}
