import { describe, expect, it } from 'vitest';
import {
  ageOf,
  claimIn,
  numberOf,
  replayed,
  signatoryOf,
  speakerOf,
  wronglySigned,
} from '../../../../src/bridge/signing/claim.js';
import { nodeKeyOf } from '../../../../src/protocol/node-key.js';
import type { Signature, ToSign } from '../../../../src/protocol/signature.js';
import { asRead, newKey, signed } from '../../protocol/signing.js';
import { messageOf } from './world.js';

const [own, next, another] = [newKey(), newKey(), newKey()];
const [ownKey, nextKey, anotherKey] = [own, next, another].map(nodeKeyOf) as [NodeKey, NodeKey, NodeKey];
type NodeKey = ReturnType<typeof nodeKeyOf>;

const ack = messageOf.ack('a');
const record = (more: Partial<Omit<ToSign, 'key' | 'number'>> = {}, key = own) => asRead(signed(ack, key, 7, more), 9);

function signature(more: Partial<Omit<ToSign, 'key' | 'number'>> = {}, key = own): Signature {
  const claim = claimIn(record(more, key), { node_id: 'a', instance_id: more.instance_id ?? 'p-1' });
  if (!claim.ok) throw new Error(claim.reason);
  return claim.signature;
}

describe('a signature', () => {
  it('is for its very node, topic and process, and each other one is named beside it', () => {
    expect(claimIn(record(), { node_id: 'a', instance_id: 'p-1' })).toMatchObject({
      ok: true,
      signature: { number: 7 },
    });
    const reasons = [
      claimIn(record(), { node_id: 'b', instance_id: 'p-1' }),
      claimIn(record({ topic: 'another' }), { node_id: 'a', instance_id: 'p-1' }),
      claimIn(record(), { node_id: 'a', instance_id: 'p-2' }),
      claimIn(record(), { node_id: 'a' }),
      claimIn({ topic: 't', headers: {} }, { node_id: 'a' }),
    ].map((claim) => (claim.ok ? null : claim.reason));
    const elsewhere = 'its signature is for another node, topic or process: ';
    expect(reasons).toEqual([
      `${elsewhere}its node_id is b, and that of the signature a`,
      `${elsewhere}its topic is t, and that of the signature another`,
      `${elsewhere}its instance_id is p-2, and that of the signature p-1`,
      `${elsewhere}its instance_id is none, and that of the signature p-1`,
      'it has no signature: it lacks the header node_signature',
    ]);
  });

  it('counts for the bytes that its key has signed, and for no others', async () => {
    const { value } = record();
    expect(await wronglySigned(signature(), { value }, ownKey)).toBeNull();
    for (const bytes of [Buffer.from('{}'), null])
      expect(await wronglySigned(signature(), { value: bytes }, ownKey)).toEqual({
        ok: false,
        fault: 'wrong_signature',
        reason: `its key has not signed these bytes: key ${ownKey.thumbprint} has signed something else`,
      });
  });

  it('is kept as the newest of its key, with the place of its record', () => {
    const signatory = signatoryOf({ message: { node_id: 'a' } }, signature());
    expect(signatory).toEqual({ node_id: 'a', thumbprint: ownKey.thumbprint });
    expect(numberOf(signatory, signature(), record())).toEqual({
      ...signatory,
      number: 7,
      topic: 't',
      partition: 0,
      offset: 9,
    });
  });
});

