import { describe, expect, it } from 'vitest';
import type { IncomingRecord } from '../../../../src/kafka/consumer.js';
import { nodeKeyOf } from '../../../../src/protocol/node-key.js';
import { SIGNATURE } from '../../../../src/protocol/signature.js';
import { asRead, newKey, signed } from '../../protocol/signing.js';
import { messageOf, signingWorld, type Kind, type Mode } from './world.js';

const KINDS = ['introspection', 'ack', 'heartbeat', 'goodbye', 'drain'] as const;
const MODES = ['off', 'warn', 'enforce'] as const;

const own = newKey();
const another = newKey();

/** What an impostor may send in the name of node a, whose key is bound, and what is wrong with it. */
const IMPOSTORS: Readonly<Record<string, readonly [fault: string, (kind: Kind) => IncomingRecord]>> = {
  'has no signature': ['unsigned', (kind) => asRead(messageOf[kind]('a'), 9)],
  'has a signature that is none': [
    'malformed',
    (kind) => {
      const record = asRead(messageOf[kind]('a'), 9);
      return { ...record, headers: { ...record.headers, [SIGNATURE]: 'e30..AAAA' } };
    },
  ],
  'is signed by a key of its own': [
    'another_key',
    (kind) => asRead(signed(messageOf[kind]('a'), another, 5_000, { introduces: true }), 9),
  ],
  'is signed by the valid key of node b': [
    'misplaced',
    (kind) => {
      const ofB = signed(messageOf[kind]('b'), another, 5_000, { introduces: true });
      return asRead({ ...ofB, value: messageOf[kind]('a').value }, 9);
    },
  ],
  'has the headers of a signed message, and other bytes': [
    'wrong_signature',
    (kind) => asRead({ ...signed(messageOf[kind]('a'), own, 5_000), value: messageOf[kind]('a').value }, 9),
  ],
  'is an old message, sent again': ['replayed', (kind) => asRead(signed(messageOf[kind]('a'), own, 1), 9)],
  'is a message of another topic': [
    'misplaced',
    (kind) => asRead(signed(messageOf[kind]('a'), own, 5_000, { topic: 'another' }), 9),
  ],
  'is a message of another process of the node': [
    'misplaced',
    (kind) => {
      const record = asRead(signed(messageOf[kind]('a'), own, 5_000), 9);
      return { ...record, headers: { ...record.headers, instance_id: Buffer.from('p-2') } };
    },
  ],
};

/** A bridge that has read an introspection and a message of the kind from node a. */
async function registered(mode: Mode, kind: Kind) {
  const world = signingWorld(mode);
  await world.read('introspection', asRead(signed(messageOf.introspection('a'), own, 100, { introduces: true }), 1));
  await world.read(kind, asRead(signed(messageOf[kind]('a'), own, 200), 2));
  return world;
}

describe.each(MODES)('with signing %s', (mode) => {
  describe.each(KINDS)('%s', (kind) => {
    it('of the node itself counts', async () => {
      const world = await registered(mode, kind);
      expect(world.effects()).toBe(2);
      expect(await world.read(kind, asRead(signed(messageOf[kind]('a'), own, 201), 3))).toEqual(new Set(['3']));
      expect([world.effects(), world.refused(), world.faults()]).toEqual([3, 0, {}]);
    });

    it.each(Object.entries(IMPOSTORS))(
      `${mode === 'enforce' ? 'does not count' : 'counts'} where it %s`,
      async (_, [fault, impostor]) => {
        const world = await registered(mode, kind);
        expect(await world.read(kind, impostor(kind))).toEqual(new Set(['9']));
        const stream = { heartbeat: 'heartbeats', ack: 'acks', drain: 'drains' }[kind as string] ?? 'introspections';
        expect(world.effects()).toBe(mode === 'enforce' ? 2 : 3);
        expect(world.faults()).toEqual(mode === 'off' ? {} : { [`${stream} ${fault}`]: 1 });
        expect(world.refused()).toBe(mode === 'enforce' && kind !== 'heartbeat' ? 1 : 0);
        if (mode === 'off') return;
        const outcome = mode === 'enforce' ? 'refused' : 'accepted';
        const { topic } = impostor(kind);
        expect(world.entries).toMatchObject([
          {
            node_id: 'a',
            topic,
            partition: 0,
            offset: '9',
            fault,
            msg: expect.stringMatching(`^a message that its node has not signed is ${outcome}: .`) as string,
          },
        ]);
        const conflict = new RegExp(`^${stream}, ${outcome}: .`);
        expect(world.registry.keys.get('a')).toMatchObject({
          thumbprint: nodeKeyOf(own).thumbprint,
          conflict: expect.stringMatching(conflict) as string,
        });
      },
    );
  });
});

