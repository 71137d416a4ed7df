import { describe, expect, it } from 'vitest';
import { countsOf } from '../../../../src/bridge/reconciliation/counts.js';
import { reconcile, type ReconcileOptions } from '../../../../src/bridge/reconciliation/reconcile.js';
import { workflowId } from '../../../../workflows/messages.js';
import { row, worldOfBoth, type WorldOfBoth } from './world.js';

const RULE = { interval_seconds: 60, again_after_seconds: 0.02, mends_per_second: 1_000 };
/** A timer of Node may fire a millisecond early. */
const SOON = 0.001;

function world(both: WorldOfBoth, changes: Partial<ReconcileOptions> = {}) {
  const found = worldOfBoth(both);
  const begin = () =>
    reconcile({
      ...found.compared,
      context: found.context,
      selfPreservation: found.contracts.selfPreservation,
      signal: new AbortController().signal,
      rule: RULE,
      mends: (differences) => differences,
      ...changes,
    });
  return { ...found, begin };
}

describe('a reconciliation', () => {
  it('looks once where nothing differs', async () => {
    const { begin, consul } = world({ lasting: [row('a')], shown: [{ node_id: 'a' }] });
    expect(await begin()).toMatchObject({ rows: 1, entries: 1, differences: [], mended: [] });
    expect(consul.calls).toEqual(['nodes', 'services', 'health']);
  });

  it('mends what differs a while later, too, and says what became of it', async () => {
    const { begin, consul, temporal } = world({ lasting: [row('a')] });
    const before = Date.now();
    const done = await begin();
    expect(done).toMatchObject({
      rows: 1,
      entries: 0,
      differences: [{ node_id: 'a', kind: 'not_in_consul' }],
      mended: [{ node_id: 'a', outcome: 'signalled', why: null }],
    });
    expect(consul.calls.filter((call) => call === 'nodes')).toHaveLength(2);
    expect(temporal.signals).toMatchObject([{ id: workflowId('a'), name: 'repair' }]);
    expect(Date.parse(done.at)).toBeGreaterThanOrEqual(before);
    expect(done.seconds).toBeGreaterThanOrEqual(RULE.again_after_seconds - SOON);
    expect(Date.parse(done.at) + done.seconds * 1_000).toBeLessThanOrEqual(Date.now());
  });

  it('leaves alone what no longer differs, and what differs only now; the numbers are those of the second look', async () => {
    const { begin, temporal } = world({
      lasting: [row('a'), row('b')],
      shown: [{ node_id: 'b' }],
      shownLater: [{ node_id: 'a' }, { node_id: 'c', environment: 'prod' }],
    });
    expect(await begin()).toMatchObject({ rows: 2, entries: 1, differences: [], mended: [] });
    expect(temporal.signals).toEqual([]);
  });

  it('mends only what it is to mend now, and counts all that differs', async () => {
    const { begin } = world(
      { lasting: [row('a'), row('b'), row('c')], shown: [{ node_id: 'c', passing: false }] },
      { mends: (differences) => differences.filter(({ node_id }) => node_id === 'b') },
    );
    const done = await begin();
    expect(countsOf(done)).toEqual({
      at: done.at,
      seconds: done.seconds,
      rows: 3,
      entries: 1,
      differences: { not_in_consul: 2, not_passing: 1 },
      outcomes: { signalled: 1 },
    });
  });

  it('that is stopped before the second look fails, and mends nothing', async () => {
    const stop = new AbortController();
    const { begin, consul, temporal } = world(
      { lasting: [row('a')] },
      { signal: stop.signal, rule: { ...RULE, again_after_seconds: 60 } },
    );
    const failed = expect(begin()).rejects.toThrow('aborted');
    await expect.poll(() => consul.calls.length).toBe(2);
    stop.abort();
    await failed;
    expect(temporal.signals).toEqual([]);
  });
});
