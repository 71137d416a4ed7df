import { randomUUID, type KeyObject } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startBridge } from '../../src/bridge/bridge.js';
import { bridgeTopics, groupId, type StreamKind } from '../../src/bridge/bridge-topics.js';
import { createAdmin, readTopic, type KafkaAdmin } from '../../src/kafka/index.js';
import { buildAck } from '../../src/protocol/ack.js';
import { buildDrainRequest } from '../../src/protocol/drain-request.js';
import type { OutgoingRecord } from '../../src/protocol/envelope.js';
import { buildHeartbeat } from '../../src/protocol/heartbeat.js';
import { buildIntrospection, type Reason } from '../../src/protocol/introspection.js';
import { nodeKeyOf } from '../../src/protocol/node-key.js';
import { readActions } from '../../src/registry/operator-actions.js';
import { readRegistryRow, type RegistryRow } from '../../src/registry/rows/read-registry-row.js';
import { readBoundKey } from '../../src/registry/keys/bound-keys.js';
import { readRegistered } from '../../src/server/sources/registry.js';
import { temporaryFolder } from '../run/temporary-folder.js';
import { contractDirectory, laidOver } from '../unit/contracts/contract-files.js';
import { newKey, signed } from '../unit/protocol/signing.js';
import { eventually, Installation } from './installation.js';
import { patientProducer, type PatientProducer } from './patient-producer.js';

/** Who may speak for a node, on real servers: nodes through the SDK, impostors by raw records. */

const signing = (mode: string) => ({ orchestrator: `signing: { mode: '${mode}' }` });

let registrar: Installation;
let producer: PatientProducer;
let admin: KafkaAdmin;
beforeAll(async () => {
  registrar = await Installation.start(contractDirectory(signing('enforce')));
  producer = patientProducer(registrar.kafka);
  admin = createAdmin(registrar.kafka);
});
afterAll(async () => {
  await Promise.all([producer.close(), admin.close()]);
  await registrar.stop();
});

const topicsOf = () => bridgeTopics(registrar.contracts, registrar.config);

async function send(kind: StreamKind, record: OutgoingRecord): Promise<void> {
  await producer.send([{ topic: topicsOf()[kind][0], ...record }]);
}

/** All that has been sent so far is read, and its offsets are committed. */
async function allRead(kind: StreamKind): Promise<void> {
  const [topic] = topicsOf()[kind];
  // Those of now: markers come on and on.
  const ends = await admin.topicEnds(topic);
  await eventually(`${kind} are read`, 30, async () => {
    const committed = await admin.committed(groupId(kind, registrar.config), topic);
    return ends.every(({ partition, low, high }) => Number(committed.get(partition) ?? low) >= Number(high));
  });
}

/** The codes of a node's dead letters. */
async function lettersOf(node_id: string): Promise<readonly string[]> {
  const codes: string[] = [];
  await readTopic(registrar.kafka, topicsOf().deadLetters, {
    since: new Date(0),
    withinMs: 20_000,
    onRecord: ({ headers }) => {
      if (String(headers['node_id']) === node_id) codes.push(String(headers['code']));
    },
  });
  return codes;
}

async function row(node_id: string): Promise<RegistryRow> {
  const found = await readRegistryRow(registrar.pool, node_id);
  if (found === null) throw new Error(`the registry has no row of ${node_id}`);
  return found;
}

/** The messages of a node, by hand. */
class RawNode {
  readonly node_id = randomUUID();
  readonly correlation_id = randomUUID();
  readonly key = newKey();
  readonly #identity = { node_id: this.node_id, node_type: 'effect', node_version: '1.0.0' } as const;
  #number = 0;

