import type { KeyObject } from 'node:crypto';
import { errorText } from '../error-text.js';
import type { OutgoingRecord } from '../protocol/envelope.js';
import { privateKeyOf } from '../protocol/node-key.js';
import { signRecord } from '../protocol/signature.js';
import { NodeError } from './errors.js';
import type { SentMessage } from './node-topics.js';
import type { NodeKeys } from './options.js';

/** Signs what a node sends. */
class Signer {
  readonly #key: KeyObject;
  readonly #previous: KeyObject | undefined;
  #number = 0;

  constructor(key: KeyObject, previous: KeyObject | undefined) {
    this.#key = key;
    this.#previous = previous;
  }

  /** The same message, signed as the newest of its node: messages are sent in the order in which they are signed. */
  sign(kind: SentMessage, topic: string, instance_id: string, record: OutgoingRecord): OutgoingRecord {
    // A clock that is set back while the node runs does not make its numbers smaller.
    this.#number = Math.max(this.#number + 1, Date.now() * 1_000);
    return signRecord(record, {
      topic,
      instance_id,
      number: this.#number,
      key: this.#key,
      previous: this.#previous,
      introduces: kind === 'introspection',
    });
  }
}

/**
 * What a node signs with; null where it is given no key.
 *
 * @throws NodeError that names the option which is no private Ed25519 key
 */
export function signerOf(node_id: string, { signingKey, previousSigningKey }: NodeKeys): Signer | null {
  const read = (name: string, key: KeyObject | string): KeyObject => {
    try {
      return privateKeyOf(key);
    } catch (error) {
      const make = 'openssl genpkey -algorithm ed25519';
      throw new NodeError(node_id, `cannot sign with its ${name}: ${errorText(error)}. '${make}' makes one`, {
        cause: error,
      });
    }
  };
  if (signingKey === undefined) {
    if (previousSigningKey === undefined) return null;
    throw new NodeError(node_id, 'has a previousSigningKey, and no signingKey that it could hand over to');
  }
  const previous = previousSigningKey === undefined ? undefined : read('previousSigningKey', previousSigningKey);
  return new Signer(read('signingKey', signingKey), previous);
}
