import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRegistryRow } from '../../src/registry/rows/read-registry-row.js';
import { eventually, Installation } from './installation.js';

let registrar: Installation;
beforeAll(async () => {
  registrar = await Installation.start();
});
afterAll(async () => {
  await registrar.stop();
});

describe("the specification's event timeline", () => {
  it('holds from introspection to ACTIVE, on real servers', async () => {
    const node = registrar.node({ node_type: 'effect' });
    await node.start();
    const { node_id } = node;

    // T+4, T+12, T+17: what was published, chained by cause and in time.
    const events = await eventually('four events are published', 30, () => {
      const found = registrar.of(node_id);
      return found.length >= 4 && found;
    });
    const timeline = [
      'NodeRegistrationInitiated',
      'NodeRegistrationAccepted',
      'NodeRegistrationAckReceived',
      'NodeBecameActive',
    ];
    expect(events).toHaveLength(timeline.length);
    // Each on its own topic. Two that are sent at once may be read in any order, since their topics differ.
    const topicOf = new Map(events.map(({ topic, event }) => [event.event_type as string, topic]));
    expect(timeline.map((type) => topicOf.get(type)?.split('.').slice(1).join('.'))).toEqual([
      'onex.evt.node-registration-initiated.v1',
      'onex.evt.node-registration-accepted.v1',
      'onex.evt.node-registration-ack-received.v1',
      'onex.evt.node-became-active.v1',
    ]);
    const chain = timeline.map((type) => events.find(({ event }) => event.event_type === type)?.event);
    const [initiated, accepted, ackReceived, active] = chain;
    expect(accepted?.causation_id).toBe(initiated?.id);
    expect(active?.causation_id).toBe(ackReceived?.id);
    const emitted = chain.map((event) => event?.emitted_at ?? '');
    expect(emitted).toEqual([...emitted].sort());

    // The internal rows, from the workflow's history: local activities as markers, both effects side by side.
    // Local activities are written down with their workflow task: the node may read its last event a moment before.
    const history = await eventually('the last workflow task is written down', 30, async () => {
      const { events: written = [] } = await registrar.handle(node_id).fetchHistory();
      return (
        written !== null && written.some((event) => event.upsertWorkflowSearchAttributesEventAttributes) && written
      );
    });
    const start = history[0]?.workflowExecutionStartedEventAttributes;
    expect(start?.workflowType?.name).toBe('registration');
    const signals = history.flatMap((event) => event.workflowExecutionSignaledEventAttributes?.signalName ?? []);
    expect(signals).toEqual(['introspection', 'ack']);
    const asked = history.flatMap((event) => {
      const marker = event.markerRecordedEventAttributes?.details?.['data']?.payloads?.[0]?.data;
      if (marker !== undefined && marker !== null)
        return [
          { name: (JSON.parse(Buffer.from(marker).toString()) as { activity_type: string }).activity_type, task: 0 },
        ];
      const ordinary = event.activityTaskScheduledEventAttributes;
      return ordinary?.activityType?.name
        ? [{ name: ordinary.activityType.name, task: Number(ordinary.workflowTaskCompletedEventId) }]
        : [];
    });
    // By first and last appearance: on a busy machine a local activity may go on as an ordinary one.
    const first = (name: string): number => asked.findIndex((one) => one.name === name);
    const last = (name: string): number => asked.findLastIndex((one) => one.name === name);
    expect(first('open_attempt')).toBe(0);
    expect(first('publish_events')).toBeGreaterThan(last('open_attempt'));
    for (const effect of ['consul.register', 'postgres.upsert_registration'])
      expect(first(effect)).toBeGreaterThan(first('publish_events'));
    expect(asked[first('consul.register')]?.task).toBe(asked[first('postgres.upsert_registration')]?.task);
    for (const effect of ['consul.pass', 'postgres.update_registration']) {
      expect(first(effect)).toBeGreaterThan(last('consul.register'));
      expect(first(effect)).toBeGreaterThan(last('postgres.upsert_registration'));
      expect(last('publish_events')).toBeGreaterThan(last(effect));
    }

    // The states, in order, as the workflow's journal has them.
    const { journal, registration } = await registrar.status(node_id);
    const states = journal.flatMap(({ what }) => / -> (\w+)/.exec(what)?.[1] ?? []);
    expect(states).toEqual(['PENDING_REGISTRATION', 'ACCEPTED', 'AWAITING_ACK', 'ACK_RECEIVED', 'ACTIVE']);
    expect(registration?.reducer).toMatchObject({
      status: 'complete',
      consul_confirmed: true,
      postgres_confirmed: true,
    });

    // T+8: both backends, read back with their own clients.
    const row = await readRegistryRow(registrar.pool, node_id);
    expect(row).toMatchObject({
      node_id,
      node_type: 'effect',
      state: 'ACTIVE',
      reducer_status: 'complete',
      attempt: 1,
      capabilities: ['registration.storage'],
    });
    const instance = await registrar.catalog.instance(node_id);
    expect(instance).toMatchObject({
      service_name: 'onex-effect',
      service_id: `onex-effect-${node_id}`,
      status: 'passing',
      address: '10.0.0.1',
      port: 8080,
    });
    expect(instance?.tags).toContain('node_type:effect');
    expect((await registrar.catalog.passingInstances('onex-effect')).map((one) => one.node_id)).toContain(node_id);
  });

  it('ends when the node leaves: out of Consul, DEREGISTERED in the registry, the run completed', async () => {
    const node = registrar.node({ node_type: 'reducer' });
    await node.start();
    await node.stop();
    const result = (await registrar.handle(node.node_id).result()) as { state: string; reason: string };
    expect(result).toMatchObject({ state: 'DEREGISTERED', reason: 'the node left' });
    expect(await readRegistryRow(registrar.pool, node.node_id)).toMatchObject({
      state: 'DEREGISTERED',
      reason: 'the node left',
    });
    expect(await registrar.catalog.instance(node.node_id)).toBeFalsy();
  });
});
