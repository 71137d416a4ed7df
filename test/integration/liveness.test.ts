import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { readRegistryRow } from '../../src/registry/rows/read-registry-row.js';
import { contractDirectory } from '../unit/contracts/contract-files.js';
import { eventually, Installation } from './installation.js';

/** Seconds are short so that a dead node is found while a test can wait for it. */
const LEASE_DURATION = 4;
const GRACE = 1;
const PERIOD = 3;
/** Processes of other tests may keep every core busy; without a sweep or a timer a node would be found in hours. */
const BUSY = 20;
const SHORT =
  `liveness: { first_deadline_seconds: ${LEASE_DURATION}, window_seconds: ${LEASE_DURATION}, grace_seconds: ${GRACE}, ` +
  `heartbeat_interval_seconds: 1 }\n`;
/**
 * A node's own workflow verifies its lease every three hours, as shipped: within a test only the sweep finds anybody.
 */
const BY_THE_SWEEP = SHORT;
const BY_THE_TIMER = `${SHORT}sweep: null\ntimers: [{ timer: "liveness", seconds: ${PERIOD} }]\n`;

const running: Installation[] = [];
afterAll(async () => {
  await Promise.all(running.map((registrar) => registrar.stop()));
});

async function installation(contract: string): Promise<Installation> {
  const registrar = await Installation.start(contractDirectory({ orchestrator: contract }));
  running.push(registrar);
  return registrar;
}

const stateIn = async ({ pool }: Installation, node_id: string) => (await readRegistryRow(pool, node_id))?.state;

/** A node in a process of its own, through the CLI, so that it can really be killed. */
const processOf = (registrar: Installation, node_id: string) =>
  registrar.process('node', '--id', node_id, '--type', 'compute', '--version', '1.0.0');

/** Killed with -9 while it beats. */
async function killed(registrar: Installation): Promise<string> {
  const node_id = `killed-${randomUUID()}`;
  const child = processOf(registrar, node_id);
  await eventually('it is active', 30, async () => (await stateIn(registrar, node_id)) === 'ACTIVE');
  await eventually(
    'it has beaten',
    10,
    async () => (await readRegistryRow(registrar.pool, node_id))?.last_heartbeat_at,
  );
  child.kill('SIGKILL');
  return node_id;
}

/** The event of its expiry, and how long after the node's last beat it was published. Seconds. */
async function expiryOf(registrar: Installation, node_id: string) {
  const { event } = await eventually('its expiry is published', 60, () =>
    registrar.of(node_id).find(({ event: { event_type } }) => event_type === 'NodeLivenessExpired'),
  );
  const last = String(event.payload['last_heartbeat_at']);
  expect(last).toMatch(/^\d{4}-/);
  return { event, after: (Date.parse(event.emitted_at) - Date.parse(last)) / 1_000 };
}

const pause = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1_000));

// Each test has an installation of its own, and waits most of its time.
describe.concurrent.each([
  ['with the sweep', BY_THE_SWEEP, LEASE_DURATION + GRACE + 5],
  ['without a sweep, by the timer of its own workflow', BY_THE_TIMER, LEASE_DURATION + GRACE + PERIOD],
])('%s an active node', (_, contract, within) => {
  it(`that is killed with -9, the only one on its partition, is found dead within ${within} s of its last beat on an idle machine: published, out of Consul, in the registry; when it starts again it is active again`, async () => {
    const registrar = await installation(contract);
    const state = () => stateIn(registrar, node_id);
    const node_id = await killed(registrar);
    const { after } = await expiryOf(registrar, node_id);
    expect(after).toBeGreaterThan(LEASE_DURATION + GRACE);
    expect(after).toBeLessThan(within + BUSY);
    await registrar.handle(node_id).result();
    expect(await readRegistryRow(registrar.pool, node_id)).toMatchObject({
      state: 'LIVENESS_EXPIRED',
      reason: expect.stringMatching(/no heartbeat within 4 s/) as string,
    });
    expect(await registrar.catalog.instance(node_id)).toBeFalsy();

    const second = processOf(registrar, node_id);
    await eventually('it is active again', 30, async () => (await state()) === 'ACTIVE');
    expect((await readRegistryRow(registrar.pool, node_id))?.attempt).toBe(2);
    second.kill('SIGTERM');
    await eventually('it has left', 30, async () => (await state()) === 'DEREGISTERED');
  });

  it('that beats stays active for many lease durations, also while the heartbeats cannot be read', async () => {
    const registrar = await installation(contract);
    const node = registrar.node();
    const state = () => stateIn(registrar, node.node_id);
    await node.start();
    await pause(3 * LEASE_DURATION);
    expect(await state()).toBe('ACTIVE');
    const { registration, journal } = await registrar.status(node.node_id);
    expect(registration).toMatchObject({ state: 'ACTIVE', attempt: 1 });
    // A node repeats its ack until it reads that it is active.
    const ignored = journal.filter(({ what }) => /^ignored (?!an ack )/.test(what));
    expect(ignored).toEqual([]);

    await registrar.stopBridge();
    await pause(3 * LEASE_DURATION);
    expect(await state()).toBe('ACTIVE');
    await registrar.startBridge();
    await pause(10);
    expect(await state()).toBe('ACTIVE');
  });
});

describe.concurrent('with the sweep', () => {
  it('a healthy node is not woken: its run has no event between becoming active and leaving', async () => {
    const registrar = await installation(BY_THE_SWEEP);
    const node = registrar.node();
    await node.start();
    const events = async () => ((await registrar.handle(node.node_id).fetchHistory()).events ?? []).length;
    await eventually(
      'its run waits',
      10,
      async () => (await registrar.handle(node.node_id).describe()).raw.pendingWorkflowTask === null,
    );
    const before = await events();
    await pause(3 * LEASE_DURATION);
    expect(await events()).toBe(before);
  });

  it('a dead node whose run is lost too is ended by a run that adopts its registry row', async () => {
    const registrar = await installation(BY_THE_SWEEP);
    const node_id = await killed(registrar);
    await registrar.handle(node_id).terminate('the run is lost');
    const { after, event } = await expiryOf(registrar, node_id);
    expect(after).toBeLessThan(LEASE_DURATION + GRACE + 5 + BUSY);
    expect(await registrar.handle(node_id).result()).toMatchObject({ state: 'LIVENESS_EXPIRED', attempt: 1 });
    expect(event.correlation_id).toBe((await readRegistryRow(registrar.pool, node_id))?.correlation_id);
    expect(await registrar.catalog.instance(node_id)).toBeFalsy();
    expect(registrar.counters()?.runs_adopted).toBeGreaterThan(0);
  });
});
