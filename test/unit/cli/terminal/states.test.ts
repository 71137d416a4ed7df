import { describe, expect, test } from 'vitest';
import { shownNode } from '../../../../src/cli/demo/fleet-state.js';
import { fleetText } from '../../../../src/cli/list/fleet-list.js';
import { reportText } from '../../../../src/cli/status/report-text.js';
import { statesOf } from '../../../../src/cli/terminal/states.js';
import type { CompiledContract } from '../../../../src/contracts/compiled.js';
import { SHIPPED_CONTRACTS, loadContracts } from '../../../../src/contracts/load.js';
import type { RegistryRow } from '../../../../src/registry/rows/read-registry-row.js';

const shipped = loadContracts(SHIPPED_CONTRACTS).compiled;

/** The shipped contract with other names for its states, as somebody may choose them. */
const renamed = JSON.parse(
  JSON.stringify(shipped)
    .replaceAll('PENDING_REGISTRATION', 'ASKED')
    .replaceAll('AWAITING_ACK', 'HAND_OUT')
    .replaceAll('ACK_RECEIVED', 'SHAKEN')
    .replaceAll('DEREGISTERED', 'GONE_HOME')
    .replaceAll('"ACTIVE"', '"LIVE"'),
) as CompiledContract;

describe('states by what they mean', () => {
  test('of the shipped contract', () => {
    const states = statesOf(shipped);
    expect(Object.fromEntries(states.names.map((name) => [name, states.meaning(name)]))).toEqual({
      PENDING_REGISTRATION: 'on_the_way',
      ACCEPTED: 'on_the_way',
      AWAITING_ACK: 'on_the_way',
      ACK_RECEIVED: 'on_the_way',
      ACK_TIMED_OUT: 'lost',
      ACTIVE: 'discoverable',
      DRAINING: 'draining',
      REJECTED: 'lost',
      LIVENESS_EXPIRED: 'lost',
      DEREGISTERED: 'left',
    });
    expect(states).toMatchObject({
      initial: 'PENDING_REGISTRATION',
      discoverable: 'ACTIVE',
      awaitingAck: 'AWAITING_ACK',
      acknowledged: 'ACK_RECEIVED',
    });
    expect(states.meaning('STARTING')).toBe('on_the_way');
  });

  test('of a contract with other names', () => {
    const states = statesOf(renamed);
    expect(states).toMatchObject({
      initial: 'ASKED',
      discoverable: 'LIVE',
      awaitingAck: 'HAND_OUT',
      acknowledged: 'SHAKEN',
    });
    expect(['LIVE', 'GONE_HOME', 'REJECTED', 'ACTIVE'].map((name) => states.meaning(name))).toEqual([
      'discoverable',
      'left',
      'lost',
      'on_the_way',
    ]);
  });
});

test('what people read has the contract’s names', () => {
  const states = statesOf(renamed);
  const side = { node_id: 'a', node_type: 'effect', since: '2026-01-31T12:00:00.000Z', steps: {} } as const;
  const asked = { state: 'ASKED', ended_at: null } as RegistryRow;
  expect(shownNode({ ...side, state: 'accepted' }, asked, states).state).toBe('HAND_OUT');
  expect(shownNode({ ...side, state: 'acknowledged' }, asked, states).state).toBe('SHAKEN');
  expect(shownNode({ ...side, state: 'active' }, asked, states).state).toBe('LIVE');
  const none = { nodes: [], draining: 0, bans: [], truncated: false, not_asked: null };
  const counts = { ...none, active: 2, ended: 0, on_the_way: 0 };
  expect(fleetText(counts, states)).toBe('0 nodes: 2 LIVE, 0 on the way, 0 ended');
  const report = {
    source: 'workflow',
    node_id: 'a',
    run_id: 'r',
    state: 'HAND_OUT',
    line: 'HAND_OUT · ack round 1 of 3',
    registration: null,
    contract_version: null,
    pending: [],
    journal: [],
    link: null,
    no_answer: null,
    lease: null,
  } as const;
  expect(reportText(report, renamed)).toMatch(/Acknowledge by hand: .* ack a$/);
});