  introspection(reason: Reason = 'startup', correlation_id = this.correlation_id): OutgoingRecord {
    const endpoints = { health: 'http://10.0.0.9:8080/health' };
    return buildIntrospection({ ...this.#identity, correlation_id, endpoints, capabilities: [], reason }, new Date());
  }

  readonly messages: Readonly<Record<string, readonly [StreamKind, () => OutgoingRecord]>> = {
    introspection: ['introspections', () => this.introspection('startup', randomUUID())],
    goodbye: ['introspections', () => this.introspection('shutdown', randomUUID())],
    ack: ['acks', () => buildAck(this, new Date())],
    drain: ['drains', () => buildDrainRequest({ ...this, draining: true, reason: null }, new Date())],
    heartbeat: ['heartbeats', () => buildHeartbeat({ ...this.#identity, uptime_seconds: 1 }, new Date())],
  };

  /** The same message, signed by its key or another one. */
  signed(kind: StreamKind, record: OutgoingRecord, key: KeyObject = this.key): OutgoingRecord {
    const [topic] = topicsOf()[kind];
    const introduces = kind === 'introspections';
    return signed(record, key, (this.#number += 1), { topic, introduces, instance_id: this.node_id });
  }

  /** From its startup until it is ACTIVE and has beaten once. @returns what it sent */
  async registers(): Promise<readonly (readonly [StreamKind, OutgoingRecord])[]> {
    const life = [
      ['introspections', this.signed('introspections', this.introspection())],
      ['acks', this.signed('acks', buildAck(this, new Date()))],
      ['heartbeats', this.signed('heartbeats', this.messages.heartbeat?.[1]() ?? this.introspection())],
    ] as const;
    const published = (event_type: string): Promise<unknown> =>
      eventually(event_type, 30, () => registrar.of(this.node_id).some(({ event }) => event.event_type === event_type));
    await send(...life[0]);
    await published('NodeRegistrationAccepted');
    await send(...life[1]);
    await published('NodeBecameActive');
    await send(...life[2]);
    await eventually('it has beaten', 30, async () => (await row(this.node_id)).last_heartbeat_at !== null);
    return life;
  }
}

describe('where the contract enforces signatures', () => {
  test('nobody but the node speaks for it: none of what impostors send has any effect', async () => {
    const node = new RawNode();
    const life = await node.registers();
    const before = await row(node.node_id);
    expect(before.state).toBe('ACTIVE');
    const kinds = Object.values(node.messages);
    const another = newKey();
    for (const [kind, build] of kinds) {
      await send(kind, build());
      await send(kind, node.signed(kind, build(), another));
      await send(kind, { ...node.signed(kind, build()), value: build().value });
    }
    // A newer message of each kind makes the old ones old.
    await send('introspections', node.signed('introspections', node.introspection('heartbeat')));
    await send('heartbeats', node.signed('heartbeats', kinds[4]?.[1]() ?? node.introspection()));
    await Promise.all((['introspections', 'acks', 'drains', 'heartbeats'] as const).map(allRead));
    const { last_heartbeat_at } = await row(node.node_id);
    for (const [kind, record] of life) await send(kind, record);
    await Promise.all((['introspections', 'acks', 'heartbeats'] as const).map(allRead));

    const after = await row(node.node_id);
    expect(after).toMatchObject({ state: 'ACTIVE', attempt: before.attempt, ended_at: null, last_heartbeat_at });
    // The last two are sent at once, and may be read in any order.
    expect(
      registrar
        .of(node.node_id)
        .map(({ event }) => event.event_type)
        .sort(),
    ).toEqual([
      'NodeBecameActive',
      'NodeRegistrationAccepted',
      'NodeRegistrationAckReceived',
      'NodeRegistrationInitiated',
    ]);
    const about = await lettersOf(node.node_id);
    expect(new Set(about)).toEqual(new Set(['not_from_its_node']));
    // Three of each kind but the heartbeat, and the old introspection; the ack is the newest that there is.
    expect(about).toHaveLength(13);
    expect(await readBoundKey(registrar.pool, node.node_id)).toMatchObject({
      thumbprint: nodeKeyOf(node.key).thumbprint,
      bound_by: 'first message',
      conflict: expect.stringMatching(/, refused: /) as string,
    });
  });

  test('a node of the SDK registers, beats, hands over to a new key and leaves; a person frees the id of a lost one', async () => {
    const node_id = randomUUID();
    const [first, second, third] = [newKey(), newKey(), newKey()];
    const bound = async (): Promise<string | undefined> => (await readBoundKey(registrar.pool, node_id))?.thumbprint;
    const pem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();

    const file = join(temporaryFolder('keys'), 'first.key');
    writeFileSync(file, pem(first));
    const before = registrar.process('node', '--id', node_id, '--key', file);
    await before.says(/first heartbeat/);
    await eventually('a heartbeat counts', 30, async () => (await row(node_id)).last_heartbeat_at);
    expect(await bound()).toBe(nodeKeyOf(first).thumbprint);
    before.kill('SIGINT');
    await before.ends();
    await eventually('it has left', 30, async () => (await row(node_id)).state === 'DEREGISTERED');

    const after = registrar.node({ node_id, signingKey: pem(second), previousSigningKey: first });
    await after.start({ timeoutMs: 30_000 });
    expect(await bound()).toBe(nodeKeyOf(second).thumbprint);
    await after.stop();
    await eventually('it has left', 30, async () => (await row(node_id)).state === 'DEREGISTERED');

    const resend = { first_seconds: 0.5, max_seconds: 1 };
    const lost = registrar.node({ node_id, signingKey: third, pauses: { resend } });
    const active = lost.start({ timeoutMs: 60_000 });
    await eventually('the conflict of keys', 30, async () => (await readBoundKey(registrar.pool, node_id))?.conflict);
    const status = await registrar.process('status', node_id).ends();
    expect(status.stdout).toContain(`Key ${nodeKeyOf(second).thumbprint} speaks for it since`);
    expect(status.stdout).toMatch(/conflict of keys .* ago: introspections, refused: it is signed by a key/);
    expect((await readRegistered(registrar.pool, null, 90)).key_conflicts).toContain(node_id);
    const released = await registrar.process('release-key', node_id, '--reason', 'its disk is gone').ends();
    expect(released.stdout).toContain(`Key ${nodeKeyOf(second).thumbprint} speaks for node ${node_id} no more`);
    await active;
    expect(await bound()).toBe(nodeKeyOf(third).thumbprint);
    expect(await readActions(registrar.pool, node_id, 1)).toMatchObject([
      { action: 'release key', why: 'its disk is gone', refused: false },
    ]);
  });
});

test('where the contract only warns, what impostors send counts, and is logged and counted', async () => {
  const node = new RawNode();
  await node.registers();
  await registrar.stopBridge();
  const logged: { readonly fault?: string; readonly msg: string }[] = [];
  const write = (line: string): void => void logged.push(JSON.parse(line) as (typeof logged)[number]);
  const bridge = await startBridge({
    config: registrar.config,
    contracts: laidOver(signing('warn')),
    temporalClient: registrar.client,
    pool: registrar.pool,
    kafka: registrar.kafka,
    logger: pino({ level: 'warn' }, { write }),
  });
  try {
    const { last_heartbeat_at } = await row(node.node_id);
    const [kind, build] = node.messages.heartbeat ?? [];
    if (kind !== undefined && build !== undefined) await send(kind, build());
    await eventually('it counts', 30, async () => (await row(node.node_id)).last_heartbeat_at !== last_heartbeat_at);
    await send('introspections', node.introspection('shutdown', randomUUID()));
    await eventually('it has left', 30, async () => (await row(node.node_id)).state === 'DEREGISTERED');
    expect(logged.filter(({ fault }) => fault === 'unsigned')).toHaveLength(1);
    const metrics = await bridge.metrics.metrics();
    for (const what of ['heartbeats', 'introspections'])
      expect(metrics).toMatch(new RegExp(`signature_faults_total\\{kind="${what}",fault="unsigned"\\} 1\n`));
  } finally {
    await bridge.stop();
  }
});
