import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { simulateFleet } from '../../src/node/index.js';
import { consume } from '../../src/kafka/index.js';
import { topicName } from '../../src/protocol/topics.js';
import { listRegistryRows } from '../../src/registry/rows/list-registry-rows.js';
import { eventually, Installation } from './installation.js';

let registrar: Installation;
beforeAll(async () => {
  registrar = await Installation.start();
});
afterAll(async () => {
  await registrar.stop();
});

/** Enough for a heartbeat, and for nothing else. */
const NO_TYPE = '{"node_id": "no-type"}';
const MALFORMED = [
  'not json',
  NO_TYPE,
  '{"node_id": "bad type", "node_type": "planet"}',
  '[]',
  JSON.stringify({ node_id: 'x'.repeat(500), node_type: 'effect' }),
];
const NO_HEARTBEATS = MALFORMED.filter((value) => value !== NO_TYPE);

describe('fifty nodes at once, with malformed messages beside them', () => {
  it('all become active and leave again; each malformed message is a dead letter with its reason and bytes', async () => {
    const fleet = simulateFleet({ nodes: 50, brokers: registrar.config.kafka.brokers, env: registrar.config.env });
    const malformed = Promise.all([
      registrar.send('NodeIntrospectionEvent', ...MALFORMED),
      registrar.send('NodeRegistrationAcked', ...MALFORMED),
      registrar.send('NodeHeartbeat', ...NO_HEARTBEATS),
    ]);
    await Promise.all([fleet.start({ timeoutMs: 55_000 }), malformed]);

    const ids = fleet.members.map(({ node }) => node.node_id);
    const active = await listRegistryRows(registrar.pool, { state: 'ACTIVE', limit: 10_000 });
    expect(active.filter(({ node_id }) => ids.includes(node_id))).toHaveLength(50);
    const passing = new Set((await registrar.catalog.passingInstances()).map(({ node_id }) => node_id));
    expect(ids.filter((id) => !passing.has(id))).toEqual([]);

    const sent = [...MALFORMED, ...MALFORMED, ...NO_HEARTBEATS];
    const letters: { value: string; reason: string; topic: string }[] = [];
    const reader = await consume(registrar.kafka, {
      groupId: `dead-letters-${registrar.config.env}`,
      topics: [topicName(registrar.contracts.topics['dead_letter'] ?? '', registrar.config)],
      from: 'beginning',
      onBatch: (batch) => {
        for (const record of batch.records) {
          const header = (name: string): string => String(record.headers[name] ?? '');
          letters.push({
            value: record.value?.toString() ?? '',
            reason: header('reason'),
            topic: header('original_topic'),
          });
          batch.done(record);
        }
        return Promise.resolve();
      },
    });
    await eventually('every malformed message is a dead letter', 20, () => letters.length >= sent.length);
    expect(letters.map(({ value }) => value).sort()).toEqual(sent.sort());
    expect(letters.every(({ reason, topic }) => reason.length > 10 && topic.startsWith(registrar.config.env))).toBe(
      true,
    );
    await reader.stop();

    await fleet.stop();
    await eventually('all have left', 30, async () => {
      const left = await listRegistryRows(registrar.pool, { state: 'DEREGISTERED', limit: 10_000 });
      return left.filter(({ node_id }) => ids.includes(node_id)).length === 50;
    });
  });
});