describe('with signing enforce', () => {
  it('an impostor shows in the dead letters, with what is wrong', async () => {
    const world = await registered('enforce', 'goodbye');
    await world.read('goodbye', asRead(messageOf.goodbye('a'), 9));
    expect(world.sent.map(({ headers }) => [headers['code'], headers['reason'], headers['node_id']])).toEqual([
      [
        'not_from_its_node',
        `it is not shown to be from its node: it has no signature: it lacks the header ${SIGNATURE}`,
        'a',
      ],
    ]);
  });

  it('heartbeats that nobody has signed fill no dead letters: they are counted, and logged once a minute', async () => {
    const world = await registered('enforce', 'heartbeat');
    const beats = Array.from({ length: 500 }, (_, index) => asRead(messageOf.heartbeat('a'), 10 + index));
    expect((await world.read('heartbeat', ...beats)).size).toBe(500);
    expect(world.sent).toEqual([]);
    expect(world.faults()).toEqual({ 'heartbeats unsigned': 500 });
    expect(world.context.counters.heartbeats).toBe(1);
    expect(world.lines).toHaveLength(1);
    expect(world.registry.conflicts).toHaveLength(1);
    // Nobody is asked about a message that has no signature.
    expect(world.registry.asked.flat()).not.toContain(undefined);
    await world.read('heartbeat', asRead(messageOf.heartbeat('a'), 600));
    expect(world.registry.conflicts).toHaveLength(1);
  });

  it('of two keys that introduce themselves at once, the one that is bound first speaks', async () => {
    const world = signingWorld('enforce');
    const [first, second] = [own, another].map(nodeKeyOf);
    const { pool } = world.registry;
    const query = pool.query.bind(pool) as (text: string, values: unknown[]) => unknown;
    // Between the question and the binding, another bridge binds.
    const meanwhile = (text: string, values: unknown[]): unknown => {
      if (text.includes('insert into node_keys') && first !== undefined)
        world.registry.keys.set('a', { thumbprint: first.thumbprint, x: first.x, by: 'first message', conflict: null });
      return query(text, values);
    };
    pool.query = meanwhile as typeof pool.query;
    await world.read(
      'introspection',
      asRead(signed(messageOf.introspection('a'), another, 2, { introduces: true }), 2),
    );
    expect(world.registry.keys.get('a')?.thumbprint).toBe(first?.thumbprint);
    expect(first?.thumbprint).not.toBe(second?.thumbprint);
    expect([world.effects(), world.faults()]).toEqual([0, { 'introspections another_key': 1 }]);
  });

  it('the first key of an id is bound to it, and another node’s id is free for another key', async () => {
    const world = signingWorld('enforce');
    const introduce = (node_id: string, key = own, number = 1) =>
      asRead(signed(messageOf.introspection(node_id), key, number, { introduces: true }), number);
    await world.read('introspection', introduce('a'), introduce('a', another, 2), introduce('b', another, 3));
    expect([...world.registry.keys].sort().map(([id, { thumbprint, by }]) => [id, thumbprint, by])).toEqual([
      ['a', nodeKeyOf(own).thumbprint, 'first message'],
      ['b', nodeKeyOf(another).thumbprint, 'first message'],
    ]);
    expect([world.effects(), world.refused()]).toEqual([2, 1]);
  });

  it('an ack of a node for which no key speaks binds none and does not count; a heartbeat has the node introduce itself', async () => {
    const world = signingWorld('enforce');
    await world.read('ack', asRead(signed(messageOf.ack('a'), own, 1, { introduces: true }), 1));
    expect(world.registry.keys.size).toBe(0);
    await world.read('heartbeat', asRead(signed(messageOf.heartbeat('a'), own, 2, { introduces: true }), 2));
    expect(world.effects()).toBe(0);
    expect(world.faults()).toEqual({ 'acks no_key': 1, 'heartbeats no_key': 1 });
    expect(world.sent.map(({ topic, key }) => [topic, String(key)])).toEqual([
      ['dead_letter', 'a'],
      ['request_introspection', 'a'],
    ]);
  });
});

