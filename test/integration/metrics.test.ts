import { afterAll, beforeAll, expect, it } from 'vitest';
import { choosePorts, portOf } from '../../src/stack/ports.js';
import { eventually, Installation } from './installation.js';

/** Bridge and worker as in production: processes of their own, each with the address to serve at in its environment. */
let registrar: Installation;
let bridge: string;
let worker: string;
beforeAll(async () => {
  const ports = await choosePorts({ bridge: 9464, worker: 9465 });
  [bridge, worker] = [`127.0.0.1:${portOf(ports, 'bridge')}`, `127.0.0.1:${portOf(ports, 'worker')}`];
  Object.assign(process.env, { REGISTRAR_BRIDGE_METRICS: bridge, REGISTRAR_WORKER_METRICS: worker.split(':')[1] });
  registrar = await Installation.prepare();
  await Promise.all([registrar.replica('bridge'), registrar.replica('worker')]);
});
afterAll(async () => {
  await registrar.stop();
});

const scrape = async (address: string): Promise<string> => (await fetch(`http://${address}/metrics`)).text();

it('of bridge and worker show what a node’s registration has done', async () => {
  const node = registrar.node();
  await node.start();
  const text = await eventually(
    'the bridge shows a heartbeat, and has read self-preservation since the node has its lease',
    30,
    async () => {
      const text = await scrape(bridge);
      return /^registrar_bridge_heartbeats_total [1-9]/m.test(text) &&
        /^registrar_self_preservation_active 1$/m.test(text)
        ? text
        : null;
    },
  );
  expect(text).toMatch(/^registrar_bridge_introspections_total 1$/m);
  expect(text).toMatch(/^registrar_bridge_acks_total 1$/m);
  expect(text).toMatch(/^registrar_self_preservation_held 0$/m);
  expect(text).toMatch(/^registrar_watermark_age_seconds\{topic="[^"]+node-heartbeat\.v1"\} \d/m);
  expect(text).toMatch(/^registrar_consumer_lag_records\{topic="[^"]+node-introspection\.v1"\} 0$/m);
  expect(await scrape(worker)).toMatch(
    /^temporal_activity_execution_latency_seconds_count\{[^}]*activity_type="consul\.register"[^}]*\} 1$/m,
  );
});
