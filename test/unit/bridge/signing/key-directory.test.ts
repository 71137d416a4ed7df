import { createPublicKey } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { KeyDirectory, openKeyDirectory } from '../../../../src/bridge/signing/key-directory.js';
import { nodeKeyOf } from '../../../../src/protocol/node-key.js';
import { temporaryFolder } from '../../../run/temporary-folder.js';
import { asRead, newKey, signed } from '../../protocol/signing.js';
import { recorder } from '../support.js';
import { messageOf, signingWorld } from './world.js';

const [own, next] = [newKey(), newKey()];
const pem = (...keys: readonly (typeof own)[]) =>
  keys.map((key) => createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString()).join('');

async function directoryOf(files: Readonly<Record<string, string>>) {
  const path = temporaryFolder('keys');
  const { logger, lines, entries } = recorder();
  const directory = new KeyDirectory(path, logger);
  const write = async (more: Readonly<Record<string, string>>): Promise<void> => {
    for (const [name, text] of Object.entries(more)) writeFileSync(join(path, name), text);
    await directory.read();
  };
  await write(files);
  return { path, directory, lines, entries, write };
}

describe('a directory of keys', () => {
  it('has the keys of each node in its file, and what was changed, added or taken away at the next look', async () => {
    const { path, directory, write, lines } = await directoryOf({ 'a.pem': pem(own), 'README.md': 'keys of nodes' });
    mkdirSync(join(path, 'old'));
    expect([directory.keysOf('a'), directory.keysOf('b')]).toEqual([[nodeKeyOf(own)], []]);
    await write({ 'a.pem': pem(own, next), 'b.pem': pem(next) });
    expect([directory.keysOf('a').length, directory.keysOf('b').length]).toEqual([2, 1]);
    rmSync(join(path, 'a.pem'));
    await write({});
    expect(directory.keysOf('a')).toEqual([]);
    expect(lines).toEqual([]);
  });

  it('is read again where a file has changed, and only there', async () => {
    const { directory, write } = await directoryOf({ 'a.pem': pem(own), 'b.pem': pem(own) });
    const [a, b] = [directory.keysOf('a'), directory.keysOf('b')];
    await write({ 'a.pem': pem(own, next) });
    expect(directory.keysOf('b')).toBe(b);
    expect(directory.keysOf('a')).not.toBe(a);
  });

  it('knows a node whose id is a UUID in capitals', async () => {
    const id = '0B5B3A1C-9D5E-4F0B-8F5C-0123456789AB';
    const { directory } = await directoryOf({ [`${id}.pem`]: pem(own) });
    expect(directory.keysOf(id.toLowerCase())).toHaveLength(1);
  });

  it('logs a file that cannot be used once, and its node has no key', async () => {
    const { directory, lines, entries, write } = await directoryOf({ 'a.pem': 'nonsense', 'b.pem': pem(own) });
    await write({});
    expect([directory.keysOf('a'), directory.keysOf('b').length]).toEqual([[], 1]);
    expect(lines).toEqual([expect.stringMatching(/a\.pem cannot be used: correct it, or node a is refused$/)]);
    expect(entries).toMatchObject([{ node_id: 'a', reason: expect.stringMatching(/./) as string }]);
  });

  it('that is not there ends the start of a bridge in words; with signing off nobody looks', async () => {
    const { logger } = recorder();
    const keys_directory = join(temporaryFolder('keys'), 'nothing');
    await expect(openKeyDirectory({ mode: 'warn', keys_directory }, logger)).rejects.toMatchObject({
      message: expect.stringMatching(
        "^the directory of nodes' keys, .*nothing, cannot be read: create it, or correct signing.keys_directory " +
          "in the orchestrator's contract \\(ENOENT",
      ) as string,
      cause: { code: 'ENOENT' },
    });
    expect(await openKeyDirectory({ mode: 'off', keys_directory }, logger)).toBeNull();
    expect(await openKeyDirectory({ mode: 'enforce', keys_directory: null }, logger)).toBeNull();
  });

  it('decides who speaks: no key is bound that it does not hold, and one that it holds needs no handover', async () => {
    const { directory, write } = await directoryOf({ 'a.pem': pem(own) });
    const world = signingWorld('enforce', directory);
    const introduce = (key: typeof own, number: number) =>
      world.read(
        'introspection',
        asRead(signed(messageOf.introspection('a'), key, number, { introduces: true }), number),
      );
    await introduce(next, 1);
    expect([world.effects(), world.faults()]).toEqual([0, { 'introspections another_key': 1 }]);
    await introduce(own, 2);
    await write({ 'a.pem': pem(next) });
    await introduce(next, 3);
    expect(world.effects()).toBe(2);
    expect(world.registry.keys.get('a')).toMatchObject({ thumbprint: nodeKeyOf(next).thumbprint, by: 'directory' });
    await world.read('ack', asRead(signed(messageOf.ack('a'), own, 4), 4));
    expect([world.effects(), world.faults()]).toEqual([2, { 'introspections another_key': 1, 'acks another_key': 1 }]);
  });
});
