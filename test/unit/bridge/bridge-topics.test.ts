import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bridgeTopics, groupId, STREAM_KINDS } from '../../../src/bridge/bridge-topics.js';
import { nodesGroup } from '../../../src/node/node-topics.js';
import { environmentName, topicName, type Names } from '../../../src/protocol/topics.js';
import { loadContracts } from '../../../src/contracts/load.js';
import { nodeNameIn } from '../../../src/registry/consul/operations.js';
import { assertProperty } from '../../run/properties.js';
import { contractDirectory } from '../contracts/contract-files.js';
import { shipped } from './support.js';

describe('topics', () => {
  it('come from the contract', () => {
    expect(bridgeTopics(shipped(), { env: 'dev', namespace: 'shop' })).toEqual({
      introspections: ['dev.shop.onex.evt.node-introspection.v1'],
      acks: ['dev.shop.onex.cmd.node-registration-acked.v1'],
      heartbeats: ['dev.shop.onex.evt.node-heartbeat.v1'],
      drains: ['dev.shop.onex.cmd.node-drain-requested.v1'],
      deadLetters: 'dev.shop.onex.evt.node-registration-dead-letter.v1',
      introspectionRequests: 'dev.shop.onex.cmd.request-introspection.v1',
    });
  });

  it('that the contract lacks are refused by their names', () => {
    const names = { env: 'dev', namespace: '' };
    const { consumed, topics } = shipped();
    const without = (name: string) => consumed.filter(({ event_type }) => event_type !== name);
    for (const [event_type, kind] of [
      ['NodeIntrospectionEvent', 'NodeIntrospection'],
      ['NodeRegistrationAcked', 'NodeRegistrationAcked'],
      ['NodeHeartbeat', 'NodeHeartbeat'],
      ['NodeDrainRequested', 'NodeDrainRequested'],
    ] as const)
      expect(() => bridgeTopics({ consumed: without(event_type), topics }, names)).toThrow(
        `the contract's consumed_events name no topic for ${kind}`,
      );
    for (const action of ['dead_letter', 'request_introspection'])
      expect(() =>
        bridgeTopics(
          { consumed, topics: Object.fromEntries(Object.entries(topics).filter(([key]) => key !== action)) },
          names,
        ),
      ).toThrow(`the contract's published_events name no topic for ${action}`);
  });

  it('may be named by the names of their models, and once more', () => {
    const consumed = [
      { event_type: 'ModelNodeIntrospectionEvent', topic: '{env}.a' },
      { event_type: 'NodeIntrospection', topic: '{env}.a' },
      { event_type: 'ModelNodeRegistrationAcked', topic: '{env}.b' },
      { event_type: 'NodeHeartbeatEvent', topic: '{env}.c' },
      { event_type: 'ModelNodeDrainRequested', topic: '{env}.f' },
      // Of another kind.
      { event_type: 'AModelNodeHeartbeat', topic: '{env}.d' },
      { event_type: 'NodeModelHeartbeat', topic: '{env}.d' },
      { event_type: 'NodeHeartbeatEvents', topic: '{env}.e' },
      { event_type: 'NodeEventHeartbeat', topic: '{env}.e' },
    ];
    expect(bridgeTopics({ consumed, topics: shipped().topics }, { env: 'dev', namespace: '' })).toMatchObject({
      introspections: ['dev.a'],
      acks: ['dev.b'],
      heartbeats: ['dev.c'],
    });
  });

  it('of one kind of message may be several: all that the contract names', () => {
    const overlay = `
consumed_events:
  - { event_type: "NodeIntrospectionEvent", topic: "{env}.old.v1" }
  - { event_type: "NodeIntrospectionEvent", topic: "{env}.new.v1" }
`;
    const contracts = loadContracts(contractDirectory({ orchestrator: overlay }));
    expect(bridgeTopics(contracts, { env: 'dev', namespace: '' })).toMatchObject({
      introspections: ['dev.old.v1', 'dev.new.v1'],
      acks: ['dev.onex.cmd.node-registration-acked.v1'],
    });
  });
});

it('groups are per environment and kind', () => {
  expect(groupId('acks', { env: 'dev', namespace: '' })).toBe('dev-node-registrar-acks');
  expect(groupId('acks', { env: 'dev', namespace: 'shop' })).toBe('dev.shop-node-registrar-acks');
});

it('the environment that nodes in Consul belong to has both names', () => {
  expect(environmentName({ env: 'dev', namespace: 'shop' })).toBe('dev.shop');
  expect(environmentName({ env: 'dev', namespace: '' })).toBe('dev');
});

it('no two environments have a name in common: of a topic, a group, a mark, a catalog node', () => {
  const name = fc.string({ unit: fc.constantFrom(...'aAb-_'), minLength: 1, maxLength: 4 });
  const names = fc.record({
    env: fc.oneof(name, fc.constantFrom('a-node-registrar-acks', 'onex')),
    namespace: fc.oneof(name, fc.constantFrom('', 'onex', 'node-registrar')),
  });
  const { consumed, topics } = shipped();
  const templates = new Set([...consumed.map(({ topic }) => topic), ...Object.values(topics)]);
  const namesOf = (one: Names): string[] => [
    `mark ${environmentName(one)}`,
    ...STREAM_KINDS.map((kind) => `group ${groupId(kind, one)}`),
    `group ${nodesGroup(one, 'mailer-1-0a86a9a8')}`,
    ...[...templates].map((template) => `topic ${topicName(template, one)}`),
    // Consul ignores the case of names.
    `catalog node ${nodeNameIn(environmentName(one), 'Mailer-1').toLowerCase()}`,
  ];
  assertProperty(
    fc.property(names, names, (one, other) => {
      fc.pre(one.env !== other.env || one.namespace !== other.namespace);
      const taken = new Set(namesOf(one));
      expect(namesOf(other).filter((shared) => taken.has(shared))).toEqual([]);
    }),
    { numRuns: 500 },
  );
  const pairs = [
    { env: 'a-b', namespace: '' },
    { env: 'a', namespace: 'b' },
    { env: 'A', namespace: 'b' },
  ];
  expect(new Set(pairs.flatMap(namesOf)).size).toBe(pairs.flatMap(namesOf).length);
});
