import { describe, expect, it } from 'vitest';
import { asRead, newKey, signed } from '../../protocol/signing.js';
import { messageOf, signingWorld } from './world.js';

const own = newKey();
const beat = (node_id: string, number: number, offset: number, instance_id = 'p-1') =>
  asRead(signed(messageOf.heartbeat(node_id), own, number, { instance_id }), offset);

async function registered(mode: 'warn' | 'enforce') {
  const world = signingWorld(mode);
  for (const node_id of ['a', 'b'])
    await world.read(
      'introspection',
      asRead(signed(messageOf.introspection(node_id), own, 1, { introduces: true }), 1),
    );
  return world;
}

describe('a batch of signed heartbeats', () => {
  it('renews the lease of each node, and keeps its newest number with the place of its record', async () => {
    const world = await registered('enforce');
    await world.read('heartbeat', beat('a', 10, 1), beat('b', 10, 2), beat('a', 11, 3));
    expect(world.registry.renewed).toEqual([['a', 'b']]);
    const kept = [...world.registry.numbers].filter(([place]) => place.endsWith('heartbeats'));
    expect(kept.map(([, { number, offset }]) => [number, offset])).toEqual([
      [11, 3],
      [10, 2],
    ]);
  });

  it('counts an older one where the newest is not valid, and none that comes after the newest in its order', async () => {
    const world = await registered('enforce');
    const forged = { ...beat('a', 12, 3), value: messageOf.heartbeat('a').value };
    await world.read('heartbeat', beat('a', 10, 1), beat('a', 11, 2), forged);
    expect(world.registry.renewed).toEqual([['a']]);
    expect(world.faults()).toEqual({ 'heartbeats wrong_signature': 1 });
    await world.read('heartbeat', beat('a', 9, 4));
    expect(world.registry.renewed).toEqual([['a']]);
    expect(world.faults()).toEqual({ 'heartbeats wrong_signature': 1, 'heartbeats replayed': 1 });
  });

  it('counts two processes that share a key, each by its newest, and keeps the higher number', async () => {
    const world = await registered('enforce');
    await world.read('heartbeat', beat('a', 11, 1, 'p-1'), beat('a', 10, 2, 'p-2'));
    expect(world.registry.renewed).toEqual([['a', 'a']]);
    const [number] = [...world.registry.numbers].flatMap(([place, kept]) =>
      place.endsWith('heartbeats') ? [kept] : [],
    );
    expect(number).toMatchObject({ number: 11, offset: 1 });
  });

  it('renews the lease of others beside forged ones, and with warn that of all', async () => {
    const forged = () => asRead(messageOf.heartbeat('a'), 2);
    const enforcing = await registered('enforce');
    await enforcing.read('heartbeat', beat('b', 10, 1), forged());
    expect(enforcing.registry.renewed).toEqual([['b']]);
    expect(enforcing.context.counters.heartbeats).toBe(1);
    const warning = await registered('warn');
    await warning.read('heartbeat', beat('b', 10, 1), forged());
    expect(warning.registry.renewed).toEqual([['b', 'a']]);
    expect(warning.context.counters.heartbeats).toBe(2);
  });
});
