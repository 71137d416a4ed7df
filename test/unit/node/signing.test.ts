import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { RecordToSend } from '../../../src/kafka/index.js';
import { nodeKeyOf } from '../../../src/protocol/node-key.js';
import { isHandedOver, isSignedBy, readSignature, type Signature } from '../../../src/protocol/signature.js';
import { newKey } from '../protocol/signing.js';
import { activeNode, nodeOn, seconds, settle, Wire } from './node-harness.js';

let wire: Wire;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
  wire = new Wire();
});
afterEach(() => {
  vi.useRealTimers();
});

const key = newKey();

function signatureOf({ headers, topic }: RecordToSend): Signature {
  const read = readSignature(headers);
  if (read?.ok !== true) throw new Error(`on ${topic}: ${read?.reason ?? 'no signature'}`);
  return read.signature;
}

/** A node that has sent everything that a node sends. */
async function wholeLife(options: Parameters<typeof activeNode>[1]) {
  const { node } = await activeNode(wire, options);
  await seconds(20);
  const draining = node.drain();
  await settle();
  wire.publish('NodeDraining', node);
  await draining;
  await node.stop();
  return node;
}

describe('a node with a key', () => {
  test('signs everything that it sends, with numbers that only grow, and introduces its key', async () => {
    const node = await wholeLife({ signingKey: key });
    const signatures = wire.sent.map(signatureOf);
    expect(new Set(wire.sent.map(({ topic }) => topic)).size).toBe(4);
    for (const [index, { value, topic }] of wire.sent.entries()) {
      const signature = signatures[index];
      expect(signature).toMatchObject({ node_id: node.node_id, topic, instance_id: node.instance_id });
      expect(signature && (await isSignedBy(signature, value ?? Buffer.alloc(0), nodeKeyOf(key)))).toBe(true);
      expect(signature?.introduces ?? null).toEqual(topic.includes('introspection') ? nodeKeyOf(key) : null);
    }
    const numbers = signatures.map(({ number }) => number);
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
    expect(numbers[0]).toBeGreaterThanOrEqual(1_000 * (Date.now() - 60_000));
  });

  test('whose clock is set back goes on with greater numbers', async () => {
    await activeNode(wire, { signingKey: key });
    vi.setSystemTime(Date.now() - 3_600_000);
    await seconds(30);
    const numbers = wire.sent.map((record) => signatureOf(record).number);
    expect(numbers.length).toBeGreaterThan(3);
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
  });

  test('may be given it as PEM, and hands over from the one before', async () => {
    const previous = newKey();
    const pem = (of: typeof key) => of.export({ type: 'pkcs8', format: 'pem' }).toString();
    await activeNode(wire, { signingKey: pem(key), previousSigningKey: pem(previous) });
    const [introduction, ack] = wire.sent.map(signatureOf);
    expect(introduction && (await isHandedOver(introduction, nodeKeyOf(previous)))).toBe(true);
    expect(ack?.handover).toBeNull();
  });

  test('that is none is refused at once, with the option and what makes a key', () => {
    expect(() => nodeOn(wire, { node_id: 'a', signingKey: 'nonsense' })).toThrow(
      /^node a cannot sign with its signingKey: it is no PEM of a key .*'openssl genpkey -algorithm ed25519' makes one$/,
    );
    expect(() => nodeOn(wire, { node_id: 'a', previousSigningKey: key })).toThrow(
      'node a has a previousSigningKey, and no signingKey that it could hand over to',
    );
  });
});

test('a node without a key signs nothing', async () => {
  await wholeLife({});
  expect(wire.sent.map(({ headers }) => readSignature(headers))).toEqual(wire.sent.map(() => null));
});
