import { createPublicKey, createSecretKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildAck } from '../../../src/protocol/ack.js';
import { nodeKey, nodeKeyOf, privateKeyOf, publicKeysOf } from '../../../src/protocol/node-key.js';
import { isHandedOver, isSignedBy, readSignature, SIGNATURE, type Signature } from '../../../src/protocol/signature.js';
import { assertProperty } from '../../run/properties.js';
import { newKey, signed } from './signing.js';

const key = newKey();
const ack = buildAck({ node_id: 'mailer-1', correlation_id: 'c-1' }, new Date('2026-01-31T12:00:00.000Z'));
const record = signed(ack, key, 7, { introduces: true });
const text = record.headers[SIGNATURE] ?? '';

function read(header: string): Signature {
  const found = readSignature({ [SIGNATURE]: Buffer.from(header) });
  if (found?.ok !== true) throw new Error(found?.reason ?? 'no signature');
  return found.signature;
}

const base64 = (words: string): string => Buffer.from(words).toString('base64url');

/** A protected header with other members, signed by nobody. */
const header = (change: object): string => {
  const [head = ''] = text.split('.');
  const json = JSON.parse(Buffer.from(head, 'base64url').toString()) as object;
  return `${Buffer.from(JSON.stringify({ ...json, ...change })).toString('base64url')}..${text.split('..')[1]}`;
};

describe('a key', () => {
  it('has the thumbprint of RFC 8037, appendix A.3', () => {
    expect(nodeKey('11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo').thumbprint).toBe(
      'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
    );
  });

  it('is read from PEM, where a file may hold several', () => {
    const pem = (of = newKey()) => createPublicKey(of).export({ type: 'spki', format: 'pem' }).toString();
    expect(publicKeysOf(`a comment\n${pem(key)}\n${pem()}`)[0]).toEqual(nodeKeyOf(key));
    expect(publicKeysOf(pem() + pem())).toHaveLength(2);
    const own = privateKeyOf(key.export({ type: 'pkcs8', format: 'pem' }).toString());
    expect(nodeKeyOf(own)).toEqual(nodeKeyOf(key));
  });

  it('of another kind, a public one where a private one is needed, and what is no key are refused in words', () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    expect(() => privateKeyOf(privateKey)).toThrow('expected an Ed25519 key, got rsa');
    expect(() => privateKeyOf(createPublicKey(key))).toThrow('expected a private Ed25519 key, got a public one');
    expect(() => nodeKeyOf(createSecretKey(Buffer.from('secret')))).toThrow(
      'expected an Ed25519 key, got a secret key',
    );
    expect(nodeKeyOf(createPublicKey(key))).toEqual(nodeKeyOf(key));
    expect(() => privateKeyOf('nonsense')).toThrow('it is no PEM of a key');
    expect(() => publicKeysOf('nonsense')).toThrow('it holds no public key');
    expect(() => publicKeysOf(publicKey.export({ type: 'spki', format: 'pem' }).toString())).toThrow('got rsa');
  });
});

