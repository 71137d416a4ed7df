import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NodeHub, RegisteredNode } from '../../src/node/index.js';
import { buildAck } from '../../src/protocol/ack.js';
import type { OutgoingRecord } from '../../src/protocol/envelope.js';
import { buildHeartbeat } from '../../src/protocol/heartbeat.js';
import { fromInstance } from '../../src/protocol/instance.js';
import { buildIntrospection, type Reason } from '../../src/protocol/introspection.js';
import { topicName } from '../../src/protocol/topics.js';
import { readRegistryRow, type RegistryRow } from '../../src/registry/rows/read-registry-row.js';
import { eventually, Installation } from './installation.js';
import { patientProducer, type PatientProducer } from './patient-producer.js';

/** Two processes with one node_id, through the SDK and by raw messages. */

let registrar: Installation;
let producer: PatientProducer;
beforeAll(async () => {
  registrar = await Installation.start();
  producer = patientProducer(registrar.kafka);
});
afterAll(async () => {
  await producer.close();
  await registrar.stop();
});

/** A process that sends messages by itself; without an instance_id it does not say who it is. */
class RawProcess {
  correlation_id = randomUUID();

  constructor(
    readonly node_id: string,
    readonly node_version: string,
    readonly instance_id?: string,
  ) {}

  async introduces(reason: Reason = 'startup'): Promise<void> {
    const endpoints = { health: `http://10.0.0.9:8080/${this.node_version}` };
    const message = { ...this.#identity, correlation_id: this.correlation_id, endpoints, capabilities: [], reason };
    await this.#send('NodeIntrospectionEvent', buildIntrospection(message, new Date()));
  }

  async acks(): Promise<void> {
    await this.#send('NodeRegistrationAcked', buildAck(this, new Date()));
  }

  async beats(): Promise<void> {
    await this.#send('NodeHeartbeat', buildHeartbeat({ ...this.#identity, uptime_seconds: 1 }, new Date()));
  }

  /** From its startup until it is ACTIVE. */
  async registers(): Promise<RegistryRow> {
    await this.introduces();
    await eventually(`accepted ${this.correlation_id}`, 30, () =>
      registrar
        .of(this.node_id)
        .some(
          ({ event }) =>
            event.event_type === 'NodeRegistrationAccepted' && event.correlation_id === this.correlation_id,
        ),
    );
    await this.acks();
    return activeAs(this.node_id, this.node_version);
  }

  get #identity() {
    return { node_id: this.node_id, node_type: 'effect', node_version: this.node_version } as const;
  }

  async #send(event_type: string, record: OutgoingRecord): Promise<void> {
    const template = registrar.contracts.consumed.find((row) => row.event_type === event_type)?.topic ?? '';
    const topic = topicName(template, registrar.config);
    const whole = this.instance_id === undefined ? record : fromInstance(record, this.instance_id);
    await producer.send([{ topic, ...whole }]);
  }
}

const row = (node_id: string) => readRegistryRow(registrar.pool, node_id);

/** The node is ACTIVE and found, in this version. */
function activeAs(node_id: string, node_version: string): Promise<RegistryRow> {
  return eventually(`${node_id} ACTIVE as ${node_version}`, 60, async () => {
    const found = await row(node_id);
    const instance = await registrar.catalog.instance(node_id);
    const isFound = instance?.status === 'passing' && instance.meta['node_version'] === node_version;
    return found?.state === 'ACTIVE' && found.node_version === node_version && isFound ? found : null;
  });
}

/** The workflow has handled what was sent, and noted this. */
function noted(node_id: string, what: string): Promise<unknown> {
  return eventually(`${node_id} notes "${what}"`, 30, async () =>
    (await registrar.status(node_id)).journal.some((entry) => entry.what.includes(what)),
  );
}

async function statusText(node_id: string): Promise<string> {
  const { stdout } = await registrar.process('status', node_id).ends();
  return stdout;
}

