import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import {
  NodeHub,
  NODE_TOPICS,
  RegisteredNode,
  simulateFleet,
  type NodeChange,
  type NodeTopic,
} from '../../../src/node/index.js';
import { loadContracts } from '../../../src/contracts/load.js';
import { all, hubOn, Wire } from './node-harness.js';

describe('topics', () => {
  test('are those of the shipped contract', () => {
    const { consumed, topics } = loadContracts();
    const consumes = (event_type: string) => consumed.find((event) => event.event_type === event_type)?.topic;
    const contract: Record<NodeTopic, string | undefined> = {
      introspection: consumes('NodeIntrospectionEvent'),
      ack: consumes('NodeRegistrationAcked'),
      heartbeat: consumes('NodeHeartbeat'),
      drainRequest: consumes('NodeDrainRequested'),
      accepted: topics.emit_registration_accepted,
      rejected: topics.emit_registration_rejected,
      ackTimedOut: topics.emit_ack_timed_out,
      becameActive: topics.emit_became_active,
      livenessExpired: topics.emit_liveness_expired,
      draining: topics.emit_draining,
      deregistered: topics.emit_deregistered,
      requestIntrospection: topics.request_introspection,
    };
    expect(NODE_TOPICS).toEqual(contract);
  });

  test('can be others', async () => {
    const wire = new Wire();
    const hub = new NodeHub({
      brokers: ['nowhere:1'],
      transport: wire,
      env: 'test',
      topics: { accepted: '{env}.yes.v1' },
    });
    await hub.open();
    expect(wire.subscriptions[0]?.topics).toContain('test.yes.v1');
    await hub.close();
  });
});

describe('a hub', () => {
  test.each([
    [{}, 'dev'],
    [{ env: 'test' }, 'test'],
    [{ env: 'test', namespace: 'blue' }, 'test.blue'],
  ])('has a consumer group in the name of its installation: %o', async (names, installation) => {
    const wire = new Wire();
    const hub = new NodeHub({ brokers: ['nowhere:1'], transport: wire, ...names });
    await hub.open();
    expect(wire.subscriptions[0]?.groupId.replace(/[0-9a-f-]{36}$/, '<uuid>')).toBe(`${installation}-nodes-<uuid>`);
    await hub.close();
  });

  test('subscribes once for all of its nodes, and hands each the events about it', async () => {
    const wire = new Wire();
    const hub = hubOn(wire);
    const nodes = ['a', 'b', 'c'].map(
      (node_id) => new RegisteredNode({ hub, node_id, node_type: 'compute', version: '1.0.0' }),
    );
    const introduced = all(nodes, 'introduced');
    const active = Promise.all(nodes.map((node) => node.start()));
    await introduced;
    expect(wire.subscriptions).toHaveLength(1);
    const acknowledged = all(nodes, 'acknowledged');
    for (const node of nodes) wire.publish('NodeRegistrationAccepted', node);
    await acknowledged;
    expect(wire.acks().map((ack) => [ack.node_id, ack.correlation_id])).toEqual(
      nodes.map((node) => [node.node_id, node.correlation_id]),
    );
    for (const node of nodes) wire.publish('NodeBecameActive', node);
    await active;
    await Promise.all(nodes.map((node) => node.stop()));
    expect(wire.closed).toBe(false);
    await hub.close();
    expect(wire.closed).toBe(true);
  });

  test('logs a problem that all of its nodes have once, where it has no listener', async () => {
    const lines: string[] = [];
    const wire = new Wire();
    const hub = new NodeHub({
      brokers: ['nowhere:1'],
      transport: wire,
      logger: pino({ level: 'warn' }, { write: (line) => lines.push(line) }),
    });
    const nodes = ['a', 'b', 'c'].map(
      (node_id) => new RegisteredNode({ hub, node_id, node_type: 'compute', version: '1.0.0' }),
    );
    const introduced = all(nodes, 'introduced');
    const waiting = Promise.allSettled(nodes.map((node) => node.start()));
    await introduced;
    wire.crash();
    await Promise.all(nodes.map((node) => node.stop()));
    await waiting;
    await hub.close();
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      {
        node_id: 'a',
        reason: 'group is gone',
        msg: expect.stringContaining('node a no longer reads what the registrar publishes') as string,
      },
    ]);
  });

  test('refuses a second node of the same id, in words', async () => {
    const hub = hubOn(new Wire());
    const [first, second] = [1, 2].map(
      () => new RegisteredNode({ hub, node_id: 'a', node_type: 'compute', version: '1.0.0' }),
    );
    const waiting = first?.start();
    await expect(second?.start()).rejects.toThrow('node a is already running in this process');
    await Promise.all([
      expect(waiting).rejects.toThrow('was stopped before it was active'),
      first?.stop(),
      second?.stop(),
    ]);
    await hub.close();
  });
});

describe('a simulated fleet', () => {
  test('has all four types in turn, on one connection, and knows the time of each step', async () => {
    const wire = new Wire();
    const changes: NodeChange[] = [];
    const fleet = simulateFleet({
      nodes: 6,
      brokers: ['nowhere:1'],
      transport: wire,
      onChange: (change) => changes.push(change),
    });
    const nodes = fleet.members.map(({ node }) => node);
    const introduced = all(nodes, 'introduced');
    const active = fleet.start();
    await introduced;
    const acknowledged = all(nodes, 'acknowledged');
    for (const node of nodes) wire.publish('NodeRegistrationAccepted', node);
    await acknowledged;
    for (const node of nodes) wire.publish('NodeBecameActive', node);
    await active;
    expect(wire.subscriptions).toHaveLength(1);
    expect(fleet.members.map(({ node_type }) => node_type)).toEqual([
      'effect',
      'reducer',
      'orchestrator',
      'compute',
      'effect',
      'reducer',
    ]);
    for (const { steps } of fleet.members) {
      const times = [steps.introduced, steps.accepted, steps.acknowledged, steps.active];
      expect(times).toEqual([...times].sort());
      expect(times).not.toContain(undefined);
    }
    expect(changes.filter(({ state, steps }) => state === 'active' && steps.active !== undefined)).toHaveLength(6);
    await fleet.stop();
    expect(
      wire
        .introspections()
        .filter(({ reason }) => reason === 'shutdown')
        .map(({ node_id }) => node_id),
    ).toEqual(fleet.members.map(({ node }) => node.node_id));
    expect(wire.closed).toBe(true);
  });
});
