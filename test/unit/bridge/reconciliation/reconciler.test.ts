import { afterEach, describe, expect, it, vi } from 'vitest';
import { reconcileClient, startReconciler, type Reconciler } from '../../../../src/bridge/reconciliation/reconciler.js';
import type { Contracts } from '../../../../src/contracts/load.js';
import { ConsulClient } from '../../../../src/registry/consul/client.js';
import { workflowId } from '../../../../workflows/messages.js';
import { row, worldOfBoth, type WorldOfBoth } from './world.js';

const RULE = { interval_seconds: 0.01, again_after_seconds: 0.001, mends_per_second: 1_000 };
const CONFIG = { env: 'dev', namespace: '', consul: { address: '127.0.0.1:8500' } };
const FLEET = 'dev.onex.evt.node-heartbeat.v1';

const running: Reconciler[] = [];
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop();
  vi.restoreAllMocks();
});

interface Options {
  readonly rule?: Contracts['reconcile'];
  readonly leads?: () => boolean;
}

function world(both: WorldOfBoth, { rule = RULE, leads = () => true }: Options = {}) {
  const found = worldOfBoth(both);
  vi.spyOn(ConsulClient.prototype, 'call').mockImplementation((...given) => found.consul.client.call(...given));
  const start = (): Reconciler => {
    const reconciler = startReconciler(found.context, { ...found.contracts, reconcile: rule }, CONFIG, leads);
    running.push(reconciler);
    return reconciler;
  };
  return { ...found, start };
}

describe('a client for comparing', () => {
  it('goes to the Consul of the configuration, with its token, and waits long enough for a large fleet', async () => {
    const client = reconcileClient({ address: 'consul:8500', token: 'secret' });
    const options = await client.call((_consul, { timeout, token }) =>
      Promise.resolve([{ headers: {} }, { timeout, token }]),
    );
    expect(client.url).toBe('http://consul:8500');
    expect(options).toEqual({ timeout: 10_000, token: 'secret' });
    client.close();
  });
});