describe('two processes with one id', () => {
  test('both of the SDK: the later one is registered; the earlier one stops with an error, and its end ends nobody', async () => {
    const earlier = registrar.node();
    const { node_id } = earlier;
    await earlier.start();
    const superseded = once(earlier, 'superseded');
    const later = registrar.node({ node_id, version: '2.0.0' });
    await later.start();
    expect((await superseded)[0]).toMatchObject({ by: { instance_id: later.instance_id }, error: { node_id } });
    await earlier.stop();
    expect(await activeAs(node_id, '2.0.0')).toMatchObject({ attempt: 2 });
    expect(later.state).toBe('active');
    await expect(earlier.start()).rejects.toThrow('another process has introduced itself under this id');
  });

  test('a killed one and its restart of the SDK: the restart is registered, and a late process is known as another one', async () => {
    const node_id = randomUUID();
    const killed = registrar.process('node', '--id', node_id, '--type', 'effect', '--version', '1.0.0');
    await killed.says(/ACTIVE: discoverable/);
    killed.kill('SIGKILL');
    await killed.ends();
    const restarted = registrar.process('node', '--id', node_id, '--type', 'effect', '--version', '2.0.0');
    await restarted.says(/ACTIVE: discoverable/);
    expect(await activeAs(node_id, '2.0.0')).toMatchObject({ attempt: 2 });
    const third = registrar.node({ node_id, version: '3.0.0' });
    await third.start();
    expect(await restarted.ends()).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('another process') as string,
    });
    expect(await activeAs(node_id, '3.0.0')).toMatchObject({ attempt: 3 });
  });

  test('raw, then the SDK: beats, acks, data and a late goodbye of the raw one do not count, and all can be read', async () => {
    const node_id = randomUUID();
    const raw = new RawProcess(node_id, '1.0.0', 'raw-process');
    await raw.registers();
    const later = registrar.node({ node_id, version: '2.0.0' });
    await later.start();
    const before = registrar.counters()?.heartbeats_of_another_process ?? 0;
    await raw.beats();
    await eventually(
      'the beat is known as the other one’s',
      30,
      () => (registrar.counters()?.heartbeats_of_another_process ?? 0) > before,
    );
    await raw.introduces('health_change');
    await noted(node_id, 'reason health_change) of process raw-process');
    await raw.introduces();
    await noted(node_id, 'ignored a duplicate introspection (reason startup)');
    expect(await statusText(node_id)).toContain(`conflict: process raw-process sent heartbeats under this id too`);
    await raw.introduces('shutdown');
    await noted(node_id, 'reason shutdown) of process raw-process');
    expect(await activeAs(node_id, '2.0.0')).toMatchObject({ attempt: 2 });
    expect(registrar.logged).toContainEqual(expect.stringContaining('another process sends heartbeats under the id'));
  });

  test('the SDK, then raw: the raw one is registered, the node of the SDK stops, and its beats keep nobody alive', async () => {
    const earlier = registrar.node();
    const { node_id } = earlier;
    await earlier.start();
    const superseded = once(earlier, 'superseded');
    const raw = new RawProcess(node_id, '2.0.0', 'raw-process');
    await raw.registers();
    await superseded;
    await raw.beats();
    const beaten = await eventually('its own beat counts', 30, async () => (await row(node_id))?.last_heartbeat_at);
    await new RawProcess(node_id, '1.0.0', earlier.instance_id).beats();
    await eventually('the conflict is known', 30, async () =>
      (await statusText(node_id)).includes('conflict: process'),
    );
    expect(await row(node_id)).toMatchObject({ state: 'ACTIVE', last_heartbeat_at: beaten });
  });

  test('a killed one of the SDK, then raw: the raw one is registered, found, and alive by its own beats', async () => {
    const node_id = randomUUID();
    const killed = registrar.process('node', '--id', node_id, '--type', 'effect', '--version', '1.0.0');
    await killed.says(/ACTIVE: discoverable/);
    killed.kill('SIGKILL');
    await killed.ends();
    const raw = new RawProcess(node_id, '2.0.0', 'raw-process');
    expect(await raw.registers()).toMatchObject({ attempt: 2 });
    const beaten = (await row(node_id))?.last_heartbeat_at;
    await raw.beats();
    await eventually('its beat counts', 30, async () => (await row(node_id))?.last_heartbeat_at !== beaten);
    expect(await activeAs(node_id, '2.0.0')).toMatchObject({ attempt: 2 });
    await raw.introduces('shutdown');
    await eventually('DEREGISTERED', 30, async () => (await row(node_id))?.state === 'DEREGISTERED');
  });

  test('raw, then raw, each with its instance_id: a late goodbye of the earlier one ends nobody', async () => {
    const node_id = randomUUID();
    const earlier = new RawProcess(node_id, '1.0.0', 'raw-1');
    await earlier.registers();
    const later = new RawProcess(node_id, '2.0.0', 'raw-2');
    expect(await later.registers()).toMatchObject({ attempt: 2 });
    await earlier.introduces('shutdown');
    await noted(node_id, 'reason shutdown) of process raw-1');
    expect(await activeAs(node_id, '2.0.0')).toMatchObject({ attempt: 2 });
    await later.introduces('shutdown');
    await eventually('DEREGISTERED', 30, async () => (await row(node_id))?.state === 'DEREGISTERED');
  });

  test('raw without instance_ids: a late goodbye ends the later one, as nothing shows whose it is', async () => {
    const node_id = randomUUID();
    const earlier = new RawProcess(node_id, '1.0.0');
    await earlier.registers();
    const later = new RawProcess(node_id, '2.0.0');
    expect(await later.registers()).toMatchObject({ attempt: 2 });
    await earlier.introduces('shutdown');
    await eventually('DEREGISTERED', 30, async () => (await row(node_id))?.state === 'DEREGISTERED');
  });
});

test('a rolling update of ten nodes, each with its own id kept, loses nobody, in whatever order', async () => {
  const { brokers } = registrar.config.kafka;
  const hubs = [0, 1].map(() => new NodeHub({ brokers, env: registrar.config.env }));
  const [before, after] = hubs.map((hub, index) =>
    Array.from({ length: 10 }, (_, n) => {
      const node_id = `rolling-${registrar.config.env}-${n}`;
      return new RegisteredNode({ hub, node_id, node_type: 'effect', version: `${index + 1}.0.0` });
    }),
  ) as [RegisteredNode[], RegisteredNode[]];
  const lost: string[] = [];
  for (const node of [...before, ...after]) node.on('expired', () => lost.push(node.node_id));
  await Promise.all(before.map((node) => node.start()));
  for (const [n, old] of before.entries()) {
    const fresh = after[n] as RegisteredNode;
    const orders = [
      async () => {
        await fresh.start();
        await old.stop();
      },
      async () => {
        await old.stop();
        await fresh.start();
      },
      async () => void (await Promise.all([old.stop(), fresh.start()])),
      async () => void (await Promise.all([fresh.start(), old.stop()])),
    ];
    await orders[n % orders.length]?.();
  }
  for (const { node_id, state } of after) {
    expect(state, node_id).toBe('active');
    await activeAs(node_id, '2.0.0');
  }
  expect(lost).toEqual([]);
  const ids = new Set(after.map(({ node_id }) => node_id));
  const ended = registrar.published.filter(
    ({ event }) => ids.has(event.node_id) && event.event_type === 'NodeLivenessExpired',
  );
  expect(ended).toEqual([]);
  await Promise.all(after.map((node) => node.stop()));
  await Promise.all(hubs.map((hub) => hub.close()));
});
