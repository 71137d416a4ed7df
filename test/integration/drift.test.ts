import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildIntrospection, type Reason } from '../../src/protocol/introspection.js';
import { eventually, Installation } from './installation.js';
import { registrar as command } from './cli-process.js';

let registrar: Installation;
beforeAll(async () => {
  registrar = await Installation.start();
});
afterAll(async () => {
  await registrar.stop();
});

/** The node speaks again, of changed data. */
async function says(node_id: string, reason: Reason, health: string): Promise<void> {
  const { value } = buildIntrospection(
    {
      node_id,
      node_type: 'effect',
      node_version: '1.2.3',
      endpoints: { health },
      capabilities: ['registration.storage'],
      correlation_id: randomUUID(),
      reason,
    },
    new Date(),
  );
  await registrar.send('NodeIntrospectionEvent', value);
}

/** As an operator does it by hand. */
async function deregisterByHand(node_id: string): Promise<void> {
  const answer = await fetch(`${registrar.catalog.url}/v1/catalog/deregister`, {
    method: 'PUT',
    body: JSON.stringify({ Node: `onex-${node_id}` }),
  });
  expect(answer.status).toBe(200);
  expect(await registrar.catalog.instance(node_id)).toBeNull();
}

async function activeNode(): Promise<string> {
  const node = registrar.node();
  await node.start();
  return node.node_id;
}

const isPassing = (node_id: string, seconds = 20) =>
  eventually(`${node_id} is passing`, seconds, async () => {
    const found = await registrar.catalog.instance(node_id);
    return found?.status === 'passing' ? found : null;
  });

describe('an active node that somebody took out of Consul', () => {
  it('is found again after its next refresh', async () => {
    const node_id = await activeNode();
    await deregisterByHand(node_id);
    await says(node_id, 'health_change', 'http://10.0.0.7:8080/health');
    expect(await isPassing(node_id)).toMatchObject({ address: '10.0.0.7', attempt: 1 });
  });

  it('is found again after a retry, without a new attempt', async () => {
    const node_id = await activeNode();
    await deregisterByHand(node_id);
    const retried = await command(registrar.environment, 'retry', node_id);
    expect(retried.code, retried.stderr).toBe(0);
    expect(retried.stdout).toContain('written again (attempt 1)');
    expect(await isPassing(node_id)).toMatchObject({ attempt: 1 });
  });
});

describe('data that Consul refuses', () => {
  it('end their refresh visibly, and newer data reach Consul', async () => {
    const node_id = await activeNode();
    await says(node_id, 'health_change', 'http://0.0.0.0:8080');
    const refused = await eventually('the refusal is known', 20, async () => {
      const { registration } = await registrar.status(node_id);
      return registration?.refresh_refused ?? null;
    });
    expect(refused).toBe('consul: Invalid service address');
    const { raw } = await registrar.handle(node_id).describe();
    expect(raw.pendingActivities ?? []).toEqual([]);
    expect(await registrar.catalog.instance(node_id)).toMatchObject({ address: '10.0.0.1', status: 'passing' });

    await says(node_id, 'health_change', 'http://10.0.0.8:8080/health');
    await eventually('the newer data are in Consul', 20, async () => {
      const found = await registrar.catalog.instance(node_id);
      return found?.address === '10.0.0.8' && found.status === 'passing';
    });
    expect((await registrar.status(node_id)).registration?.refresh_refused).toBeNull();
  });
});
