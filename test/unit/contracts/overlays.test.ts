import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadContracts, SHIPPED_CONTRACTS, type Contracts } from '../../../src/contracts/load.js';

describe('the overlay for nodes of the OmniNode platform', () => {
  const overlay = (): Contracts => loadContracts(join(SHIPPED_CONTRACTS, 'overlays/omninode-platform'));

  it('consumes their fixed topics, and no others', () => {
    expect(overlay().consumed).toEqual([
      { event_type: 'NodeIntrospectionEvent', topic: 'onex.evt.platform.node-introspection.v1' },
      { event_type: 'NodeRegistrationAcked', topic: 'onex.cmd.platform.node-registration-acked.v1' },
      { event_type: 'NodeHeartbeat', topic: 'onex.evt.platform.node-heartbeat.v1' },
      { event_type: 'NodeDrainRequested', topic: 'onex.cmd.platform.node-drain-requested.v1' },
    ]);
  });

  it('publishes every event on the topic that they read; dead letters stay on ours', () => {
    expect(overlay().topics).toEqual({
      emit_registration_initiated: 'onex.evt.platform.node-registration-initiated.v1',
      emit_registration_accepted: 'onex.evt.platform.node-registration-accepted.v1',
      emit_registration_rejected: 'onex.evt.platform.node-registration-rejected.v1',
      emit_ack_received: 'onex.evt.platform.node-registration-ack-received.v1',
      emit_ack_timed_out: 'onex.evt.platform.node-registration-ack-timed-out.v1',
      emit_became_active: 'onex.evt.platform.node-became-active.v1',
      emit_liveness_expired: 'onex.evt.platform.node-liveness-expired.v1',
      emit_draining: 'onex.evt.platform.node-draining.v1',
      emit_deregistered: 'onex.evt.platform.node-deregistered.v1',
      request_introspection: 'onex.cmd.platform.request-introspection.v1',
      dead_letter: loadContracts().topics.dead_letter,
    });
  });

  it('changes nothing but topics, which get no markers: their other readers cannot bear a record without a value', () => {
    const withoutTopics = ({ compiled, consumed: _, topics: __, ...rest }: Contracts) => ({
      ...rest,
      compiled: {
        ...compiled,
        version: null,
        events: Object.fromEntries(
          Object.entries(compiled.events).map(([action, event]) => [action, { ...event, topic: null }]),
        ),
      },
    });
    expect(withoutTopics(overlay())).toEqual({ ...withoutTopics(loadContracts()), stream_markers: false });
  });
});
