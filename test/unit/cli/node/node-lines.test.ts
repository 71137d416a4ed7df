import { stripVTControlCharacters } from 'node:util';
import { expect, it } from 'vitest';
import { printEvents } from '../../../../src/cli/node/node-lines.js';
import { NodeError, RegisteredNode } from '../../../../src/node/index.js';

const LONG = `Consul refuses it:\n${'a word '.repeat(100)}`;
const OF_ATTEMPT = { correlation_id: 'c-1', at: new Date() };

function shown(emit: (node: RegisteredNode) => void): string {
  const lines: string[] = [];
  const node = new RegisteredNode({ brokers: ['127.0.0.1:1'], node_id: 'n-1', node_type: 'effect', version: '1.0.0' });
  printEvents(node, { ack: true }, (line) => lines.push(stripVTControlCharacters(line)));
  emit(node);
  expect(lines).toHaveLength(1);
  return lines[0] ?? '';
}

it.each<readonly [string, (node: RegisteredNode) => void, RegExp]>([
  [
    'a rejection',
    (node) => node.emit('rejected', { ...OF_ATTEMPT, reason: LONG, retry_in_ms: 5_000 }),
    /^rejected: Consul refuses it: a word .*…; tries again in 5 s$/,
  ],
  ['a drain', (node) => node.emit('draining', { ...OF_ATTEMPT, reason: LONG }), /^draining: .*\(Consul refuses.*…\)$/],
  ['an end', (node) => node.emit('deregistered', { ...OF_ATTEMPT, reason: LONG }), /^deregistered: Consul refuses.*…$/],
  [
    'trouble',
    (node) => node.emit('problem', new NodeError('n-1', 'cannot send', { cause: new Error(LONG) })),
    /^trouble: .*cannot send.*\(Consul refuses it: .*…\)$/,
  ],
])('the reason of %s stands on one line, and is cut where it is long', (_, emit, expected) => {
  const line = shown(emit);
  expect(line).toMatch(expected);
  expect(line.length).toBeLessThan(300);
});

it('what is short is printed whole', () => {
  expect(shown((node) => node.emit('rejected', { ...OF_ATTEMPT, reason: 'too old', retry_in_ms: 30_000 }))).toBe(
    'rejected: too old; tries again in 30 s',
  );
});
