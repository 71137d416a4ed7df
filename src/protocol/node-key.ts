import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { errorText } from '../error-text.js';

/** The key that speaks for a node: an Ed25519 key (RFC 8032), as a JSON Web Key of RFC 8037. */

/** The public half. */
export interface NodeKey {
  /** RFC 7638: SHA-256 of the JWK, 43 characters of base64url. People compare it, and it finds the key. */
  readonly thumbprint: string;
  /** The key itself, as the JWK has it: 43 characters of base64url. */
  readonly x: string;
}

/** 32 bytes as base64url, written in the only way that there is. */
export const bytes32 = z
  .string()
  .refine((text) => text.length === 43 && Buffer.from(text, 'base64url').toString('base64url') === text, {
    error: '32 bytes as base64url',
  });

export const publicJwk = z.object({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: bytes32 });

/** The JWK of a key, its members in the order in which RFC 7638 hashes them. */
export function jwkOf({ x }: Pick<NodeKey, 'x'>): z.infer<typeof publicJwk> & Readonly<Record<string, string>> {
  return { crv: 'Ed25519', kty: 'OKP', x };
}

/** @param x as the JWK has it */
export function nodeKey(x: string): NodeKey {
  return {
    x,
    thumbprint: createHash('sha256')
      .update(JSON.stringify(jwkOf({ x })))
      .digest('base64url'),
  };
}

/**
 * The public half of a key.
 *
 * @throws TypeError when it is no Ed25519 key
 */
export function nodeKeyOf(key: KeyObject): NodeKey {
  const { asymmetricKeyType: type } = key;
  if (type !== 'ed25519') throw new TypeError(`expected an Ed25519 key, got ${type ?? 'a secret key'}`);
  const { x } = (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'jwk' });
  return nodeKey(bytes32.parse(x));
}

/** What node:crypto verifies with. */
export function keyObjectOf(key: Pick<NodeKey, 'x'>): KeyObject {
  return createPublicKey({ key: jwkOf(key), format: 'jwk' });
}

/**
 * A node's own key, as whoever runs the node gives it.
 *
 * @param key a private key, or its PEM
 * @throws TypeError when it is no private Ed25519 key
 */
export function privateKeyOf(key: KeyObject | string): KeyObject {
  const made = typeof key === 'string' ? fromPem(key, createPrivateKey) : key;
  if (made.type !== 'private') throw new TypeError(`expected a private Ed25519 key, got a ${made.type} one`);
  nodeKeyOf(made);
  return made;
}

const PUBLIC_KEYS = /-----BEGIN PUBLIC KEY-----[^-]+-----END PUBLIC KEY-----/g;

/**
 * The public keys of a PEM file, which may hold several: while a node changes its key, both count.
 *
 * @throws TypeError when it holds none, or one of another kind
 */
export function publicKeysOf(pem: string): readonly NodeKey[] {
  const blocks = pem.match(PUBLIC_KEYS) ?? [];
  if (blocks.length === 0) throw new TypeError('it holds no public key (-----BEGIN PUBLIC KEY-----)');
  return blocks.map((block) => nodeKeyOf(fromPem(block, createPublicKey)));
}

function fromPem(pem: string, create: (pem: string) => KeyObject): KeyObject {
  try {
    return create(pem);
  } catch (error) {
    // The text of the error never holds the key.
    throw new TypeError(`it is no PEM of a key (${errorText(error)})`);
  }
}