describe("a node's signature", () => {
  it('says whose it is, for which topic and process, with which number, and introduces its key', async () => {
    const signature = read(text);
    const { thumbprint } = nodeKeyOf(key);
    expect(signature).toMatchObject({
      kid: thumbprint,
      node_id: 'mailer-1',
      topic: 't',
      instance_id: 'p-1',
      number: 7,
    });
    expect(signature.introduces).toEqual(nodeKeyOf(key));
    expect(await isSignedBy(signature, record.value, nodeKeyOf(key))).toBe(true);
    expect(await isSignedBy(signature, record.value, nodeKeyOf(newKey()))).toBe(false);
  });

  it('is a JWS with detached content of RFC 7515, appendix F: anybody can verify it', () => {
    const [head = '', tail = ''] = text.split('..');
    const input = Buffer.from(`${head}.${record.value.toString('base64url')}`);
    expect(verify(null, input, createPublicKey(key), Buffer.from(tail, 'base64url'))).toBe(true);
  });

  it('leaves the value and the other headers as they are', () => {
    const { [SIGNATURE]: _, instance_id, ...headers } = record.headers;
    expect({ value: record.value, headers, instance_id }).toEqual({ ...ack, key: undefined, instance_id: 'p-1' });
  });

  it('notices any changed byte of the value', async () => {
    const signature = read(text);
    const place = fc.nat(record.value.length - 1);
    await assertProperty(
      fc.asyncProperty(place, fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const value = Buffer.from(record.value);
        value.writeUInt8(value.readUInt8(at) ^ change, at);
        expect(await isSignedBy(signature, value, nodeKeyOf(key))).toBe(false);
      }),
    );
  });

  it('notices any changed, added or missing character of its own', async () => {
    const character = fc.constantFrom(...'ABCXYZabcxyz0189-_.=+ ');
    const edit = fc.record({ at: fc.nat(text.length), cut: fc.nat(2), put: fc.array(character, { maxLength: 2 }) });
    await assertProperty(
      fc.asyncProperty(edit, async ({ at, cut, put }) => {
        const changed = text.slice(0, at) + put.join('') + text.slice(at + cut);
        fc.pre(changed !== text && changed !== '');
        const found = readSignature({ [SIGNATURE]: changed });
        if (found === null || !found.ok) return;
        expect(await isSignedBy(found.signature, record.value, nodeKeyOf(key))).toBe(false);
      }),
    );
  });

  it('is of no record that has none', () => {
    expect(SIGNATURE).toBe('node_signature');
    expect(readSignature({})).toBeNull();
  });

  it('may be as long as the longest that is read, and no longer', () => {
    const long = (length: number) => `${text.split('..')[0]}..${'A'.repeat(length - text.indexOf('..') - 2)}`;
    expect(readSignature({ [SIGNATURE]: long(4_096) })).toMatchObject({ ok: true });
    expect(readSignature({ [SIGNATURE]: long(4_100) })).toMatchObject({ ok: false });
  });

  it('counts in one way of writing only: the bits of its last character that hold nothing are zero', () => {
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const other = `${text.slice(0, -1)}${letters[letters.indexOf(text.at(-1) ?? '') + 1]}`;
    const bytesOf = (written: string): Buffer => Buffer.from(written.split('..')[1] ?? '', 'base64url');
    expect(bytesOf(other)).toEqual(bytesOf(text));
    expect(readSignature({ [SIGNATURE]: other })).toMatchObject({ ok: false });
  });

  it('without its key introduces none', () => {
    expect(read(signed(ack, key, 7).headers[SIGNATURE] ?? '').introduces).toBeNull();
  });

  it.each([
    ['nonsense', 'it is no JWS with detached content'],
    [`${text.split('..')[0]}.e30.${text.split('..')[1]}`, 'it is no JWS with detached content'],
    ['e30..AAAA', 'its protected header: alg: expected'],
    [header({ alg: 'none' }), 'its protected header: alg: expected'],
    [header({ alg: 'HS256' }), 'its protected header: alg: expected'],
    [header({ crit: ['b64'] }), 'its protected header: crit: expected'],
    [header({ number: 1.5 }), 'its protected header: number: expected'],
    [header({ number: -1 }), 'its protected header: number: expected'],
    [header({ kid: nodeKeyOf(newKey()).thumbprint }), 'kid is not the thumbprint of jwk'],
    ['A'.repeat(5_000), 'it is no JWS with detached content'],
    [`${text}.e30`, 'it is no JWS with detached content'],
    ['..', 'it is no JWS with detached content'],
    ['e30..', 'it is no JWS with detached content'],
    ['..AAAA', 'it is no JWS with detached content'],
    ['_w..AAAA', 'its protected header cannot be read: '],
    [header({ kid: 'short' }), 'its protected header: kid: expected 32 bytes as base64url'],
    [header({ kid: 'A'.repeat(44) }), 'its protected header: kid: expected 32 bytes as base64url'],
    [header({ kid: `${'A'.repeat(42)}B` }), 'its protected header: kid: expected 32 bytes as base64url'],
  ])('that is none is refused in words: %.20s', (changed, reason) => {
    expect(readSignature({ [SIGNATURE]: changed })).toEqual({
      ok: false,
      reason: expect.stringContaining(reason) as string,
    });
  });
});

