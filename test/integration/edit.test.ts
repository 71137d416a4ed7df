import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadContracts } from '../../src/contracts/load.js';
import { readRegistryRow } from '../../src/registry/rows/read-registry-row.js';
import { contractDirectory } from '../unit/contracts/contract-files.js';
import { eventually, Installation } from './installation.js';

const before = contractDirectory({ orchestrator: 'timers: [{ timer: "liveness", seconds: 2 }]' });
/** Another timeout, other retries, an admission rule, and a state that is left by a timer. */
const after = contractDirectory({
  orchestrator: `
timers:
  - { timer: "liveness", seconds: 2 }
  - { timer: "ack", seconds: 20 }
  - { timer: "quarantine", seconds: 3, trigger: "quarantine_over" }
admission: [{ require: "node_version at_least 1.0.0", reason: "version {node_version} is older than 1.0.0" }]
state_machine:
  states: [{ state_name: "QUARANTINED", timer: "quarantine" }]
  transitions:
    - { from_state: "ACK_RECEIVED", to_state: "QUARANTINED", trigger: "entry_done" }
    - { from_state: "QUARANTINED", to_state: "ACTIVE", trigger: "quarantine_over" }
`,
  effect:
    'handler_routing:\n  handlers:\n    - { operation: "register_node", backend: "consul", retry: { ' +
    'initial_interval_seconds: 2 } }\n',
});
const oldVersion = loadContracts(before).compiled.version;
const newVersion = loadContracts(after).compiled.version;

let registrar: Installation;
beforeAll(async () => {
  registrar = await Installation.start(before);
});
afterAll(async () => {
  await registrar.stop();
});

const versionOf = async (node_id: string) => (await registrar.status(node_id)).contract_version;
const stateOf = async (node_id: string) => (await registrar.status(node_id)).registration?.state;

describe('contracts that are edited while nodes run', () => {
  it('break nothing: running attempts end as they began, the next attempt and the next continue-as-new take the new ones', async () => {
    const active = registrar.node({ version: '1.0.0' });
    await active.start();
    const midway = registrar.node({ version: '0.9.0', autoAck: false });
    const midwayStarts = midway.start();
    await eventually(
      'it is asked to acknowledge',
      20,
      async () => (await stateOf(midway.node_id).catch(() => null)) === 'AWAITING_ACK',
    );

    await registrar.stopWorker();
    await registrar.startWorker({ ...registrar.config, contractsDir: after });

    // Mid-handshake: accepted under the old contract, active without the quarantine of the new one.
    await midway.ack();
    await midwayStarts;
    const { journal } = await registrar.status(midway.node_id);
    expect(journal.map(({ what }) => what).join('\n')).not.toContain('QUARANTINED');
    expect(await readRegistryRow(registrar.pool, midway.node_id)).toMatchObject({
      state: 'ACTIVE',
      attempt: 1,
      contract_version: oldVersion,
    });

    // Active: the next time its lease is verified, it goes on under the new one, in the same state and attempt.
    await eventually(
      'the active node runs the new contract',
      30,
      async () => (await versionOf(active.node_id)) === newVersion,
    );
    expect((await registrar.status(active.node_id)).registration).toMatchObject({ state: 'ACTIVE', attempt: 1 });

    // New nodes: refused by the new rule, or held in the new state until its timer.
    const old = registrar.node({ version: '0.9.0' });
    old.start().catch(() => undefined);
    await eventually(
      'the old version is rejected',
      20,
      async () => (await readRegistryRow(registrar.pool, old.node_id))?.reason === 'version 0.9.0 is older than 1.0.0',
    );
    const fresh = registrar.node({ version: '1.0.0' });
    const freshStarts = fresh.start();
    await eventually(
      'it is in quarantine',
      20,
      async () => (await stateOf(fresh.node_id).catch(() => null)) === 'QUARANTINED',
    );
    expect(await registrar.catalog.instance(fresh.node_id)).toMatchObject({ status: 'critical' });
    await freshStarts;
    expect((await registrar.status(fresh.node_id)).journal.map(({ what }) => what)).toEqual(
      expect.arrayContaining(['ACK_RECEIVED -> QUARANTINED', 'QUARANTINED -> ACTIVE']),
    );

    // Nothing failed to replay.
    for (const node of [active, midway, fresh]) {
      const history = (await registrar.handle(node.node_id).fetchHistory()).events ?? [];
      expect(history.filter((event) => event.workflowTaskFailedEventAttributes)).toEqual([]);
    }
  });
});
