import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { Encryption } from '../../../src/payloads/encryption.js';
import { readPayloadKeys } from '../../../src/payloads/keys.js';
import { assertProperty } from '../../run/properties.js';

const key = randomBytes(32);
const encryption = new Encryption({ current: 'a', keys: new Map([['a', key]]) });
const stored = (value: unknown): Promise<Payload[]> => encryption.encode([defaultPayloadConverter.toPayload(value)]);
const read = async (payloads: Payload[], codec = encryption): Promise<unknown> => {
  const [payload] = await codec.decode(payloads);
  return payload && defaultPayloadConverter.fromPayload(payload);
};

describe('what Temporal stores', () => {
  it('is read again, and shows nothing of what it was', async () => {
    await assertProperty(
      fc.asyncProperty(fc.jsonValue(), fc.stringMatching(/^[a-z]{12,40}$/), async (value, secret) => {
        const payloads = await stored({ value, secret });
        const bytes = payloads.flatMap(({ metadata, data }) => [...Object.values(metadata ?? {}), data ?? Buffer.of()]);
        expect(Buffer.concat(bytes).includes(secret)).toBe(false);
        expect(await read(payloads)).toEqual(JSON.parse(JSON.stringify({ value, secret })));
      }),
    );
  });

  it('is never the same twice', async () => {
    const [[one], [other]] = await Promise.all([stored('ann'), stored('ann')]);
    expect(one?.data).not.toEqual(other?.data);
  });

  it('is refused when any of its bytes was changed', async () => {
    const [payload] = await stored('ann');
    const data = payload?.data ?? expect.fail();
    for (let at = 0; at < data.length; at += 1) {
      const changed = Uint8Array.from(data);
      changed[at] = (changed[at] ?? 0) ^ 1;
      await expect(read([{ ...payload, data: changed }])).rejects.toThrow('was changed');
    }
    await expect(read([{ ...payload, data: data.subarray(0, 20) }])).rejects.toThrow('was changed');
  });

  it('of before there were keys is read as it is', async () => {
    expect(await read([defaultPayloadConverter.toPayload({ old: true })])).toEqual({ old: true });
  });

  it('with an older key is read as long as that key is in the file, and names it afterwards', async () => {
    const payloads = await stored('ann');
    const rotated = new Encryption({ current: 'b', keys: new Map(Object.entries({ a: key, b: randomBytes(32) })) });
    expect(await read(payloads, rotated)).toBe('ann');
    expect(Buffer.from((await rotated.encode(payloads))[0]?.metadata?.['encryption-key-id'] ?? '').toString()).toBe(
      'b',
    );
    const without = new Encryption({ current: 'b', keys: new Map([['b', randomBytes(32)]]) });
    await expect(read(payloads, without)).rejects.toThrow("the key 'a', which is not in the file");
  });
});

describe('the file of keys', () => {
  const directory = mkdtempSync(join(tmpdir(), 'payload-keys-'));
  afterEach(() => rmSync(directory, { recursive: true, force: true }));
  const secret = key.toString('base64');

  it('has ids with 32 bytes each, and the one that encrypts', () => {
    const file = join(directory, 'keys.yaml');
    writeFileSync(file, `current: new\nkeys:\n  new: ${secret}\n  old: ${Buffer.alloc(32).toString('base64')}\n`);
    const { current, keys } = readPayloadKeys(file);
    expect([current, keys.get('new'), [...keys.keys()]]).toEqual(['new', key, ['new', 'old']]);
  });

  it.each([
    ['nothing', 'it cannot be read: ENOENT', undefined],
    ['no YAML', 'it must be YAML', `current: "${secret}`],
    ['other words', 'it must be YAML', `keys: { a: ${secret} }`],
    ['a short key', "key 'a' has 24 bytes", `{ current: a, keys: { a: ${secret.slice(0, 32)} } }`],
    ['another current', "'current' names the key 'b'", `{ current: b, keys: { a: "${secret}" } }`],
  ])('with %s is refused, and no key is shown', (_, words, text) => {
    const fresh = mkdtempSync(join(tmpdir(), 'payload-keys-'));
    const file = join(fresh, 'keys.yaml');
    if (text !== undefined) writeFileSync(file, text);
    let error: unknown;
    try {
      readPayloadKeys(file);
    } catch (thrown) {
      error = thrown;
    }
    rmSync(fresh, { recursive: true });
    expect(String(error)).toContain(`REGISTRAR_PAYLOAD_KEYS: ${file}: ${words}`);
    expect(String(error)).not.toContain(secret.slice(0, 32));
  });
});
