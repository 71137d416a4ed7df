import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildIntrospection } from '../../src/protocol/introspection.js';
import { eventually, Installation } from './installation.js';

let registrar: Installation;
beforeAll(async () => {
  registrar = await Installation.start();
});
afterAll(async () => {
  await registrar.stop();
});

describe('a node that restarts over and over, while its activities are in flight', () => {
  it('ends up registered once, by its last incarnation, whatever was cancelled on the way', async () => {
    const node_id = `restless-${randomUUID()}`;
    let last = '';
    for (let epoch = 1; epoch <= 30; epoch++) {
      last = randomUUID();
      const { value } = buildIntrospection(
        {
          node_id,
          node_type: 'effect',
          node_version: '1.0.0',
          endpoints: { health: 'http://10.0.0.1/health' },
          capabilities: [],
          epoch,
          correlation_id: last,
          reason: 'startup',
        },
        new Date(),
      );
      await registrar.send('NodeIntrospectionEvent', value);
      // From at once to later than both backends need: cancelled before, during and just after they answer.
      await new Promise((resolve) => setTimeout(resolve, (epoch * 7) % 60));
    }
    const registration = await eventually('its last incarnation is accepted', 40, async () => {
      const status = await registrar.status(node_id).catch(() => null);
      return status?.registration?.incarnation?.correlation_id === last && status.registration.state === 'AWAITING_ACK'
        ? status.registration
        : null;
    });
    const accepted = () =>
      registrar
        .of(node_id)
        .filter(({ event }) => event.event_type === 'NodeRegistrationAccepted' && event.correlation_id === last);
    await eventually('its acceptance is read', 30, () => accepted().length > 0);
    expect(accepted()).toHaveLength(1);
    expect(await registrar.catalog.instance(node_id)).toMatchObject({
      attempt: registration.attempt,
      status: 'critical',
    });
    const ids = registrar.of(node_id).map(({ event }) => event.id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