describe('the reconciler', () => {
  it('compares again and again, and answers and stores what the last comparison found', async () => {
    const { start, database, context } = world({ lasting: [row('a')], shown: [{ node_id: 'a' }] });
    const reconciler = start();
    expect(reconciler.last()).toBeNull();
    await expect.poll(() => context.counters.reconciliations).toBeGreaterThanOrEqual(3);
    await reconciler.stop();
    const counts = reconciler.last();
    expect(counts).toMatchObject({ rows: 1, entries: 1, differences: {}, outcomes: {} });
    const stored = database.askedFor('stored');
    expect(stored).toHaveLength(context.counters.reconciliations);
    expect(stored.at(-1)).toEqual([FLEET, counts?.at, counts?.seconds, 1, 1, '{}', '{}']);
  });

  it('has the nodes that differ written again, and says so', async () => {
    const { start, temporal, entries, database } = world({
      lasting: [row('a')],
      shown: [{ node_id: 'b', environment: 'prod' }],
    });
    const reconciler = start();
    await expect.poll(() => reconciler.last()).not.toBeNull();
    await reconciler.stop();
    expect(temporal.signals[0]).toMatchObject({ id: workflowId('a'), name: 'repair' });
    expect(entries[0]).toMatchObject({
      msg: 'Consul and the registry differed: their nodes are written again, or removed',
      differences: { not_in_consul: 1 },
      outcomes: { signalled: 1 },
      entries: 0,
    });
    expect(database.askedFor('kept')[0]).toEqual([['a'], [expect.stringMatching(/: its run writes it again$/)]]);
  });

  it('says nothing where nothing differs', async () => {
    const { start, lines, context, database } = world({ lasting: [row('a')], shown: [{ node_id: 'a' }] });
    start();
    await expect.poll(() => context.counters.reconciliations).toBeGreaterThanOrEqual(2);
    expect([lines, database.askedFor('kept')]).toEqual([[], []]);
  });

  it('waits between two comparisons for as long as the contract says', async () => {
    const { start, context } = world({}, { rule: { ...RULE, interval_seconds: 60 } });
    start();
    await expect.poll(() => context.counters.reconciliations).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(context.counters.reconciliations).toBe(1);
  });

  it('compares all else where Temporal cannot be asked for runs, and says so once a minute', async () => {
    const { start, context, entries, temporal } = world({ lasting: [row('a')], shown: [{ node_id: 'a' }] });
    temporal.client.workflow.list = () => {
      throw new Error('no such search attribute');
    };
    start();
    await expect.poll(() => context.counters.reconciliations).toBeGreaterThanOrEqual(3);
    const msg = 'Temporal could not be asked for runs that cannot go on: all else is compared';
    expect(entries).toMatchObject([{ msg, reason: 'no such search attribute' }]);
  });

  it('mends a node that goes on differing only after pauses that grow', async () => {
    const rule = { ...RULE, interval_seconds: 0.03 };
    const { start, temporal, context } = world({ lasting: [row('a')] }, { rule });
    const reconciler = start();
    await expect.poll(() => context.counters.reconciliations).toBeGreaterThanOrEqual(8);
    await reconciler.stop();
    // After 0, 30, 90, 210 ms and so on: fewer and fewer of the comparisons mend it.
    expect(temporal.signals.length).toBeGreaterThanOrEqual(2);
    expect(temporal.signals.length).toBeLessThan(context.counters.reconciliations - 2);
  });

  it('does nothing while another bridge sweeps', async () => {
    const lead = { asked: 0, is: false };
    const leads = () => {
      lead.asked += 1;
      return lead.is;
    };
    const { start, consul, database, context } = world({ lasting: [row('a')] }, { leads });
    const reconciler = start();
    await expect.poll(() => lead.asked).toBeGreaterThanOrEqual(2);
    expect([consul.calls, database.askedFor('lasting'), reconciler.last()]).toEqual([[], [], null]);
    lead.is = true;
    await expect.poll(() => context.counters.reconciliations).toBeGreaterThanOrEqual(1);
  });

  it('compares nothing where the contract has none', async () => {
    const { start, consul, database } = world({ lasting: [row('a')] }, { rule: null });
    const reconciler = start();
    await expect(reconciler.stop()).resolves.toBeUndefined();
    expect([consul.calls, database.askedFor('lasting'), reconciler.last()]).toEqual([[], [], null]);
  });

  it('stores why it could not compare, keeps what it knew, and goes on when Consul answers again', async () => {
    const { start, consul, database, lines, context } = world({ lasting: [row('a')], shown: [{ node_id: 'a' }] });
    const reconciler = start();
    await expect.poll(() => reconciler.last()).not.toBeNull();
    consul.away.error = new Error('connect ECONNREFUSED');
    await expect.poll(() => database.askedFor('failed').length).toBeGreaterThanOrEqual(2);
    expect(database.askedFor('failed')[0]).toEqual([FLEET, 'connect ECONNREFUSED']);
    expect(reconciler.last()).toMatchObject({ rows: 1 });
    const before = context.counters.reconciliations;
    consul.away.error = null;
    await expect.poll(() => context.counters.reconciliations).toBeGreaterThan(before);
    await expect
      .poll(() => lines)
      .toEqual([
        'Consul, or the registry that it is compared with is away; waiting for it, nothing is lost',
        'Consul, or the registry that it is compared with answers again',
      ]);
  });

  it('that is stopped between two looks ends at once, and calls that no failure', async () => {
    const closed = vi.spyOn(ConsulClient.prototype, 'close');
    const { start, consul, database, lines } = world(
      { lasting: [row('a')] },
      { rule: { ...RULE, again_after_seconds: 60 } },
    );
    const reconciler = start();
    await expect.poll(() => consul.calls.length).toBe(2);
    await reconciler.stop();
    expect([lines, database.askedFor('failed'), reconciler.last()]).toEqual([[], [], null]);
    expect(closed).toHaveBeenCalledOnce();
  });
});
