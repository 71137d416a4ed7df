import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bridgeTopics } from '../../src/bridge/bridge-topics.js';
import { readTopic } from '../../src/kafka/index.js';
import { buildAck } from '../../src/protocol/ack.js';
import { parseDrainRequest } from '../../src/protocol/drain-request.js';
import { buildHeartbeat } from '../../src/protocol/heartbeat.js';
import { buildIntrospection } from '../../src/protocol/introspection.js';
import { readRegistryRow, type RegistryRow } from '../../src/registry/rows/read-registry-row.js';
import { drainNode } from '../../src/cli/drain/drain-node.js';
import { evictNode, unbanNode } from '../../src/cli/evict/evict-node.js';
import { forgetNode } from '../../src/cli/forget/forget-node.js';
import { retryNode } from '../../src/cli/retry/retry-node.js';
import { askOwner, type ServerName } from '../../src/stack/index.js';
import { eventually, Installation } from './installation.js';

let registrar: Installation;
beforeAll(async () => {
  registrar = await Installation.start();
});
afterAll(async () => {
  await registrar.stop();
});

const stack = (action: 'stop' | 'start', server: ServerName) => askOwner(registrar.config.dataDir, { action, server });

const identity = (node_id: string) => ({
  node_id,
  node_type: 'effect' as const,
  node_version: '1.2.3',
  endpoints: { health: 'http://10.0.0.1:8080/health' },
  capabilities: [],
});

/** A node that speaks to Kafka by hand: it sends what its test wants, and nothing by itself. */
function byHand(node_id: string) {
  const correlation_id = randomUUID();
  return {
    node_id,
    correlation_id,
    introduce: async () => {
      const { value } = buildIntrospection({ ...identity(node_id), correlation_id, reason: 'startup' }, new Date());
      await registrar.send('NodeIntrospectionEvent', value);
    },
    ack: async () => {
      await registrar.send('NodeRegistrationAcked', buildAck({ node_id, correlation_id }, new Date()).value);
    },
    beat: async () => {
      const { value } = buildHeartbeat({ ...identity(node_id), uptime_seconds: 1 }, new Date());
      await registrar.send('NodeHeartbeat', value);
    },
  };
}

async function restartBridge(): Promise<void> {
  await registrar.stopBridge();
  await registrar.startBridge();
}

/** Older than all ack rounds can last: nobody waits for those two minutes here, nor for the sweep's next minute. */
async function growsOld(node_id: string): Promise<void> {
  await registrar.pool.query(
    `update node_registrations set state_since = state_since - interval '10 minutes' where node_id = $1`,
    [node_id],
  );
  await restartBridge();
}

const row = (node_id: string, what: string, seconds: number, holds: (row: RegistryRow) => boolean) =>
  eventually(`the registry row of ${node_id} is ${what}`, seconds, async () => {
    const found = await readRegistryRow(registrar.pool, node_id);
    return found !== null && holds(found) ? found : null;
  });

/** A run that is gone still answers how it stood, so the attempt is asked for too. */
const reaches = (node_id: string, state: string, attempt: number, seconds = 20) =>
  eventually(`registration attempt ${attempt} of ${node_id} is ${state}`, seconds, async () => {
    const status = await registrar.status(node_id).catch(() => null);
    return status?.registration?.state === state && status.registration.attempt === attempt;
  });

describe('an attempt whose run was terminated before the node was active', () => {
  it('is begun again by the same introspection, repeated, once Consul is back', async () => {
    const node = byHand(`again-${randomUUID()}`);
    await stack('stop', 'consul');
    await node.introduce();
    await row(node.node_id, 'PENDING_REGISTRATION', 20, ({ state }) => state === 'PENDING_REGISTRATION');
    await registrar.handle(node.node_id).terminate('the run is lost');
    await stack('start', 'consul');
    // A bridge passes the same startup on once in half a minute. One that has just started has passed on nothing yet.
    await restartBridge();
    await node.introduce();
    await reaches(node.node_id, 'AWAITING_ACK', 2);
    await node.ack();
    await reaches(node.node_id, 'ACTIVE', 2);
    expect(await registrar.catalog.instance(node.node_id)).toMatchObject({ attempt: 2, status: 'passing' });
  });
});

describe('a run that is cancelled', () => {
  it('takes its node out of Consul and ends the registry row with the reason', async () => {
    const node = registrar.node();
    await node.start();
    await registrar.handle(node.node_id).cancel();
    const ended = await row(node.node_id, 'ended', 20, ({ ended_at }) => ended_at !== null);
    expect(ended).toMatchObject({ state: 'DEREGISTERED', reason: 'its registration run was cancelled', attempt: 1 });
    // The effects of an end run beside each other.
    await eventually('out of Consul', 20, async () => (await registrar.catalog.instance(node.node_id)) === null);
    expect(ended.lease_deadline).toBeNull();
  });
});

describe('a node whose run is lost while it waits for "active"', () => {
  it('is registered again although it says nothing but that it lives', async () => {
    const node = byHand(`lost-${randomUUID()}`);
    await node.introduce();
    await reaches(node.node_id, 'AWAITING_ACK', 1);
    await registrar.handle(node.node_id).terminate('the run is lost');
    await node.ack();
    await node.beat();
    await growsOld(node.node_id);
    await reaches(node.node_id, 'AWAITING_ACK', 2);
    await node.ack();
    await row(node.node_id, 'ACTIVE', 20, ({ state }) => state === 'ACTIVE');
  });

  it('is written ACTIVE, with its lease, when a failover of the database lost that', async () => {
    const node = registrar.node();
    await node.start();
    await registrar.pool.query(
      `update node_registrations set state = 'PENDING_REGISTRATION', active_at = null where node_id = $1`,
      [node.node_id],
    );
    await registrar.pool.query('delete from node_leases where node_id = $1', [node.node_id]);
    await growsOld(node.node_id);
    const mended = await row(node.node_id, 'ACTIVE', 20, ({ state }) => state === 'ACTIVE');
    expect(mended).toMatchObject({ attempt: 1, lease_deadline: expect.any(String) as string });
    expect(await registrar.catalog.instance(node.node_id)).toMatchObject({ status: 'passing' });
  });
});

