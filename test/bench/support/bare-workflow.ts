import { condition, defineSignal, proxyActivities, proxyLocalActivities, setHandler } from '@temporalio/workflow';
import type { Activities, EffectRequest } from '../../../activities/api.js';
import { derivedId } from '../../../src/protocol/ids.js';
import type { Introspection } from '../../../src/protocol/introspection.js';
import type { OutgoingEvent } from '../../../src/protocol/published.js';
import { ACK_SIGNAL, INTROSPECTION_SIGNAL, type AckSignal } from '../../../workflows/messages.js';

const introspectionSignal = defineSignal<[Introspection]>(INTROSPECTION_SIGNAL);
const ackSignal = defineSignal<[AckSignal]>(ACK_SIGNAL);

const quick = proxyLocalActivities<Activities>({
  startToCloseTimeout: '1500ms',
  scheduleToCloseTimeout: '3s',
  retry: { maximumAttempts: 2 },
});
const ordinary = proxyActivities<Activities>({ startToCloseTimeout: '10s' });

const ACK_SECONDS = 30;
const FIRST_DEADLINE_SECONDS = 30;
const WINDOW_SECONDS = 90;

/**
 * What a person would write by hand who wants a registration and nothing else:
 * the very activities of ours with the very requests, and no contract, no state
 * machine, no timers, no queries, no details. It stays open, as a node's does.
 */
export async function bare(): Promise<void> {
  let introspection: Introspection | undefined;
  let ack: AckSignal | undefined;
  setHandler(introspectionSignal, (message) => void (introspection = message));
  setHandler(ackSignal, (message) => void (ack = message));
  await condition(() => introspection !== undefined);
  if (introspection === undefined) return;
  const node = introspection;

  const initiated = event(node, 'NodeRegistrationInitiated', 'node-registration-initiated', node.message_id, {
    payload: { registration_attempt_id: derivedId(node.node_id, node.correlation_id, 1) },
  });
  await quick.publish_events([initiated]);
  await Promise.all([
    ordinary['consul.register'](consul(node, 'consul.register')),
    ordinary['postgres.upsert_registration'](
      postgres(node, 'postgres.upsert_registration', { state: 'PENDING_REGISTRATION', reducer_status: 'pending' }),
    ),
  ]);
  const accepted = event(node, 'NodeRegistrationAccepted', 'node-registration-accepted', initiated.id, {
    stamps: { ack_deadline: ACK_SECONDS },
    tags: { ack_round: '1', heartbeat_interval_seconds: '10' },
  });
  const { sent_at } = await quick.publish_events([accepted]);

  await condition(() => ack !== undefined);
  const ack_deadline = after(sent_at, ACK_SECONDS);
  const liveness_deadline = after(new Date().toISOString(), FIRST_DEADLINE_SECONDS);
  await Promise.all([
    quick['consul.pass'](consul(node, 'consul.pass')),
    quick['postgres.update_registration'](
      postgres(node, 'postgres.update_registration', {
        state: 'ACTIVE',
        reducer_status: 'complete',
        reason: null,
        lease: 'open',
        ack_deadline,
        liveness_deadline,
        window_seconds: WINDOW_SECONDS,
        ended: false,
      }),
    ),
  ]);
  const acknowledged = event(
    node,
    'NodeRegistrationAckReceived',
    'node-registration-ack-received',
    ack?.message_id ?? '',
    { payload: { liveness_deadline } },
  );
  const active = event(node, 'NodeBecameActive', 'node-became-active', acknowledged.id, {
    payload: { capabilities: node.capabilities },
    tags: { liveness_deadline, heartbeat_interval_seconds: '10' },
  });
  await quick.publish_events([acknowledged, active]);
  await condition(() => false);
}

function after(at: string, seconds: number): string {
  return new Date(Date.parse(at) + seconds * 1000).toISOString();
}

function event(
  node: Introspection,
  event_type: string,
  topic: string,
  causation_id: string,
  more: Partial<Pick<OutgoingEvent, 'payload' | 'stamps' | 'tags'>>,
): OutgoingEvent {
  const { node_id, correlation_id } = node;
  return {
    id: derivedId(node_id, correlation_id, event_type, 1, 1),
    event_type,
    topic: `{env}.{namespace}.onex.evt.${topic}.v1`,
    node_id,
    correlation_id,
    causation_id,
    payload: {},
    ids_at_top: event_type === 'NodeRegistrationAccepted',
    stamps: {},
    ...more,
    tags: { attempt: '1', ...more.tags },
  };
}

function consul(node: Introspection, intent_type: string): EffectRequest {
  const { node_id, node_type, node_version, endpoints, correlation_id, capabilities } = node;
  const service_name = `onex-${node_type}`;
  const service_id = `${service_name}-${node_id}`;
  const payload = {
    intent_type,
    correlation_id,
    service_id,
    service_name,
    tags: [`node_type:${node_type}`, ...capabilities],
    node_id,
    node_type,
    node_version,
    endpoints,
  };
  return {
    node_id,
    attempt: 1,
    confirmation: `${intent_type}.done`,
    intent: { intent_type: 'extension', target: `consul://service/${service_id}`, payload },
  };
}

function postgres(node: Introspection, intent_type: string, more: Readonly<Record<string, unknown>>): EffectRequest {
  const { node_id, node_type, node_version, endpoints, correlation_id, capabilities, epoch, at } = node;
  const payload = {
    intent_type,
    correlation_id,
    node_id,
    node_type,
    node_version,
    endpoints,
    capabilities,
    epoch,
    introspected_at: at,
    contract_version: 'bare',
    ...more,
  };
  return {
    node_id,
    attempt: 1,
    confirmation: `${intent_type}.done`,
    intent: { intent_type: 'extension', target: `postgres://node_registrations/${node_id}`, payload },
  };
}
