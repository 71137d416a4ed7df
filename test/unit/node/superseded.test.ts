import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { pino } from 'pino';
import { RegisteredNode } from '../../../src/node/index.js';
import { activeNode, hubOn, nodeOn, seconds, settle, Wire } from './node-harness.js';

let wire: Wire;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
  wire = new Wire();
});
afterEach(() => {
  vi.useRealTimers();
});

const OTHER = { correlation_id: '0b0b0b0b-0000-4000-8000-000000000001', instance_id: 'other-process' };

/** Everything that a node sends carries the id of its process. */
const instances = () => new Set(wire.sent.map(({ headers }) => headers['instance_id']));

describe('a node whose id another process uses', () => {
  test('has a consumer group and an instance_id of its own, which stands in a header of all that it sends', async () => {
    const one = await activeNode(wire, { node_id: 'mailer-1', env: 'test' });
    await seconds(10);
    const other = nodeOn(new Wire(), { node_id: 'mailer-1' });
    expect(new Set(wire.sent.map(({ topic }) => topic)).size).toBe(3);
    await one.node.stop();
    expect(instances()).toEqual(new Set([one.node.instance_id]));
    expect(other.node.instance_id).not.toBe(one.node.instance_id);
    expect(wire.subscriptions[0]?.groupId).toBe(`test-nodes-mailer-1-${one.node.instance_id}`);
  });

  test.each(['NodeRegistrationAccepted', 'NodeBecameActive'])(
    'stops without a goodbye when it reads %s of an attempt that came after its own',
    async (event) => {
      const { node, emitted } = await activeNode(wire, { node_id: 'mailer-1' });
      const before = wire.introspections().length;
      wire.publish(
        event,
        { node_id: node.node_id, correlation_id: OTHER.correlation_id },
        {
          instance_id: OTHER.instance_id,
          supersedes: ['c-0', node.correlation_id ?? ''],
        },
      );
      await seconds(600);
      expect(node.state).toBe('superseded');
      expect(emitted('superseded')).toMatchObject([
        { correlation_id: node.correlation_id, by: OTHER, error: { node_id: 'mailer-1' } },
      ]);
      await node.stop();
      await seconds(60);
      expect(wire.introspections()).toHaveLength(before);
      expect(wire.closed).toBe(true);
      expect(emitted('left')).toEqual([]);
      await expect(node.start()).rejects.toThrow('another process has introduced itself under this id');
    },
  );

  test('stops before it was ever accepted, and its start says so', async () => {
    const { node } = nodeOn(wire);
    const started = node.start();
    const failed = expect(started).rejects.toThrow('another process has introduced itself under this id');
    await settle();
    wire.publish(
      'NodeRegistrationAccepted',
      { node_id: node.node_id, correlation_id: OTHER.correlation_id },
      {
        supersedes: [node.correlation_id ?? ''],
      },
    );
    await failed;
    await seconds(600);
    expect(wire.introspections()).toHaveLength(1);
  });

  test.each([
    ['the other came before it', { instance_id: OTHER.instance_id, supersedes: ['c-0'] }],
    ['a registrar does not say what came before', {}],
  ])('goes on where %s', async (_, process) => {
    const { node, emitted } = await activeNode(wire);
    wire.publish('NodeRegistrationAccepted', { node_id: node.node_id, correlation_id: OTHER.correlation_id }, process);
    await seconds(10);
    expect(node.state).toBe('active');
    expect(emitted('superseded')).toEqual([]);
  });

  test('goes on when an attempt of its own came after its own', async () => {
    const { node } = await activeNode(wire);
    wire.publish(
      'NodeRegistrationAccepted',
      { node_id: node.node_id, correlation_id: OTHER.correlation_id },
      {
        instance_id: node.instance_id,
        supersedes: [node.correlation_id ?? ''],
      },
    );
    await settle();
    expect(node.state).toBe('active');
  });

  test('logs the error where nobody listens, and leaves the connection that it shares', async () => {
    const lines: string[] = [];
    const hub = hubOn(wire, pino({ level: 'error' }, { write: (line: string) => lines.push(line) }));
    const node = new RegisteredNode({ hub, node_type: 'effect', version: '1.0.0' });
    const started = node.start();
    started.catch(() => 'looked at below');
    await settle();
    wire.publish(
      'NodeRegistrationAccepted',
      { node_id: node.node_id, correlation_id: OTHER.correlation_id },
      {
        supersedes: [node.correlation_id ?? ''],
      },
    );
    await settle();
    await expect(started).rejects.toThrow('another process');
    expect(lines).toEqual([expect.stringContaining('another process has introduced itself under this id')]);
    expect(wire.closed).toBe(false);
    await hub.close();
  });
});