const ADA = { who: 'ada', why: 'a new disk' };

describe('a retry while no worker runs', () => {
  it('waits for one: a node that has left is registered again, and a node that is well is written again', async () => {
    const [gone, well] = [byHand(`gone-${randomUUID()}`), registrar.node()];
    await Promise.all([well.start(), gone.introduce()]);
    await reaches(gone.node_id, 'AWAITING_ACK', 1);
    await evictNode(gone.node_id, registrar.config, ADA, { ban: false });
    await registrar.stopWorker();

    const retried = Promise.all([gone, well].map(({ node_id }) => retryNode(node_id, registrar.config, ADA)));
    const handle = registrar.handle(gone.node_id);
    await eventually('a run waits for a worker', 30, async () => (await handle.describe()).status.name === 'RUNNING');
    await registrar.startWorker();
    expect(await retried).toEqual([
      { attempt: 2, begun: true },
      { attempt: 1, begun: false },
    ]);
    await gone.ack();
    await reaches(gone.node_id, 'ACTIVE', 2);
    await well.stop();
  });
});

describe('what people and nodes ask for', () => {
  const inConsul = (node_id: string) => registrar.catalog.instance(node_id);

  it('a drain: out of discovery, alive, in the row with who and why; a run that is lost goes on with it', async () => {
    const node = registrar.node();
    await node.start();
    const { node_id } = node;
    expect(await drainNode('drain', node_id, registrar.config, ADA)).toMatch(
      / is DRAINING \(attempt 1\): others do not/,
    );
    expect(await inConsul(node_id)).toMatchObject({ status: 'critical', output: 'draining: ada: a new disk' });
    expect(await row(node_id, 'DRAINING', 5, ({ state }) => state === 'DRAINING')).toMatchObject({
      reason: 'ada: a new disk',
      lease_deadline: expect.any(String) as string,
    });
    await eventually('its node knows', 30, () => Promise.resolve(node.state === 'draining'));
    await registrar.handle(node_id).terminate('the run is lost');
    expect(await drainNode('undrain', node_id, registrar.config, ADA)).toMatch(/ is ACTIVE \(attempt 1\)/);
    expect(await inConsul(node_id)).toMatchObject({ status: 'passing' });
    await eventually('its node knows', 30, () => Promise.resolve(node.state === 'active'));
    await node.stop();
  });

  it('a drain of its own, by Kafka, and back: each answer names the request as its cause', async () => {
    const node = registrar.node();
    await node.start();
    await node.drain({ reason: 'too hot', timeoutMs: 20_000 });
    expect(await inConsul(node.node_id)).toMatchObject({
      status: 'critical',
      output: 'draining: the node asked for it: too hot',
    });
    await node.undrain({ timeoutMs: 20_000 });
    expect(await inConsul(node.node_id)).toMatchObject({ status: 'passing' });

    const requests: string[] = [];
    await readTopic(registrar.kafka, bridgeTopics(registrar.contracts, registrar.config).drains[0], {
      since: new Date(0),
      withinMs: 30_000,
      onRecord(record) {
        const parsed = parseDrainRequest(record.value, record);
        if (parsed.ok && parsed.message.node_id === node.node_id) requests.push(parsed.message.message_id);
      },
    });
    const causes = registrar.of(node.node_id).map(({ event }) => event.causation_id);
    expect(causes.slice(-2)).toEqual([...new Set(requests)]);
    await node.stop();
  });

  it('an eviction with a ban, which holds until it is lifted; then it is forgotten', async () => {
    const node = byHand(`banned-${randomUUID()}`);
    const { node_id } = node;
    await node.introduce();
    await reaches(node_id, 'AWAITING_ACK', 1);
    await expect(forgetNode(node_id, registrar.config)).rejects.toThrow('is not forgotten: its registration runs');
    expect(await evictNode(node_id, registrar.config, ADA, { ban: true })).toMatch(
      /attempt 1 has ended\. It is banned/,
    );
    await row(
      node_id,
      'out',
      20,
      ({ reason, ended_at }) => ended_at !== null && reason === 'evicted by ada: a new disk',
    );
    expect(await inConsul(node_id)).toBeNull();
    await byHand(node_id).introduce();
    await row(node_id, 'rejected', 20, (one) => one.state === 'REJECTED' && one.ended_at !== null);
    expect((await readRegistryRow(registrar.pool, node_id))?.reason).toBe('banned by ada: a new disk');
    await expect(evictNode(node_id, registrar.config, ADA, { ban: false })).rejects.toThrow('has ended as REJECTED');

    expect(await unbanNode(node_id, registrar.config)).toMatch(/may come in again; it was banned by ada: a new disk/);
    await expect(unbanNode(node_id, registrar.config)).rejects.toThrow('is not banned');
    expect(await forgetNode(node_id, registrar.config)).toMatch(/is forgotten: its row\./);
    expect(await readRegistryRow(registrar.pool, node_id)).toBeNull();
    await expect(forgetNode(node_id, registrar.config)).rejects.toThrow('There is nothing to forget');
    // A bridge knows for some seconds more that it was banned; one that has just started does not.
    await restartBridge();
    await byHand(node_id).introduce();
    await row(node_id, 'known again', 20, ({ attempt, ended_at }) => attempt === 1 && ended_at === null);
  });
});
