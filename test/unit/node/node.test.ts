import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { NodeError, RegisteredNode } from '../../../src/node/index.js';
import { activeNode, hubOn, nodeOn, seconds, settle, Wire } from './node-harness.js';

let wire: Wire;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
  // Without jitter, pauses and beats come when the options say.
  vi.spyOn(Math, 'random').mockReturnValue(0);
  wire = new Wire();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** A node that has been started and waits to be accepted. */
async function introduced(options: Parameters<typeof nodeOn>[1] = {}) {
  const started = nodeOn(wire, options);
  const active = started.node.start();
  active.catch(() => 'whoever waits for it looks at the promise');
  await settle();
  return { ...started, active };
}

describe('a node that starts', () => {
  test('subscribes before it introduces itself', async () => {
    await introduced();
    expect(wire.log).toEqual(['subscribed', 'dev.onex.evt.node-introspection.v1']);
  });

  test('introduces itself as a new incarnation, with what it was given', async () => {
    const { node } = await introduced({ node_id: 'mailer-1', epoch: 7, env: 'test', namespace: 'blue' });
    expect(wire.introspections()).toMatchObject([
      {
        node_id: 'mailer-1',
        node_type: 'effect',
        node_version: '1.0.0',
        reason: 'startup',
        epoch: 7,
        endpoints: { health: 'http://10.0.0.7:8080/health' },
        capabilities: ['mail.send'],
        correlation_id: node.correlation_id,
      },
    ]);
    expect(wire.sent[0]).toMatchObject({ topic: 'test.blue.onex.evt.node-introspection.v1', key: 'mailer-1' });
  });

  test('has a consumer group of its own name', async () => {
    const { node } = await introduced({ node_id: 'mailer-1', env: 'test', namespace: 'blue' });
    expect(wire.subscriptions[0]?.groupId).toBe(`test.blue-nodes-mailer-1-${node.instance_id}`);
  });

  test('has a new UUID where it is given no id', () => {
    expect(nodeOn(wire).node.node_id).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('goes through its states in order and resolves when it is active', async () => {
    const { emitted } = await activeNode(wire);
    expect(emitted('state')).toMatchObject(
      ['connecting', 'introducing', 'accepted', 'acknowledged', 'active'].map((state) => ({ state })),
    );
  });

  test('introduces itself again until it is accepted, always with the same correlation_id', async () => {
    const { node, emitted } = await introduced();
    await seconds(5);
    await seconds(10);
    await seconds(20);
    const sent = wire.introspections();
    expect(sent).toHaveLength(4);
    expect(new Set(sent.map((one) => one.correlation_id)).size).toBe(1);
    expect(emitted('introduced')).toMatchObject([{ sends: 1 }, { sends: 2 }, { sends: 3 }, { sends: 4 }]);
    wire.publish('NodeRegistrationAccepted', node);
    await seconds(600);
    expect(wire.introspections()).toHaveLength(4);
  });

  test('waits no longer than a minute (and its jitter) between two introspections', async () => {
    await introduced();
    await seconds(600);
    const before = wire.introspections().length;
    await seconds(60);
    expect(wire.introspections()).toHaveLength(before + 1);
  });

  test('rejects with a sentence when it is not active in time, and goes on trying', async () => {
    const { node } = nodeOn(wire, { node_id: 'mailer-1' });
    const started = node.start({ timeoutMs: 3_000 });
    const failed = expect(started).rejects.toThrow(
      'node mailer-1 is not active after 3000 ms: it is introducing. See that the registrar runs; the node goes ' +
        'on trying until stop()',
    );
    await seconds(3);
    await failed;
    await seconds(5);
    expect(wire.introspections()).toHaveLength(2);
  });

  test('gives the reason of an aborted signal as the cause', async () => {
    const { node } = nodeOn(wire);
    const giveUp = new AbortController();
    const started = node.start({ signal: giveUp.signal });
    const reason = new Error('enough');
    giveUp.abort(reason);
    await expect(started).rejects.toMatchObject({ name: 'NodeError', cause: reason });
  });

  test.each([
    ['version', { version: 'one' }, 'node_version'],
    ['node_id', { node_id: 'a b' }, 'node_id'],
    ['endpoint', { endpoints: { health: 'nonsense' } }, 'endpoints.health'],
    ['node_type', { node_type: 'gizmo' as never }, 'node_type'],
    ['capability', { capabilities: [''] }, 'capabilities'],
  ])('refuses a %s that the registrar would refuse, and names the field', (_field, options, named) => {
    expect(() => nodeOn(wire, options)).toThrow(NodeError);
    expect(() => nodeOn(wire, options)).toThrow(named);
  });
});

describe('an accepted node', () => {
  test('acknowledges with the correlation_id of its attempt', async () => {
    const { node } = await introduced();
    wire.publish('NodeRegistrationAccepted', node);
    await settle();
    expect(wire.acks()).toMatchObject([{ node_id: node.node_id, correlation_id: node.correlation_id }]);
    expect(node.state).toBe('acknowledged');
  });

  test('acknowledges each time that accepted is repeated', async () => {
    const { node } = await introduced();
    for (const ack_round of ['1', '2', '3']) {
      wire.publish('NodeRegistrationAccepted', node, { tags: { ack_round } });
      await settle();
    }
    expect(wire.acks()).toHaveLength(3);
    expect(new Set(wire.acks().map((ack) => ack.message_id)).size).toBe(3);
  });

  test('answers a repeated accepted even when it is active, and stays active', async () => {
    const { node } = await activeNode(wire);
    wire.publish('NodeRegistrationAccepted', node);
    await settle();
    expect(wire.acks()).toHaveLength(2);
    expect(node.state).toBe('active');
  });

  test('ignores events about other nodes, and about other attempts', async () => {
    const { node } = await introduced();
    for (const type of [
      'NodeRegistrationAccepted',
      'NodeBecameActive',
      'NodeRegistrationRejected',
      'NodeLivenessExpired',
    ]) {
      wire.publish(type, { node_id: 'somebody-else', correlation_id: node.correlation_id });
      wire.publish(type, { node_id: node.node_id, correlation_id: 'another-attempt' });
    }
    await settle();
    expect(wire.acks()).toEqual([]);
    expect(node.state).toBe('introducing');
  });

  test('is left unharmed by what cannot be read', async () => {
    const { node } = await introduced();
    for (const value of [null, Buffer.from('{'), Buffer.from('[]'), Buffer.from('{"payload":{}}')]) wire.receive(value);
    wire.publish('NodeRegistrationAccepted', node);
    await settle();
    expect(wire.acks()).toHaveLength(1);
  });

  test('waits for ack() where autoAck is false', async () => {
    const { node, emitted } = await introduced({ autoAck: false });
    await expect(node.ack()).rejects.toThrow(
      `node ${node.node_id} has nothing to acknowledge: it is introducing. Wait for its event "accepted"`,
    );
    wire.publish('NodeRegistrationAccepted', node);
    await seconds(20);
    expect(wire.acks()).toEqual([]);
    expect(wire.heartbeats()).toEqual([]);
    expect(emitted('accepted')).toMatchObject([{ ack_deadline: expect.stringMatching(/Z$/) as string }]);
    await node.ack();
    expect(wire.acks()).toHaveLength(1);
    expect(node.state).toBe('acknowledged');
  });

  test('becomes active when somebody else acknowledged for it', async () => {
    const { node, active } = await introduced({ autoAck: false });
    wire.publish('NodeRegistrationAccepted', node);
    wire.publish('NodeBecameActive', node);
    await active;
    await seconds(10);
    expect(wire.heartbeats()).not.toEqual([]);
  });

  test('waits for the next accepted when an ack round has passed with more to come', async () => {
    const { node } = await introduced({ autoAck: false });
    wire.publish('NodeRegistrationAccepted', node);
    wire.publish('NodeRegistrationAckTimedOut', node, { tags: { ack_round: '1', ack_rounds_left: '2' } });
    await seconds(300);
    expect(wire.introspections()).toHaveLength(1);
    expect(node.state).toBe('accepted');
  });
});

describe('a node whose attempt has ended', () => {
  const endings = [
    [
      'it acknowledged too late for the last time',
      'NodeRegistrationAckTimedOut',
      { tags: { ack_rounds_left: '0' } },
      2,
    ],
    ['its liveness expired', 'NodeLivenessExpired', {}, 2],
    ['it was rejected', 'NodeRegistrationRejected', {}, 60],
  ] as const;

  test.each(endings)('starts over with a new correlation_id when %s', async (_why, type, extra, afterSeconds) => {
    const { node } = await activeNode(wire);
    const first = node.correlation_id;
    wire.publish(type, node, extra);
    await seconds(afterSeconds - 1);
    expect(wire.introspections()).toHaveLength(1);
    expect(node.state).toBe('waiting');
    await seconds(1);
    expect(wire.introspections()).toMatchObject([{ correlation_id: first }, { reason: 'startup' }]);
    expect(node.correlation_id).not.toBe(first);
    wire.publish('NodeRegistrationAccepted', node);
    await settle();
    expect(wire.acks().at(-1)).toMatchObject({ correlation_id: node.correlation_id });
  });

  test('waits longer after each rejection, up to a quarter of an hour', async () => {
    const { node, emitted } = await introduced();
    for (const minutes of [1, 2, 4, 8, 15, 15]) {
      wire.publish('NodeRegistrationRejected', node);
      await seconds(minutes * 60);
    }
    expect(emitted('rejected')).toMatchObject(
      [60, 120, 240, 480, 900, 900].map((pause) => ({
        retry_in_ms: pause * 1_000,
        reason: 'version 0.9.0 is older than 1.0.0',
      })),
    );
    expect(new Set(wire.introspections().map((one) => one.correlation_id)).size).toBe(7);
  });

  test.each([
    ['NodeRegistrationRejected', 60_000],
    ['NodeLivenessExpired', 2_000],
  ])('waits as short as the first time after %s when it has been active in between', async (type, in_ms) => {
    const { node, emitted } = await activeNode(wire);
    wire.publish(type, node);
    await seconds(in_ms / 1_000);
    wire.publish('NodeRegistrationAccepted', node);
    wire.publish('NodeBecameActive', node);
    wire.publish(type, node);
    expect(emitted('startingOver')).toMatchObject([{ in_ms }, { in_ms }]);
  });

  test('is not moved by later events about that attempt', async () => {
    const { node } = await activeNode(wire);
    wire.publish('NodeLivenessExpired', node);
    wire.publish('NodeRegistrationAccepted', node);
    wire.publish('NodeBecameActive', node);
    wire.publish('NodeLivenessExpired', node);
    await settle();
    expect(node.state).toBe('waiting');
    await seconds(2);
    expect(wire.introspections()).toHaveLength(2);
  });

  test('goes on with that attempt when the registrar replays it under a higher number', async () => {
    const { node } = await activeNode(wire);
    const { correlation_id } = node;
    wire.publish('NodeLivenessExpired', node);
    wire.publish('NodeRegistrationAccepted', node, { tags: { attempt: '2' } });
    await settle();
    expect(wire.acks().at(-1)).toMatchObject({ correlation_id });
    expect(node.state).toBe('acknowledged');
    wire.publish('NodeBecameActive', node, { tags: { attempt: '2' } });
    expect(node.state).toBe('active');
    await seconds(120);
    expect(wire.introspections()).toHaveLength(1);
  });

  test('does not beat until it has acknowledged again', async () => {
    const { node } = await activeNode(wire);
    await seconds(10);
    wire.publish('NodeRegistrationRejected', node);
    await settle();
    const before = wire.heartbeats().length;
    await seconds(59);
    expect(wire.heartbeats()).toHaveLength(before);
  });
});

describe('a node that is asked to introduce itself', () => {
  test('answers with a new correlation_id while it is active, and stays active', async () => {
    const { node } = await activeNode(wire);
    wire.publish('RequestIntrospection', { node_id: node.node_id, correlation_id: null });
    await settle();
    expect(wire.introspections()).toHaveLength(2);
    expect(wire.introspections()[1]).toMatchObject({ reason: 'request' });
    expect(wire.introspections()[1]?.correlation_id).not.toBe(node.correlation_id);
    expect(node.state).toBe('active');
  });

  test('answers under the correlation_id of the request, and never twice under the same one', async () => {
    const { node } = await activeNode(wire);
    for (const correlation_id of ['please', 'please', node.correlation_id]) {
      wire.publish('RequestIntrospection', { node_id: node.node_id, correlation_id });
      await settle();
    }
    const [, first, second, third] = wire.introspections();
    expect(third?.correlation_id).not.toBe(node.correlation_id);
    expect(first?.correlation_id).toBe('please');
    expect(second?.correlation_id).not.toBe('please');
  });

  test('acknowledges the attempt that its answer has opened', async () => {
    const { node } = await activeNode(wire);
    wire.publish('RequestIntrospection', node);
    await settle();
    wire.publish('RequestIntrospection', node);
    await settle();
    const answer = wire.introspections()[1];
    if (answer === undefined) throw new Error('no answer');
    wire.publish('NodeRegistrationAccepted', answer);
    await settle();
    expect(wire.acks().at(-1)).toMatchObject({ correlation_id: answer.correlation_id });
    expect(node.state).toBe('acknowledged');
    wire.publish('NodeBecameActive', answer);
    expect(node.state).toBe('active');
  });

  test('starts over at once where its life was lost', async () => {
    const { node } = await activeNode(wire);
    wire.publish('NodeLivenessExpired', node);
    wire.publish('RequestIntrospection', node);
    await settle();
    expect(wire.introspections().at(-1)).toMatchObject({ reason: 'startup', correlation_id: node.correlation_id });
    await seconds(4);
    expect(wire.introspections()).toHaveLength(2);
  });

  test('does nothing when somebody else is asked', async () => {
    await activeNode(wire);
    wire.publish('RequestIntrospection', { node_id: 'somebody-else', correlation_id: null });
    await settle();
    expect(wire.introspections()).toHaveLength(1);
  });
});

describe('heartbeats', () => {
  test('come every ten seconds where the registrar gives no interval, with the state of the process', async () => {
    const { node } = await activeNode(wire, { activeOperations: () => 3 });
    await seconds(30);
    expect(wire.heartbeats()).toHaveLength(4);
    expect(wire.heartbeats().at(-1)).toMatchObject({
      node_id: node.node_id,
      node_type: 'effect',
      uptime_seconds: 30,
      active_operations_count: 3,
      correlation_id: node.correlation_id,
    });
    expect(wire.heartbeats()[0]?.memory_usage_mb).toBeGreaterThan(0);
  });

  test('come at the interval that accepted brings', async () => {
    const { node } = await introduced();
    wire.publish('NodeRegistrationAccepted', node, { tags: { heartbeat_interval_seconds: '2' } });
    await seconds(20);
    expect(wire.heartbeats()).toHaveLength(11);
    expect(node.heartbeat_interval_seconds).toBe(2);
  });

  test('change their interval when became-active brings another one', async () => {
    const { node } = await introduced();
    wire.publish('NodeRegistrationAccepted', node, { tags: { heartbeat_interval_seconds: '600' } });
    await settle();
    wire.publish('NodeBecameActive', node, { tags: { heartbeat_interval_seconds: '1' } });
    await settle();
    const before = wire.heartbeats().length;
    await seconds(10);
    expect(wire.heartbeats()).toHaveLength(before + 10);
  });

  test('start at a random part of the interval', async () => {
    vi.mocked(Math.random).mockReturnValue(0.5);
    await activeNode(wire);
    await seconds(4.9);
    expect(wire.heartbeats()).toHaveLength(0);
    await seconds(0.2);
    expect(wire.heartbeats()).toHaveLength(1);
  });

  test('go on when the callback for active operations fails, and it is a problem', async () => {
    const { emitted } = await activeNode(wire, {
      activeOperations: () => {
        throw new Error('no idea');
      },
    });
    await seconds(10);
    expect(wire.heartbeats().at(-1)).toMatchObject({ active_operations_count: 0 });
    expect(emitted('problem')[0]).toMatchObject({ cause: new Error('no idea') });
  });
});

describe('when Kafka is away', () => {
  test('a node that starts waits, reports it, and introduces itself when Kafka is there', async () => {
    wire.down = true;
    const { node, emitted } = await introduced({ node_id: 'mailer-1' });
    await seconds(10);
    expect(node.state).toBe('connecting');
    expect(emitted('problem')).toMatchObject([
      { message: expect.stringContaining('node mailer-1 waits for Kafka at nowhere:1') as string },
    ]);
    wire.down = false;
    await seconds(1);
    expect(wire.introspections()).toHaveLength(1);
    expect(emitted('recovered')).toHaveLength(1);
  });

  test('an ack is sent again until Kafka has it; that is one problem, not one for each try', async () => {
    const { node, emitted } = await introduced();
    wire.down = true;
    wire.publish('NodeRegistrationAccepted', node);
    await seconds(20);
    expect(wire.acks()).toEqual([]);
    expect(emitted('problem')).toHaveLength(1);
    wire.down = false;
    await seconds(10);
    expect(wire.acks()).toHaveLength(1);
    expect(emitted('recovered')).toHaveLength(1);
  });

  test('ack() by hand rejects and can be called again', async () => {
    const { node } = await introduced({ autoAck: false });
    wire.publish('NodeRegistrationAccepted', node);
    wire.down = true;
    await expect(node.ack()).rejects.toThrow('could not send its acknowledgement');
    wire.down = false;
    await node.ack();
    expect(node.state).toBe('acknowledged');
  });

  test('a consumer that has ended for good is replaced by one that misses nothing', async () => {
    const { node, emitted } = await introduced();
    wire.crash();
    await seconds(2);
    expect(wire.subscriptions.map(({ from }) => from)).toEqual(['now', 'where it left off']);
    expect(emitted('problem')).toHaveLength(1);
    wire.publish('NodeRegistrationAccepted', node);
    await settle();
    expect(wire.acks()).toHaveLength(1);
  });
});

describe('a node that stops', () => {
  test('sends a goodbye with a correlation_id of its own, closes, and beats no more', async () => {
    const { node, emitted } = await activeNode(wire);
    await node.stop();
    const goodbye = wire.introspections().at(-1);
    expect(goodbye).toMatchObject({ reason: 'shutdown' });
    expect(goodbye?.correlation_id).not.toBe(node.correlation_id);
    expect(emitted('left')).toMatchObject([{ announced: true }]);
    expect(wire.closed).toBe(true);
    const sent = wire.sent.length;
    await seconds(120);
    expect(wire.sent).toHaveLength(sent);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('gives up after the timeout when Kafka is away, and reports what follows', async () => {
    const { node, emitted } = await activeNode(wire);
    wire.down = true;
    const stopped = node.stop({ timeoutMs: 2_000 });
    await seconds(3);
    await stopped;
    expect(emitted('left')).toMatchObject([{ announced: false }]);
    expect(emitted('problem').at(-1)).toMatchObject({
      message: expect.stringContaining('stays in the registry until its lease expires') as string,
    });
  });

  test('sends no goodbye when it never introduced itself', async () => {
    wire.down = true;
    const { node, active } = await introduced();
    const stopped = node.stop();
    await seconds(1);
    await stopped;
    await expect(active).rejects.toThrow('was stopped before it was active');
    expect(wire.sent).toEqual([]);
    await expect(node.start()).rejects.toThrow('make a new RegisteredNode');
  });

  test('stops once, however often it is asked', async () => {
    const { node } = await activeNode(wire);
    await Promise.all([node.stop(), node.stop()]);
    expect(wire.introspections().filter(({ reason }) => reason === 'shutdown')).toHaveLength(1);
  });

  test('may be stopped before it was started', async () => {
    const { node, emitted } = nodeOn(wire);
    await node.stop();
    expect(emitted('left')).toMatchObject([{ announced: false }]);
    expect(emitted('problem')).toEqual([]);
  });
});

describe('listeners', () => {
  test('that fail do not stop the node', async () => {
    const hub = hubOn(wire);
    const node = new RegisteredNode({ hub, node_type: 'compute', version: '1.0.0' });
    node.on('state', () => {
      throw new Error('listener');
    });
    const active = node.start();
    await settle();
    wire.publish('NodeRegistrationAccepted', node);
    await settle();
    wire.publish('NodeBecameActive', node);
    await active;
    expect(node.state).toBe('active');
  });
});
