import { expect, test } from 'vitest';
import { nodeTopicTemplates } from '../../../../src/cli/setup/all-topics.js';
import { SHIPPED_CONTRACTS, loadContracts, type Contracts } from '../../../../src/contracts/load.js';

const shipped = loadContracts(SHIPPED_CONTRACTS);
const prefix = '{env}.{namespace}.onex';

test('a node gets each of its topics, as the contract names it', () => {
  expect(nodeTopicTemplates(shipped)).toEqual({
    introspection: `${prefix}.evt.node-introspection.v1`,
    ack: `${prefix}.cmd.node-registration-acked.v1`,
    heartbeat: `${prefix}.evt.node-heartbeat.v1`,
    drainRequest: `${prefix}.cmd.node-drain-requested.v1`,
    accepted: `${prefix}.evt.node-registration-accepted.v1`,
    rejected: `${prefix}.evt.node-registration-rejected.v1`,
    ackTimedOut: `${prefix}.evt.node-registration-ack-timed-out.v1`,
    becameActive: `${prefix}.evt.node-became-active.v1`,
    livenessExpired: `${prefix}.evt.node-liveness-expired.v1`,
    draining: `${prefix}.evt.node-draining.v1`,
    deregistered: `${prefix}.evt.node-deregistered.v1`,
    requestIntrospection: `${prefix}.cmd.request-introspection.v1`,
  });
});

test('an action with another name publishes the same event, on its own topic', () => {
  const { emit_became_active: event, ...events } = shipped.compiled.events;
  if (event === undefined) throw new Error('the shipped contract has no emit_became_active');
  const announced = { ...event, topic: '{env}.fleet.live' };
  const other: Contracts = {
    ...shipped,
    compiled: { ...shipped.compiled, events: { ...events, announce: announced } },
  };
  expect(nodeTopicTemplates(other).becameActive).toBe('{env}.fleet.live');
});
