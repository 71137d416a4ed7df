import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { METADATA_ENCODING_KEY, type Payload, type PayloadCodec } from '@temporalio/common';
import proto from '@temporalio/proto';
import type { PayloadKeys } from './keys.js';

const { Payload: Message } = proto.temporal.api.common.v1;

/** The words that Temporal's own samples use, so that other tools recognise what they see. */
const ENCRYPTED = 'binary/encrypted';
const KEY_ID = 'encryption-key-id';

const CIPHER = 'aes-256-gcm';
/** Bytes of the nonce and of the tag that NIST SP 800-38D recommends (sections 8.2 and 5.2.1.2). */
const NONCE = 12;
const TAG = 16;

/**
 * Encrypts what Temporal stores with AES-256-GCM. A payload becomes nonce, tag and ciphertext; the id of its key stands
 * beside it in the open, and is authenticated. What was stored before there were keys is read as it is.
 *
 * A key may encrypt 2^32 payloads, since nonces are random (NIST SP 800-38D, section 8.3).
 */
export class Encryption implements PayloadCodec {
  readonly #keys: PayloadKeys;

  constructor(keys: PayloadKeys) {
    this.#keys = keys;
  }

  encode(payloads: Payload[]): Promise<Payload[]> {
    const { current, keys } = this.#keys;
    const key = keys.get(current) as Buffer;
    return Promise.resolve(payloads.map((payload) => encrypted(payload, current, key)));
  }

  /** @throws Error that names the key which is missing, or says that a payload was changed */
  decode(payloads: Payload[]): Promise<Payload[]> {
    // What is thrown in here is a rejection.
    return new Promise((resolve) => resolve(payloads.map((payload) => this.#decoded(payload))));
  }

  #decoded(payload: Payload): Payload {
    if (textOf(payload, METADATA_ENCODING_KEY) !== ENCRYPTED) return payload;
    const id = textOf(payload, KEY_ID);
    const key = this.#keys.keys.get(id);
    if (key === undefined)
      throw new Error(
        `a payload was encrypted with the key '${id}', which is not in the file of REGISTRAR_PAYLOAD_KEYS: put it ` +
          'back; a key is needed until no history has anything of it',
      );
    return decrypted(payload, id, key);
  }
}

function encrypted(payload: Payload, id: string, key: Buffer): Payload {
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv(CIPHER, key, nonce).setAAD(Buffer.from(id));
  const ciphertext = [cipher.update(Message.encode(payload).finish()), cipher.final()];
  return {
    metadata: { [METADATA_ENCODING_KEY]: Buffer.from(ENCRYPTED), [KEY_ID]: Buffer.from(id) },
    data: Buffer.concat([nonce, cipher.getAuthTag(), ...ciphertext]),
  };
}

function decrypted({ data }: Payload, id: string, key: Buffer): Payload {
  const bytes = data ?? new Uint8Array();
  try {
    const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE), { authTagLength: TAG });
    decipher.setAAD(Buffer.from(id)).setAuthTag(bytes.subarray(NONCE, NONCE + TAG));
    return Message.decode(Buffer.concat([decipher.update(bytes.subarray(NONCE + TAG)), decipher.final()]));
  } catch (error) {
    throw new Error(`a payload that the key '${id}' should decrypt was changed, or the key is another one`, {
      cause: error,
    });
  }
}

function textOf({ metadata }: Payload, name: string): string {
  return Buffer.from(metadata?.[name] ?? []).toString('utf8');
}
