import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRegistration } from '../../src/registry/read-registration.js';
import { contractDirectory } from '../unit/contract-files.js';
import { eventually, Installation } from './installation.js';

/** Seconds are short so that a dead node is found while a test can wait for it. */
const SHORT = `
liveness: { first_deadline_seconds: 4, window_seconds: 4, grace_seconds: 1, heartbeat_interval_seconds: 2 }
timers: [{ timer: "liveness", seconds: 2 }]
`;

let registrar: Installation;
beforeAll(async () => {
  registrar = await Installation.start(contractDirectory({ orchestrator: SHORT }));
});
afterAll(async () => {
  await registrar.stop();
});

const state = async (node_id: string) => (await readRegistration(registrar.pool, node_id))?.state;

/** A node in a process of its own, through the CLI, so that it can really be killed. */
function processOf(node_id: string) {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', 'node', '--id', node_id, '--type', 'compute', '--version', '1.0.0'], {
    env: { ...process.env, REGISTRAR_ENV: registrar.config.env },
    stdio: 'ignore',
  });
  return child;
}

describe('an active node', () => {
  it('that beats stays active for many windows', async () => {
    const node = registrar.node();
    await node.start();
    await new Promise((resolve) => setTimeout(resolve, 12_000));
    expect(await state(node.node_id)).toBe('ACTIVE');
    const { registration, journal } = await registrar.status(node.node_id);
    expect(registration).toMatchObject({ state: 'ACTIVE', attempt: 1 });
    expect(journal.filter(({ what }) => what.startsWith('ignored'))).toEqual([]);
  });

  it('killed with -9 is found dead, published as expired, and out of Consul; when it starts again it is active again', async () => {
    const node_id = `killed-${randomUUID()}`;
    const first = processOf(node_id);
    await eventually('it is active', 30, async () => (await state(node_id)) === 'ACTIVE');
    await eventually('it has beaten', 10, async () => (await readRegistration(registrar.pool, node_id))?.last_heartbeat_at);
    first.kill('SIGKILL');
    await eventually('it has expired', 30, async () => (await state(node_id)) === 'LIVENESS_EXPIRED');
    const record = await readRegistration(registrar.pool, node_id);
    expect(record?.reason).toMatch(/no heartbeat within 4 s/);
    await registrar.handle(node_id).result();
    expect(await registrar.catalog.instance(node_id)).toBeFalsy();
    const expired = await eventually('the expiry is published', 10, () => registrar.of(node_id).find(({ event }) => event.event_type === 'NodeLivenessExpired'));
    expect(expired.event.payload['last_heartbeat_at']).toMatch(/^\d{4}-/);

    const second = processOf(node_id);
    await eventually('it is active again', 30, async () => (await state(node_id)) === 'ACTIVE');
    expect((await readRegistration(registrar.pool, node_id))?.attempt).toBe(2);
    second.kill('SIGTERM');
    await eventually('it has left', 30, async () => (await state(node_id)) === 'DEREGISTERED');
  });

  it('is expired by nobody while the heartbeats cannot be read', async () => {
    const node = registrar.node();
    await node.start();
    await registrar.stopBridge();
    await new Promise((resolve) => setTimeout(resolve, 20_000));
    expect(await state(node.node_id)).toBe('ACTIVE');
    await registrar.startBridge();
    await new Promise((resolve) => setTimeout(resolve, 10_000));
    expect(await state(node.node_id)).toBe('ACTIVE');
  });
});
