import { loadContracts } from '../../src/contracts/load.js';
import { buildAck } from '../../src/protocol/ack.js';
import type { OutgoingRecord } from '../../src/protocol/envelope.js';
import { buildHeartbeat } from '../../src/protocol/heartbeat.js';
import { buildIntrospection } from '../../src/protocol/introspection.js';
import { buildPublished, PUBLISHED_EVENT_TYPES } from '../../src/protocol/published.js';
import { CORRELATION, NODE, sampleEvent } from '../unit/protocol/sample-events.js';

/**
 * Prints one record of each kind that a registrar or a node of ours publishes, a JSON line each, for read_published.py.
 */

const sentAt = new Date('2026-01-31T12:00:00.000Z');
const templates = Object.values(loadContracts().compiled.events);

for (const event_type of PUBLISHED_EVENT_TYPES) {
  const template = templates.find((one) => one.event_type === event_type);
  if (template === undefined) throw new Error(`the shipped contract publishes no ${event_type}`);
  const event = sampleEvent(event_type, { ids_at_top: template.ids_at_top });
  print(event_type, template.ids_at_top, buildPublished(event, { sentAt, source: 'node-registrar' }));
}

const node = { node_id: NODE, node_type: 'effect', node_version: '1.2.3-rc.1' } as const;
const description = { endpoints: { api: 'http://10.0.0.7:8080' }, capabilities: ['mail.send', 'config'] };
print(
  'NodeIntrospectionEvent',
  false,
  buildIntrospection({ ...node, ...description, correlation_id: CORRELATION, reason: 'startup', epoch: 3 }, sentAt),
);
print('NodeRegistrationAcked', false, buildAck({ node_id: NODE, correlation_id: CORRELATION }, sentAt));
print('NodeHeartbeatEvent', false, buildHeartbeat({ ...node, uptime_seconds: 3.5, cpu_usage_percent: 12 }, sentAt));

function print(event_type: string, ids_at_top: boolean, { key, headers, value }: OutgoingRecord): void {
  console.log(JSON.stringify({ event_type, ids_at_top, key, headers, value: value.toString() }));
}
