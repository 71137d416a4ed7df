import type { OutgoingEvent } from '../../../src/protocol/published.js';

export const NODE = 'cd613e30-d8f1-4adf-91b7-584a2265b1f5';
export const CORRELATION = '1e2feb89-414c-443c-9027-c4d1c386bbc4';

/** Of each event type what is its own: payload, and what the shipped contract adds. */
export const SAMPLE_EVENTS: Readonly<Record<string, Pick<OutgoingEvent, 'payload'> & Partial<OutgoingEvent>>> = {
  NodeRegistrationInitiated: { payload: { registration_attempt_id: CORRELATION } },
  NodeRegistrationAccepted: { payload: {}, stamps: { ack_deadline: 30 }, ids_at_top: true },
  NodeRegistrationRejected: { payload: { rejection_reason: 'version below 2.0.0' } },
  NodeRegistrationAckReceived: { payload: { liveness_deadline: '2026-01-31T12:00:30.000Z' } },
  NodeRegistrationAckTimedOut: { payload: { deadline_at: '2026-01-31T12:00:30.000Z', previous_state: 'AWAITING_ACK' } },
  NodeBecameActive: {
    payload: { capabilities: ['storage', 'config', 'feature_flags'] },
    tags: { liveness_deadline: '2026-01-31T12:00:30.000Z' },
  },
  NodeLivenessExpired: { payload: { last_heartbeat_at: null } },
  NodeDraining: { payload: { drain_reason: 'ada: a new disk' } },
  NodeDeregistered: { payload: { deregistration_reason: 'the node left' } },
  RequestIntrospection: { payload: { target_node_id: NODE }, ids_at_top: true },
};

/** An event of a type, with every field that its schema needs. */
export function sampleEvent(event_type: string, more: Partial<OutgoingEvent> = {}): OutgoingEvent {
  return {
    id: '5dfbd3d1-2c4a-4698-aa2c-a1af6a107b75',
    event_type,
    topic: '{env}.onex.evt.some.v1',
    node_id: NODE,
    correlation_id: CORRELATION,
    causation_id: '701966a0-c381-488f-b8c0-c8fd8712b8bc',
    payload: {},
    ids_at_top: false,
    stamps: {},
    tags: {},
    ...SAMPLE_EVENTS[event_type],
    ...more,
  };
}