describe('the age of a message', () => {
  const place = { topic: 't', partition: 0, offset: '9' };
  const newest = { number: 7, topic: 't', partition: 0, offset: 9 };

  it.each([
    ['is new where its key has signed nothing before', 1, null, 'new'],
    ['is new above the newest number', 8, newest, 'new'],
    ['was handled with the newest number, wherever it stands', 7, { ...newest, topic: 'u', offset: 1 }, 'handled'],
    ['was handled below it, where its partition was read further', 6, { ...newest, offset: 10 }, 'handled'],
    ['was handled below it, at the very place', 6, newest, 'handled'],
    ['is replayed below it, behind the newest one', 6, { ...newest, offset: 8 }, 'replayed'],
    ['is replayed below it, in another partition', 6, { ...newest, partition: 1, offset: 10 }, 'replayed'],
    ['is replayed below it, in another topic', 6, { ...newest, topic: 'u', offset: 10 }, 'replayed'],
  ] as const)('%s', (_, number, known, age) => {
    expect(ageOf({ number }, place, known)).toBe(age);
  });

  it('of a replayed one is said with both numbers', () => {
    const words = 'its key has signed a newer message of this kind: its number is ';
    expect(replayed(signature(), { ...newest, number: 12 }).reason).toBe(`${words}7, and that of the newest one is 12`);
    expect(replayed(signature(), null).reason).toBe(`${words}7, and that of the newest one is 0`);
  });
});

describe('who may speak for a node', () => {
  const introduced = signature({ introduces: true });
  const handedOver = signature({ introduces: true, previous: own }, next);
  const none = { bound: null, listed: null };
  const others = (kid: NodeKey, bound: NodeKey): string =>
    `it is signed by a key that does not speak for its node: key ${kid.thumbprint}, and key ${bound.thumbprint} ` +
    'is bound, which has not handed over to it';

  it.each([
    ['the bound key', signature(), false, { bound: ownKey, listed: null }, ownKey, null],
    ['the bound key, when it introduces itself again', introduced, true, { bound: ownKey, listed: null }, ownKey, null],
    ['the first key that introduces itself', introduced, true, none, ownKey, 'first message'],
    [
      'the key that the bound one hands over to',
      handedOver,
      true,
      { bound: ownKey, listed: null },
      nextKey,
      'handover',
    ],
    ['a key of the directory', signature(), false, { bound: null, listed: [anotherKey, ownKey] }, ownKey, null],
    [
      'a key of the directory, bound by its introduction',
      introduced,
      true,
      { bound: anotherKey, listed: [ownKey] },
      ownKey,
      'directory',
    ],
    [
      'a key of the directory that is bound already',
      introduced,
      true,
      { bound: ownKey, listed: [ownKey] },
      ownKey,
      null,
    ],
  ] as const)('is %s', async (_, claimed, isIntroduction, speakers, key, binds) => {
    expect(await speakerOf(claimed, isIntroduction, speakers)).toEqual({ ok: true, key, binds });
  });

  it.each([
    [
      'a key that the directory does not hold, though it is bound',
      signature(),
      false,
      { bound: ownKey, listed: [anotherKey] },
      'it is signed by a key that does not speak for its node: the directory of keys does not hold key ' +
        `${ownKey.thumbprint} for it`,
    ],
    [
      'a key that no introspection has brought',
      signature(),
      false,
      none,
      'no key speaks for its node yet, and it introduces none: an introspection with the header’s jwk binds one',
    ],
    [
      'a key that another message than an introspection brings',
      introduced,
      false,
      none,
      'no key speaks for its node yet, and it introduces none: an introspection with the header’s jwk binds one',
    ],
    [
      'a key that an introspection only names',
      signature(),
      true,
      none,
      'no key speaks for its node yet, and it introduces none: an introspection with the header’s jwk binds one',
    ],
    [
      'another key than the bound one',
      signature({}, another),
      true,
      { bound: ownKey, listed: null },
      others(anotherKey, ownKey),
    ],
    [
      'another key that introduces itself without a handover',
      signature({ introduces: true }, another),
      true,
      { bound: ownKey, listed: null },
      others(anotherKey, ownKey),
    ],
    [
      'a key that a third one has handed over to',
      signature({ introduces: true, previous: another }, next),
      true,
      { bound: ownKey, listed: null },
      others(nextKey, ownKey),
    ],
  ] as const)('is not %s', async (_, claimed, isIntroduction, speakers, reason) => {
    expect(await speakerOf(claimed, isIntroduction, speakers)).toMatchObject({ ok: false, reason });
  });
});