describe('a message that is read again', () => {
  it.each(KINDS)('is no replay where Kafka delivers it again: %s', async (kind) => {
    const world = await registered('enforce', kind);
    const [one, two] = [210, 211].map((number) => asRead(signed(messageOf[kind]('a'), own, number), number));
    for (const again of [one, two, one, two]) if (again) await world.read(kind, again);
    expect([world.effects(), world.refused(), world.faults()]).toEqual([4, 0, {}]);
  });

  it.each(KINDS)('has no second effect where it is a copy of the newest one: %s', async (kind) => {
    const world = await registered('enforce', kind);
    const message = signed(messageOf[kind]('a'), own, 210);
    await world.read(kind, asRead(message, 3));
    await world.read(kind, asRead(message, 4));
    expect([world.effects(), world.refused(), world.faults()]).toEqual([3, 0, {}]);
  });

  it('was not handled where Temporal refused it: a person may send it again from the dead letters', async () => {
    const world = await registered('enforce', 'ack');
    const message = signed(messageOf.ack('a'), own, 300);
    world.context.temporalClient.workflow.getHandle = () => {
      throw new TypeError('no such value');
    };
    await world.read('ack', asRead(message, 3));
    expect(world.context.deadLetters.counts().get('refused_by_temporal')).toBe(1);
    await world.read('ack', asRead(message, 4));
    expect(world.context.deadLetters.counts().get('refused_by_temporal')).toBe(2);
  });
});

describe('a new key', () => {
  const next = newKey();
  const introduce = (key: typeof own, number: number, previous?: typeof own) =>
    asRead(signed(messageOf.introspection('a'), key, number, { introduces: true, previous }), number);
  const bound = (world: ReturnType<typeof signingWorld>) => world.registry.keys.get('a');

  it('speaks for a node once the old one has handed over, and the old one no more', async () => {
    const world = await registered('enforce', 'ack');
    await world.read('introspection', introduce(next, 300, own));
    expect(bound(world)).toMatchObject({ thumbprint: nodeKeyOf(next).thumbprint, by: 'handover' });
    await world.read('ack', asRead(signed(messageOf.ack('a'), next, 301), 301));
    expect(world.effects()).toBe(4);
    await world.read('ack', asRead(signed(messageOf.ack('a'), own, 302), 302));
    expect([world.effects(), world.faults()]).toEqual([4, { 'acks another_key': 1 }]);
  });

  it('needs no larger numbers than the old one: each counts for itself', async () => {
    const world = await registered('enforce', 'ack');
    await world.read('introspection', introduce(next, 3, own));
    expect(bound(world)).toMatchObject({ thumbprint: nodeKeyOf(next).thumbprint });
  });

  it('is refused where a wrong key hands over, or nobody does', async () => {
    const world = await registered('enforce', 'ack');
    await world.read(
      'introspection',
      introduce(another, 300, another),
      introduce(another, 301, next),
      introduce(another, 302),
    );
    expect(bound(world)).toMatchObject({ thumbprint: nodeKeyOf(own).thumbprint });
    expect([world.effects(), world.faults()]).toEqual([2, { 'introspections another_key': 3 }]);
  });

  it('is bound when an operator has released the id, and no old message of the old key is bound again', async () => {
    const world = await registered('enforce', 'introspection');
    const old = introduce(own, 150);
    world.registry.release('a');
    await world.read('introspection', { ...old, offset: '400' });
    expect(bound(world)).toBeUndefined();
    await world.read('introspection', introduce(next, 401));
    expect(bound(world)).toMatchObject({ thumbprint: nodeKeyOf(next).thumbprint, by: 'first message' });
    expect(world.faults()).toEqual({ 'introspections replayed': 1 });
  });
});