describe('a handover', () => {
  const next = newKey();
  const rotated = (previous = key, node_id = 'mailer-1') =>
    read(signed({ ...ack, key: node_id }, next, 8, { introduces: true, previous }).headers[SIGNATURE] ?? '');

  it("is the old key's word that this key comes after it", async () => {
    expect(await isHandedOver(rotated(), nodeKeyOf(key))).toBe(true);
    expect(await isHandedOver(rotated(newKey()), nodeKeyOf(key))).toBe(false);
    expect(await isHandedOver(read(text), nodeKeyOf(key))).toBe(false);
  });

  it('says what it is, so that nothing else is taken for one', () => {
    const [head = ''] = rotated().handover?.split('.') ?? [];
    expect(JSON.parse(Buffer.from(head, 'base64url').toString())).toEqual({
      alg: 'EdDSA',
      typ: 'node-key-handover',
      kid: nodeKeyOf(key).thumbprint,
    });
  });

  it('is for one node, and for one key', async () => {
    const { handover } = rotated();
    expect(await isHandedOver({ ...rotated(key, 'mailer-2'), handover }, nodeKeyOf(key))).toBe(false);
    const others = { ...rotated(), kid: nodeKeyOf(newKey()).thumbprint };
    expect(await isHandedOver(others, nodeKeyOf(key))).toBe(false);
  });

  it.each<[string, (parts: readonly [string, string, string]) => string]>([
    ['is nothing', () => ''],
    ['has a part too few', ([head, content]) => `${head}.${content}`],
    ['has a part too many', ([head, content, bytes]) => `${head}.${content}.${bytes}.${bytes}`],
    ['has an empty header', ([, content, bytes]) => `.${content}.${bytes}`],
    ['has no content', ([head, , bytes]) => `${head}..${bytes}`],
    ['has no signature', ([head, content]) => `${head}.${content}.`],
    ['has a header that is no object', ([, content, bytes]) => `${base64('1')}.${content}.${bytes}`],
    ['has content that is no object', ([head, , bytes]) => `${head}.${base64('1')}.${bytes}`],
    ['has content of another form', ([head, , bytes]) => `${head}.${base64('{}')}.${bytes}`],
  ])('that %s is none', async (_, change) => {
    const [head = '', content = '', bytes = ''] = rotated().handover?.split('.') ?? [];
    expect(await isHandedOver({ ...rotated(), handover: change([head, content, bytes]) }, nodeKeyOf(key))).toBe(false);
  });

  it.each([{ typ: 'JWT' }, { alg: 'none' }, { typ: undefined }])(
    'is refused with another header, though the old key has signed it: %j',
    async (change) => {
      const [head = '', content = ''] = rotated().handover?.split('.') ?? [];
      const json = JSON.parse(Buffer.from(head, 'base64url').toString()) as object;
      const input = `${base64(JSON.stringify({ ...json, ...change }))}.${content}`;
      const handover = `${input}.${sign(null, Buffer.from(input), key).toString('base64url')}`;
      expect(await isHandedOver({ ...rotated(), handover }, nodeKeyOf(key))).toBe(false);
    },
  );

  it('cannot be made of a signed message, nor a message of it', async () => {
    const [head = '', tail = ''] = text.split('..');
    const message = `${head}.${record.value.toString('base64url')}.${tail}`;
    expect(await isHandedOver({ ...rotated(), handover: message }, nodeKeyOf(key))).toBe(false);
    const [start = '', , end = ''] = rotated().handover?.split('.') ?? [];
    expect(readSignature({ [SIGNATURE]: `${start}..${end}` })).toMatchObject({ ok: false });
  });
});
