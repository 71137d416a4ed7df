import { describe, expect, it } from 'vitest';
import { Bans } from '../../../src/bridge/bans.js';
import { introspections } from '../../../src/bridge/introspections.js';
import { IntrospectionRequests } from '../../../src/bridge/liveness/introspection-requests.js';
import { buildIntrospection, type Reason } from '../../../src/protocol/introspection.js';
import { fakeDatabase } from './fake-database.js';
import { fakeTemporal } from './fake-temporal.js';
import { batchOf, bridgeWorld, event, recordOf } from './support.js';

const BANNED = [{ node_id: 'node-1', who: 'ada', why: null, at: '2026-01-31T12:00:00.000Z' }];

/** The registry's bans, as they are now. */
function banned() {
  const now = { rows: BANNED as readonly object[] };
  return { now, pool: fakeDatabase({ bans: ['from node_bans', () => ({ rows: now.rows })] }).pool };
}

describe('the bans that a bridge knows', () => {
  it('hold back what a banned node sends after it had an answer, until the next one is due', async () => {
    const clock = { time: 1, now: () => clock.time };
    const bans = new Bans(90, clock);
    const startup = { node_id: 'node-1', reason: 'startup' } as const;
    expect(bans.holdsBack(startup)).toBe(false);
    await bans.read(banned().pool);
    expect([bans.holdsBack(startup), bans.holdsBack(startup)]).toEqual([false, true]);
    expect(bans.holdsBack({ node_id: 'node-2', reason: 'startup' })).toBe(false);
    clock.time = 91_000;
    expect(bans.holdsBack(startup)).toBe(false);
  });

  it('let a goodbye through, and everything once the ban is lifted', async () => {
    const bans = new Bans(90);
    const { now, pool } = banned();
    await bans.read(pool);
    expect(bans.holdsBack({ node_id: 'node-1', reason: 'startup' })).toBe(false);
    expect(bans.holdsBack({ node_id: 'node-1', reason: 'shutdown' })).toBe(false);
    now.rows = [];
    await bans.read(pool);
    expect([bans.has('node-1'), bans.holdsBack({ node_id: 'node-1', reason: 'startup' })]).toEqual([false, false]);
  });

  it('give a banned node that asks on and on one run, and count the rest', async () => {
    const temporal = fakeTemporal();
    const { context } = bridgeWorld({ temporalClient: temporal.client });
    await context.bans.read(banned().pool);
    const described = { node_type: 'effect', node_version: '1.0.0', endpoints: {}, capabilities: [] } as const;
    const sent = (reason: Reason, n: number) =>
      buildIntrospection({ ...described, node_id: 'node-1', reason, correlation_id: `c-${n}` }, new Date()).value;
    const { batch, done } = batchOf([sent('startup', 1), sent('startup', 2), sent('heartbeat', 3), sent('startup', 4)]);
    await introspections(context)(batch);
    expect(temporal.signals).toHaveLength(1);
    expect(context.counters.introspections_of_banned_nodes).toBe(3);
    expect(done.size).toBe(4);
  });

  it('keep the registrar from asking a banned node that beats to introduce itself', async () => {
    const { context, sent } = bridgeWorld();
    await context.bans.read(banned().pool);
    const requests = new IntrospectionRequests(context, event('request_introspection'));
    const record = recordOf(null);
    await requests.ask([
      { node_id: 'node-1', record },
      { node_id: 'node-2', record },
    ]);
    expect(sent.map(({ key }) => key)).toEqual(['node-2']);
  });
});
