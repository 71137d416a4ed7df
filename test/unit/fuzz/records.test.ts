import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parseAck } from '../../../src/protocol/ack.js';
import { parseHeartbeat } from '../../../src/protocol/heartbeat.js';
import type { Parsed } from '../../../src/protocol/incoming.js';
import { parseIntrospection } from '../../../src/protocol/introspection.js';
import { oddNode } from '../../fuzz/nodes.js';
import { Random } from '../../fuzz/random.js';
import { garbage, GARBAGE_KINDS, isMarker, type Made } from '../../fuzz/records.js';
import { seeds } from '../../run/seeds.js';

const placeOf = ({ headers }: Made) => ({ topic: 't', partition: 0, offset: '7', timestamp: Date.now(), headers });
const idOf = (parsed: Parsed<{ readonly node_id: string }>): string =>
  parsed.ok ? parsed.message.node_id : parsed.reason;

describe.each(seeds())('records made from seed %i', (seed) => {
  it.each([...GARBAGE_KINDS])('no node can be registered of %s', (name, make) => {
    const random = new Random(seed);
    for (let tries = name === 'bomb' ? 1 : 40; tries > 0; tries -= 1) {
      const made = make(random);
      expect(parseIntrospection(made.value, placeOf(made)).ok, String(made.value).slice(0, 500)).toBe(false);
    }
  });

  it('every odd node is understood, as the node that it is: itself, its acks and its heartbeats', () => {
    const random = new Random(seed);
    for (let index = 0; index < 150; index += 1) {
      const node = oddNode(random, `${seed}-${index}`);
      const [ack, beat] = [node.ack('c'), node.heartbeat()];
      expect(idOf(parseIntrospection(node.introspection.value, placeOf(node.introspection)))).toBe(node.node_id);
      expect(idOf(parseAck(ack.value, placeOf(ack)))).toBe(node.node_id);
      expect(idOf(parseHeartbeat(beat.value, placeOf(beat)))).toBe(node.node_id);
    }
  });

  it('are the same again', () => {
    const made = () => {
      const random = new Random(seed);
      const records = Array.from({ length: 200 }, (_, index) => garbage(random, index + 100));
      const nodes = Array.from({ length: 20 }, (_, index) => oddNode(random, `${index}`).introspection);
      return createHash('sha1')
        .update(JSON.stringify([...records, ...nodes]))
        .digest('hex');
    };
    expect(made()).toBe(made());
  });
});

it('a short run has every kind', () => {
  const random = new Random(1);
  const made = [...GARBAGE_KINDS.keys()].map((_, index) => garbage(random, index));
  expect(made.filter(isMarker)).toHaveLength(1);
  expect(made.filter(({ compressed }) => compressed === true)).toHaveLength(1);
});
