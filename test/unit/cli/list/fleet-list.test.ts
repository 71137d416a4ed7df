import { describe, expect, test } from 'vitest';
import { SHIPPED_CONTRACTS, loadContracts } from '../../../../src/contracts/load.js';
import { fleetText, type FleetList, type ListLine } from '../../../../src/cli/list/fleet-list.js';
import { statesOf } from '../../../../src/cli/terminal/states.js';

const states = statesOf(loadContracts(SHIPPED_CONTRACTS).compiled);

/** What is read on a terminal, without its colours. */
const plain = (text: string): string => text.replace(/\u001b\[\d+m/g, '');

describe('the fleet as a list', () => {
  const node: ListLine = {
    node_id: 'a',
    node_type: 'effect',
    node_version: '1.0.0',
    state: 'ACTIVE',
    attempt: 2,
    since: '2026-01-31T12:00:00.000Z',
    reason: null,
    last_heartbeat_at: '2026-01-31T12:00:05.000Z',
    ended: false,
    in_registry: true,
  };
  const list = (nodes: readonly ListLine[], more: Partial<FleetList> = {}): FleetList => ({
    nodes,
    active: 1,
    ended: 1,
    draining: 0,
    on_the_way: 1,
    truncated: false,
    bans: [],
    not_asked: null,
    ...more,
  });

  test('has a row a node, and counts', () => {
    const nodes = [
      node,
      {
        ...node,
        node_id: 'b',
        state: 'PENDING_REGISTRATION',
        attempt: null,
        node_version: null,
        last_heartbeat_at: null,
        in_registry: false,
      },
      { ...node, node_id: 'c', state: 'DEREGISTERED', reason: 'the node left', ended: true },
    ];
    const text = plain(fleetText(list(nodes), states, Date.parse('2026-01-31T12:00:10.000Z')));
    expect(text).toMatch(/^a +effect +1\.0\.0 +ACTIVE +2 +10 s +5 s$/m);
    expect(text).toMatch(/^b +effect +- +PENDING_REGISTRATION +- +10 s +- +not in the registry yet$/m);
    expect(text).toMatch(/^c .*DEREGISTERED.* the node left$/m);
    expect(text).toContain('3 nodes: 1 ACTIVE, 1 on the way, 1 ended');
  });

  test('counts who is drained beside who is on the way, and names who is banned', () => {
    const nodes = [{ ...node, state: 'DRAINING', reason: 'ada: a new disk' }];
    const ban = { node_id: 'd', who: 'ada', why: 'corrupts its queue', at: '2026-01-31T11:59:10.000Z' };
    const more = { active: 0, ended: 0, draining: 1, on_the_way: 0, bans: [ban] };
    const text = plain(fleetText(list(nodes, more), states, Date.parse('2026-01-31T12:00:10.000Z')));
    expect(text).toMatch(/^a .*DRAINING.* ada: a new disk$/m);
    expect(text).toContain(
      '1 node: 0 ACTIVE, 1 draining, 0 on the way, 0 ended\nd  banned by ada: corrupts its queue (1',
    );
  });

  test('says when there are more', () =>
    expect(fleetText(list([node], { truncated: true }), states)).toContain('--limit'));
  test('may be empty', () =>
    expect(fleetText(list([], { active: 0, ended: 0, on_the_way: 0 }), states)).toBe(
      '0 nodes: 0 ACTIVE, 0 on the way, 0 ended',
    ));
});
