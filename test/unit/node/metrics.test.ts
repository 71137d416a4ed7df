import { Registry } from 'prom-client';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { NodeMetrics } from '../../../src/node/metrics.js';
import { nodeOn, seconds, settle, Wire } from './node-harness.js';

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

it('nodes show Prometheus what they send, where they stand, and how their attempts end', async () => {
  const registry = new Registry();
  const metrics = new NodeMetrics(registry);
  const { node } = nodeOn(wire, {});
  metrics.observe(node);
  const shown = async (name: string) =>
    Object.fromEntries(
      ((await registry.getSingleMetric(name)?.get())?.values ?? []).map(({ labels, value }) => [
        Object.values(labels).join(),
        value,
      ]),
    );

  void node.start();
  await settle();
  expect(await shown('registrar_node_states')).toEqual({ introducing: 1 });
  wire.publish('NodeRegistrationAccepted', node);
  await settle();
  await seconds(2);
  wire.publish('NodeBecameActive', node);
  await settle();
  expect(await shown('registrar_node_states')).toEqual({ active: 1 });
  expect(await shown('registrar_node_messages_sent_total')).toMatchObject({ introspection: 1, ack: 1 });
  expect(await registry.getSingleMetricAsString('registrar_node_registration_seconds')).toContain(
    'registrar_node_registration_seconds_sum 2',
  );

  wire.publish('NodeLivenessExpired', node);
  await settle();
  expect(await shown('registrar_node_endings_total')).toEqual({ 'liveness expired': 1 });
  await node.stop();
  expect(await shown('registrar_node_states')).toEqual({});
});
