import type { IncomingRecord } from '../../kafka/consumer.js';
import { printable } from '../../protocol/json.js';
import type { NodeKey } from '../../protocol/node-key.js';
import { isHandedOver, isSignedBy, readSignature, SIGNATURE, type Signature } from '../../protocol/signature.js';
import type { BoundBy } from '../../registry/keys/bound-keys.js';
import type { NumberToKeep, Signatory, SignedNumber } from '../../registry/keys/signed-numbers.js';
import { fault, type SigningFault } from './faults.js';

/** Whose a message says that it is. */
export interface NodeMessage {
  readonly node_id: string;
  readonly instance_id?: string;
}

/** A record's signature, where it is one for this very message. Whether it is valid is another question. */
export function claimIn(
  record: Pick<IncomingRecord, 'headers' | 'topic'>,
  { node_id, instance_id }: NodeMessage,
): { readonly ok: true; readonly signature: Signature } | SigningFault {
  const read = readSignature(record.headers);
  if (read === null) return fault('unsigned', `it lacks the header ${SIGNATURE}`);
  if (!read.ok) return fault('malformed', read.reason);
  const { signature } = read;
  const differs = (what: string, said: string | undefined, is: string | undefined): SigningFault =>
    fault(
      'misplaced',
      `its ${what} is ${printable(is ?? 'none', 128)}, and that of the signature ${printable(said ?? 'none', 128)}`,
    );
  if (signature.node_id !== node_id) return differs('node_id', signature.node_id, node_id);
  if (signature.topic !== record.topic) return differs('topic', signature.topic, record.topic);
  if (signature.instance_id !== instance_id) return differs('instance_id', signature.instance_id, instance_id);
  return read;
}

/**
 * Whether a key has signed this before.
 *
 * @param newest the newest message of this kind that the key has signed for the node
 * @returns 'handled': Kafka delivers it again, or a producer has stored it twice; 'replayed': somebody sends an old one
 */
export function ageOf(
  { number }: Pick<Signature, 'number'>,
  { topic, partition, offset }: Pick<IncomingRecord, 'topic' | 'partition' | 'offset'>,
  newest: SignedNumber | null,
): 'new' | 'handled' | 'replayed' {
  if (newest === null || number > newest.number) return 'new';
  if (number === newest.number) return 'handled';
  // The messages of one node in one partition are handled in their order.
  const readBefore = topic === newest.topic && partition === newest.partition && Number(offset) <= newest.offset;
  return readBefore ? 'handled' : 'replayed';
}

/** What is known about who may speak for a node. */
export interface Speakers {
  readonly bound: NodeKey | null;
  /** The keys that the directory has for the node; null: there is no directory. */
  readonly listed: readonly NodeKey[] | null;
}

/** The key that a signature must be of, and how it comes to be bound; null: it need not be. */
interface Speaker {
  readonly ok: true;
  readonly key: NodeKey;
  readonly binds: BoundBy | null;
}

/**
 * The key that may have signed a message.
 *
 * @param isIntroduction only an introspection introduces a key
 */
export async function speakerOf(
  signature: Signature,
  isIntroduction: boolean,
  { bound, listed }: Speakers,
): Promise<Speaker | SigningFault> {
  const { kid, introduces } = signature;
  const isBound = bound?.thumbprint === kid;
  if (listed !== null) {
    const key = listed.find(({ thumbprint }) => thumbprint === kid);
    if (key === undefined) return fault('another_key', `the directory of keys does not hold key ${kid} for it`);
    return { ok: true, key, binds: isIntroduction && !isBound ? 'directory' : null };
  }
  if (bound !== null && isBound) return { ok: true, key: bound, binds: null };
  if (!isIntroduction || introduces === null)
    return bound === null
      ? fault('no_key', 'an introspection with the header’s jwk binds one')
      : fault('another_key', othersKey(kid, bound));
  if (bound === null) return { ok: true, key: introduces, binds: 'first message' };
  if (await isHandedOver(signature, bound)) return { ok: true, key: introduces, binds: 'handover' };
  return fault('another_key', othersKey(kid, bound));
}

function othersKey(kid: string, bound: NodeKey): string {
  return `key ${kid}, and key ${bound.thumbprint} is bound, which has not handed over to it`;
}

/** Who is said to have signed a message. */
export function signatoryOf(
  { message: { node_id } }: { readonly message: NodeMessage },
  { kid }: Signature,
): Signatory {
  return { node_id, thumbprint: kid };
}

/** A message that counts, as the newest of its key. */
export function numberOf(
  signatory: Signatory,
  { number }: Signature,
  { topic, partition, offset }: IncomingRecord,
): NumberToKeep {
  return { ...signatory, number, topic, partition, offset: Number(offset) };
}

/** The fault of an old message. */
export function replayed({ number }: Signature, newest: SignedNumber | null): SigningFault {
  return fault('replayed', `its number is ${number}, and that of the newest one is ${newest?.number ?? 0}`);
}

const NOTHING = Buffer.alloc(0);

/** The fault of a message that this key has not signed; null: it has. */
export async function wronglySigned(
  signature: Signature,
  { value }: Pick<IncomingRecord, 'value'>,
  key: NodeKey,
): Promise<SigningFault | null> {
  if (await isSignedBy(signature, value ?? NOTHING, key)) return null;
  return fault('wrong_signature', `key ${key.thumbprint} has signed something else`);
}
