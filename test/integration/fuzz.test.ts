import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fuzz } from '../fuzz/run.js';
import { seeds } from '../run/seeds.js';
import { eventually, Installation } from './installation.js';

let registrar: Installation;

beforeAll(async () => {
  registrar = await Installation.start();
});

afterAll(async () => {
  await registrar.stop();
});

it('among thousands of records that nobody can use every odd but valid node becomes active, and each reject has a reason', async () => {
  const seed = seeds().at(-1) ?? 0;
  const { faults, ...rest } = await fuzz(registrar, { seed, garbage: 3_000, nodes: 20, heartbeats: 400, within: 50 });
  expect(faults).toEqual([]);
  expect(rest.nodes).toBe(20);
  expect(rest.totals.refused).toBeGreaterThan(2_000);
  expect(rest.signals).toBeGreaterThanOrEqual(2 * 20);
  expect(Object.keys(rest.codes).sort()).toEqual(['invalid_field', 'not_json', 'undecodable']);
});

it('ids that only look like a UUID hold up nobody: the node becomes active', async () => {
  const odd = '12345678-1234-1234-1234-123456789012';
  const node_id = `odd-ids-${randomUUID()}`;
  const correlation_id = randomUUID();
  const payload = { node_id, node_type: 'effect', endpoints: ['http://10.0.0.1:8080'], correlation_id };
  await registrar.send('NodeIntrospectionEvent', JSON.stringify({ payload, envelope_id: odd, correlation_id }));
  const published = (type: string) => registrar.of(node_id).some(({ event }) => event.event_type === type);
  await eventually('it is accepted', 40, () => published('NodeRegistrationAccepted'));
  await registrar.send('NodeRegistrationAcked', JSON.stringify({ node_id, correlation_id, command_id: odd }));
  await eventually('it is active', 40, () => published('NodeBecameActive'));
});
