import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadContracts } from '../../src/contracts/load.js';
import { plusSeconds } from '../../workflows/core/time.js';
import { contractDirectory } from '../unit/contracts/contract-files.js';
import { startHarness, type Harness } from './harness.js';

const shipped = loadContracts().compiled;

/** A state between two others, left by a timer: contracts are data. */
const QUARANTINE = `
state_machine:
  states: [{ state_name: "QUARANTINED", timer: "quarantine" }]
  transitions:
    - { from_state: "ACK_RECEIVED", to_state: "QUARANTINED", trigger: "entry_done" }
    - { from_state: "QUARANTINED", to_state: "ACTIVE", trigger: "quarantine_over" }
timers: [{ timer: "quarantine", seconds: 60, trigger: "quarantine_over" }]
admission: [{ require: "node_version at_least 1.0.0", reason: "version {node_version} is too old" }]
`;
const quarantining = loadContracts(contractDirectory({ orchestrator: QUARANTINE })).compiled;

let h: Harness;
beforeAll(async () => {
  h = await startHarness(shipped);
});
afterAll(async () => {
  await h.stop();
});

/** One look a day, instead of eight, makes a history that is handed over within the year too. */
const DAILY = 'timers: [{ timer: "liveness", seconds: 86400 }]';
const daily = loadContracts(contractDirectory({ orchestrator: DAILY })).compiled;

/** How many events each run of the node has, from the first one on. */
async function historiesOf(workflowId: string, first: string): Promise<number[]> {
  const lengths: number[] = [];
  for (let runId: string | null | undefined = first; runId;) {
    const { events } = await h.env.client.workflow.getHandle(workflowId, runId).fetchHistory();
    lengths.push(events?.length ?? 0);
    runId = events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId;
  }
  return lengths;
}

describe('a node that is active for a year', () => {
  it('has a bounded history, and loses no message that comes while its run is handed over', async () => {
    h.world.contract = daily;
    h.world.lease = (_, now) => ({ outcome: 'renewed', deadline: plusSeconds(now, 90) });
    const introspection = await h.introspection();
    const handle = await h.introduce(introspection);
    await h.untilState(introspection.node_id, 'AWAITING_ACK');
    await h.ack(introspection.node_id);
    await h.untilState(introspection.node_id, 'ACTIVE');
    const first = (await handle.describe()).runId;
    // Requests come all the time, so that some arrive at the very moment of continuing as new.
    let sent = 0;
    for (let month = 0; month < 12; month++) {
      await h.sleep(30 * 86_400);
      for (let i = 0; i < 20; i++) {
        sent += 1;
        await h.introduce({
          ...introspection,
          message_id: randomUUID(),
          correlation_id: randomUUID(),
          reason: 'capability_change',
          capabilities: [`c${sent}`],
          at: await h.world.now(),
        });
      }
    }
    await h.until(introspection.node_id, 'has seen the last change', () =>
      h.world.effects.some(
        ({ request }) =>
          request.node_id === introspection.node_id &&
          JSON.stringify(request.intent.payload['capabilities']) === `["c${sent}"]`,
      ),
    );
    const { registration } = await h.status(introspection.node_id);
    expect(registration).toMatchObject({ state: 'ACTIVE', attempt: 1, introspection: { capabilities: [`c${sent}`] } });
    const lengths = await historiesOf(handle.workflowId, first);
    expect(lengths.length).toBeGreaterThan(2);
    // The longest may have got some messages more while it was handed over.
    expect(Math.max(...lengths)).toBeLessThan(1_200);
  }, 120_000);
});

describe('an edited contract', () => {
  it('is taken by an active node when its lease is verified next, without a change of its state', async () => {
    h.world.lease = (_, now) => ({ outcome: 'renewed', deadline: plusSeconds(now, 90) });
    h.world.contract = shipped;
    const { node_id } = await h.introspection();
    await h.introduce(await h.introspection({ node_id }));
    await h.untilState(node_id, 'AWAITING_ACK');
    await h.ack(node_id);
    await h.untilState(node_id, 'ACTIVE');
    const published = h.world.types(node_id);
    h.world.contract = quarantining;
    await h.sleep(10_801);
    await h.until(
      node_id,
      'under the new contract',
      ({ contract_version }) => contract_version === quarantining.version,
    );
    await h.untilState(node_id, 'ACTIVE');
    expect(h.world.types(node_id)).toEqual(published);
  });

  it('is taken by the next attempt, and its new state is really gone through; a running attempt ends as it began', async () => {
    h.world.lease = () => ({ outcome: 'expired', last_heartbeat_at: null });
    h.world.contract = shipped;
    const midway = await h.introspection({ node_version: '0.9.0' });
    await h.introduce(midway);
    await h.untilState(midway.node_id, 'AWAITING_ACK');

    h.world.contract = quarantining;
    await h.ack(midway.node_id);
    await h.untilState(midway.node_id, 'ACTIVE');
    expect((await h.status(midway.node_id)).contract_version).toBe(shipped.version);

    const anew = { ...midway, message_id: randomUUID(), correlation_id: randomUUID(), at: await h.world.now() };
    const refused = await h.introduce(anew);
    expect(await refused.result()).toMatchObject({ state: 'REJECTED', attempt: 2, reason: 'version 0.9.0 is too old' });

    await h.introduce({
      ...anew,
      message_id: randomUUID(),
      correlation_id: randomUUID(),
      node_version: '1.0.0',
      at: await h.world.now(),
    });
    await h.untilState(midway.node_id, 'AWAITING_ACK');
    await h.ack(midway.node_id);
    const { contract_version } = await h.untilState(midway.node_id, 'QUARANTINED');
    expect(contract_version).toBe(quarantining.version);
    expect(h.world.types(midway.node_id).at(-1)).toBe('NodeRegistrationAccepted');
    await h.sleep(61);
    await h.untilState(midway.node_id, 'ACTIVE');
    expect(h.world.types(midway.node_id).at(-1)).toBe('NodeBecameActive');
  });
});
