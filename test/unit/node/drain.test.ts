import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { activeNode, nodeOn, seconds, settle, Wire } from './node-harness.js';

let wire: Wire;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
  vi.spyOn(Math, 'random').mockReturnValue(0);
  wire = new Wire();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** The registrar has read the request, and published what it led to, a moment later. */
async function answered(event_type: string, node: Awaited<ReturnType<typeof activeNode>>['node']): Promise<void> {
  await settle();
  await seconds(1);
  wire.publish(event_type, node);
  await settle();
}

describe('a node that drains', () => {
  test('asks for it under its attempt, and waits until the registrar says so', async () => {
    const { node, emitted } = await activeNode(wire);
    const draining = node.drain({ reason: 'too hot' });
    await answered('NodeDraining', node);
    await draining;
    expect(node.state).toBe('draining');
    expect(wire.drainRequests()).toMatchObject([
      { node_id: node.node_id, correlation_id: node.correlation_id, draining: true, reason: 'too hot' },
    ]);
    expect(emitted('draining')).toMatchObject([{ reason: 'ada: a new disk' }]);
  });

  test('beats on, and asks no more', async () => {
    const { node } = await activeNode(wire);
    const draining = node.drain();
    await answered('NodeDraining', node);
    await draining;
    const before = wire.heartbeats().length;
    await seconds(60);
    expect(wire.heartbeats().length).toBeGreaterThan(before);
    expect(wire.drainRequests()).toHaveLength(1);
  });

  test('asks again with the same request until it is answered: a repeat does nothing', async () => {
    const { node } = await activeNode(wire);
    const draining = node.drain();
    await settle();
    await seconds(30);
    const ids = wire.drainRequests().map(({ message_id }) => message_id);
    expect(ids.length).toBeGreaterThan(1);
    expect(new Set(ids).size).toBe(1);
    await answered('NodeDraining', node);
    await draining;
  });

  test('is found again after undrain()', async () => {
    const { node } = await activeNode(wire);
    const draining = node.drain();
    await answered('NodeDraining', node);
    await draining;
    const found = node.undrain();
    await answered('NodeBecameActive', node);
    await found;
    expect(node.state).toBe('active');
    expect(wire.drainRequests().map(({ draining: drains }) => drains)).toEqual([true, false]);
  });

  test('is found again when undrain() comes before the registrar has answered: the newest request counts', async () => {
    const { node } = await activeNode(wire);
    const given = expect(node.drain()).rejects.toThrow(
      /is not draining: the waiting was ended while it was active\. It does not ask any more/,
    );
    await settle();
    const found = node.undrain();
    await Promise.all([given, found]);
    await answered('NodeDraining', node);
    await seconds(60);
    expect(wire.drainRequests().map(({ draining }) => draining)).toEqual([true, false]);
    await answered('NodeBecameActive', node);
    expect(node.state).toBe('active');
  });

  test('and gave up waiting for it takes it back with undrain(): its request may be handled yet', async () => {
    const { node } = await activeNode(wire);
    const late = expect(node.drain({ timeoutMs: 100 })).rejects.toThrow(/is not draining after 100 ms/);
    await seconds(1);
    await late;
    wire.down = true;
    const unheard = expect(node.undrain({ timeoutMs: 1_000 })).rejects.toThrow(/is not active after 1000 ms/);
    await seconds(2);
    await unheard;
    wire.down = false;
    await node.undrain();
    expect(wire.drainRequests().map(({ draining }) => draining)).toEqual([true, false]);
  });

  test('by an operator reads that, and asks for nothing itself', async () => {
    const { node } = await activeNode(wire);
    const reasons: string[] = [];
    node.on('draining', ({ reason }) => reasons.push(reason));
    await answered('NodeDraining', node);
    await node.drain();
    expect(reasons).toEqual(['ada: a new disk']);
    expect(wire.drainRequests()).toEqual([]);
  });

  test('and reads that it was active later is draining all the same: topics are read one by one', async () => {
    const { node } = await activeNode(wire);
    const early = new Wire();
    const other = nodeOn(early);
    other.node.start().catch(() => 'its state is looked at');
    await settle();
    early.publish('NodeBecameActive', other.node);
    await settle();
    expect(other.node.state).toBe('active');
    // Sent before, and read after.
    vi.setSystemTime(Date.now() + 10_000);
    early.publish('NodeDraining', other.node);
    vi.setSystemTime(Date.now() - 5_000);
    early.publish('NodeBecameActive', other.node);
    await settle();
    expect(other.node.state).toBe('draining');
    expect(node.state).toBe('active');
  });

  test('and reads first that it was active again, and then that it drained before, is active', async () => {
    const { node } = await activeNode(wire);
    const at = Date.now();
    vi.setSystemTime(at + 2_000);
    wire.publish('NodeBecameActive', node);
    vi.setSystemTime(at + 1_000);
    wire.publish('NodeDraining', node);
    await settle();
    expect(node.state).toBe('active');
  });

  test('and is found again by somebody else before it reads so knows its answer, and asks no more', async () => {
    const { node } = await activeNode(wire);
    const draining = node.drain();
    await settle();
    const causation_id = wire.drainRequests()[0]?.message_id ?? expect.fail('it has not asked');
    const at = Date.now();
    vi.setSystemTime(at + 2_000);
    wire.publish('NodeBecameActive', node);
    vi.setSystemTime(at + 1_000);
    wire.publish('NodeDraining', node, { causation_id });
    await draining;
    expect(node.state).toBe('active');
    await seconds(60);
    expect(wire.drainRequests()).toHaveLength(1);
  });

  test('and is found again reads the same in any order of the topics', async () => {
    const { node } = await activeNode(wire);
    const at = Date.now();
    vi.setSystemTime(at + 3_000);
    wire.publish('NodeDraining', node);
    vi.setSystemTime(at + 2_000);
    wire.publish('NodeBecameActive', node);
    vi.setSystemTime(at + 1_000);
    wire.publish('NodeDraining', node);
    await settle();
    expect(node.state).toBe('draining');
  });

  test('before it is registered is refused in words', async () => {
    const { node } = nodeOn(wire);
    await expect(node.drain()).rejects.toThrow('cannot be drained now: it is idle. Wait for its event "active"');
  });

  test.each([
    ['NodeLivenessExpired', /is not draining: its registration has ended, and it is waiting/],
    ['NodeDeregistered', /is not draining: its registration has ended, and it is waiting/],
  ])('and ends meanwhile (%s) says so, and asks no more', async (event_type, words) => {
    const { node } = await activeNode(wire);
    const draining = node.drain();
    const refused = expect(draining).rejects.toThrow(words);
    await answered(event_type, node);
    await refused;
    const before = wire.drainRequests().length;
    await seconds(60);
    expect(wire.drainRequests()).toHaveLength(before);
  });

  test('gives up waiting after the time that it was given, and asks no more', async () => {
    const { node } = await activeNode(wire);
    const refused = expect(node.drain({ timeoutMs: 3_000 })).rejects.toThrow(
      /is not draining after 3000 ms: it is active\. See that the registrar runs; the node does not ask any more/,
    );
    await seconds(4);
    await refused;
    const before = wire.drainRequests().length;
    await seconds(60);
    expect(wire.drainRequests()).toHaveLength(before);
    expect(node.state).toBe('active');
  });
});

describe('a node that somebody else deregisters', () => {
  test('says why, and starts over', async () => {
    const { node } = await activeNode(wire);
    const reasons: string[] = [];
    node.on('deregistered', ({ reason }) => reasons.push(reason));
    const before = node.correlation_id;
    wire.publish('NodeDeregistered', node);
    await settle();
    expect([reasons, node.state]).toEqual([['evicted by ada: a new disk'], 'waiting']);
    await seconds(120);
    expect(node.correlation_id).not.toBe(before);
    expect(wire.introspections().at(-1)).toMatchObject({ reason: 'startup', correlation_id: node.correlation_id });
  });
});
