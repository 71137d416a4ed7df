import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { eventually, Installation } from './installation.js';
import { startReceiver, treeOf } from './otlp-receiver.js';

/** Node, bridge and worker in processes of their own, and a collector of traces. */

let receiver: Awaited<ReturnType<typeof startReceiver>>;
let registrar: Installation;
beforeAll(async () => {
  receiver = await startReceiver();
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', receiver.endpoint);
  vi.stubEnv('OTEL_BSP_SCHEDULE_DELAY', '200');
  registrar = await Installation.prepare();
  await Promise.all([registrar.replica('worker'), registrar.replica('bridge')]);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await registrar.stop();
  await receiver.stop();
});

it('a registration is one trace: from the node through bridge and run to the events, the ack, and ACTIVE', async () => {
  const node_id = randomUUID();
  const node = registrar.process('node', '--id', node_id);
  const [, correlation_id = ''] = await node.says(/correlation_id (\S+)/);
  await node.says(/ACTIVE/);
  const trace = () => receiver.spans.filter(({ traceId }) => traceId === correlation_id.replaceAll('-', ''));
  await eventually('all of it was exported', 20, () => trace().length >= 16);
  expect(treeOf(trace()).map((line) => line.replace(`${registrar.config.env}.onex.`, ''))).toEqual([
    'onex-node: send evt.node-introspection.v1',
    '  node-registrar-bridge: process evt.node-introspection.v1',
    '    node-registrar-bridge: SignalWithStartWorkflow:registration',
    '      node-registrar-worker: RunActivity:consul.register',
    '      node-registrar-worker: RunActivity:open_attempt',
    '      node-registrar-worker: RunActivity:postgres.upsert_registration',
    '      node-registrar-worker: RunActivity:publish_events, published NodeRegistrationAccepted',
    '        onex-node: process NodeRegistrationAccepted',
    '          onex-node: send cmd.node-registration-acked.v1',
    '            node-registrar-bridge: process cmd.node-registration-acked.v1',
    '              node-registrar-bridge: SignalWorkflow:ack',
    '                node-registrar-worker: RunActivity:consul.pass',
    '                node-registrar-worker: RunActivity:postgres.update_registration',
    '                node-registrar-worker: RunActivity:publish_events, published NodeRegistrationAckReceived, published NodeBecameActive',
    '                  onex-node: process NodeBecameActive',
    '      node-registrar-worker: RunActivity:publish_events, published NodeRegistrationInitiated',
  ]);
});
