import { describe, expect, it } from 'vitest';
import { bridgeTopics, groupId } from '../../../src/bridge/bridge-topics.js';
import { loadContracts } from '../../../src/contracts/load.js';
import { contractDirectory } from '../contracts/contract-files.js';
import { shipped } from './support.js';

describe('topics', () => {
  it('come from the contract', () => {
    expect(bridgeTopics(shipped(), { env: 'dev', namespace: 'shop' })).toEqual({
      introspections: ['dev.shop.onex.evt.node-introspection.v1'],
      acks: ['dev.shop.onex.cmd.node-registration-acked.v1'],
      heartbeats: ['dev.shop.onex.evt.node-heartbeat.v1'],
      deadLetters: 'dev.shop.onex.evt.node-registration-dead-letter.v1',
      introspectionRequests: 'dev.shop.onex.cmd.request-introspection.v1',
    });
    expect(() => bridgeTopics({ consumed: [], topics: {} }, { env: 'dev', namespace: '' })).toThrow(
      'no topic for NodeIntrospection',
    );
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
  expect(groupId('acks', { env: 'dev', namespace: 'shop' })).toBe('dev-shop-node-registrar-acks');
});
