import { ServiceError } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import type { Difference } from '../../../../src/bridge/reconciliation/differences.js';
import { mend, OUTCOME_WORDS, type Mending } from '../../../../src/bridge/reconciliation/mend.js';
import type { CatalogEntry } from '../../../../src/registry/consul/fleet.js';
import { workflowId } from '../../../../workflows/messages.js';
import { fakeTemporal } from '../fake-temporal.js';
import { bridgeWorld } from '../support.js';
import { fakeConsul } from './fake-consul.js';
import { row } from './world.js';

const entryOf = (node_id: string): CatalogEntry => ({
  name: `onex-${node_id}`,
  node_id,
  environment: 'dev',
  attempt: 1,
  service: null,
  passing: true,
  shared: false,
  ModifyIndex: 7,
});

/** What differs about a node that Consul shows, and what is to be done about it. */
const difference = (how: Difference['mend'], node_id: string, changes: Partial<Difference> = {}): Difference => ({
  kind: how === 'repair' ? 'not_passing' : how === 'remove' ? 'ended' : 'no_row',
  node_id,
  what: 'it differs',
  mend: how,
  node: how === 'repair' ? row(node_id) : null,
  entry: entryOf(node_id),
  ...changes,
});
const asks = (count: number): Difference[] => Array.from({ length: count }, (_, n) => difference('ask', `n-${n}`));

interface Options extends Partial<Mending> {
  /** Nodes without a run; by default none. */
  readonly without?: readonly string[];
  readonly failure?: (id: string) => Error | undefined;
  /** Nodes that Consul still shows. */
  readonly shown?: readonly string[];
}

function world({ without = [], failure = () => undefined, shown = [], ...changes }: Options = {}) {
  const temporal = fakeTemporal({ without: without.map(workflowId), failure });
  const { context } = bridgeWorld({ temporalClient: temporal.client });
  const left = shown.map((node_id) => ({ node_id }));
  const consul = fakeConsul(left);
  const mending: Mending = {
    context,
    consul: consul.client,
    per_second: 1_000,
    selfPreservation: { share: 0.45, floor: 5 },
    entries: 100,
    rows: 100,
    signal: new AbortController().signal,
    ...changes,
  };
  const outcomes = async (differences: readonly Difference[]) =>
    (await mend(differences, mending)).map(({ node_id, outcome, why }) => [node_id, outcome, why]);
  return { temporal, left, consul, outcomes, mending };
}

describe('a difference', () => {
  it('to repair is for its run, which is started where there is none', async () => {
    const { outcomes, temporal } = world({ without: ['b'] });
    expect(await outcomes([difference('repair', 'a'), difference('repair', 'b')])).toEqual([
      ['a', 'signalled', null],
      ['b', 'signalled', null],
    ]);
    expect(temporal.signals).toMatchObject(
      ['a', 'b'].map((node_id) => ({
        id: workflowId(node_id),
        name: 'repair',
        args: [],
        start: { args: [{ node_id }] },
      })),
    );
  });

  it('about a node that the registry does not know is for its run; no run is started', async () => {
    const { outcomes, temporal, left } = world({ without: ['b'], shown: ['a', 'b'] });
    const known = difference('ask', 'b', { node: row('b') });
    expect(await outcomes([difference('ask', 'a'), known])).toEqual([
      ['a', 'signalled', null],
      ['b', 'removed', null],
    ]);
    expect(temporal.signals).toEqual([{ id: workflowId('a'), name: 'repair', args: [], start: null }]);
    expect(left).toEqual([{ node_id: 'a' }]);
  });

  it('about an attempt that has ended is removed without asking anybody', async () => {
    const { outcomes, temporal, left } = world({ shown: ['a', 'b'] });
    expect(await outcomes([difference('remove', 'a')])).toEqual([['a', 'removed', null]]);
    expect([temporal.signals, left]).toEqual([[], [{ node_id: 'b' }]]);
  });

  it('that Temporal refuses has failed, with its words', async () => {
    const refusal = new ServiceError('Failed', {
      cause: Object.assign(new Error(), { code: 3, details: 'too many signals', metadata: {} }),
    });
    const { outcomes } = world({ failure: () => refusal });
    expect(await outcomes([difference('repair', 'a')])).toEqual([
      ['a', 'failed', 'Temporal refuses it: too many signals'],
    ]);
  });

  it('that Consul refuses has failed, with its words; the others are removed', async () => {
    const { outcomes } = world({ shown: ['b'] });
    expect(await outcomes([difference('remove', 'a'), difference('remove', 'b')])).toEqual([
      ['a', 'failed', 'index is stale'],
      ['b', 'removed', null],
    ]);
  });

  it('about a lease alone is left to run out', async () => {
    const { outcomes, consul } = world({ without: ['a'] });
    consul.away.error = new Error('away');
    expect(await outcomes([difference('ask', 'a', { entry: null })])).toEqual([['a', 'removed', null]]);
  });

  it('keeps what differed beside what became of it', async () => {
    const { mending } = world();
    const one = difference('repair', 'a');
    expect(await mend([one], mending)).toEqual([{ ...one, outcome: 'signalled', why: null }]);
  });
});

describe('nodes that the registry does not know, and that have no run', () => {
  const outcomesOf = async (count: number, changes: Options = {}) => {
    const nodes = asks(count).map(({ node_id }) => node_id);
    const { outcomes, left } = world({ without: nodes, shown: nodes, ...changes });
    const all = await outcomes(asks(count));
    return { outcomes: new Set(all.map(([, outcome]) => outcome)), whys: new Set(all.map(([, , why]) => why)), left };
  };

  it.each([
    ['few', 5, {}],
    ['as many as the share', 45, {}],
    ['most of a small fleet', 4, { entries: 5 }],
  ])('are removed where they are %s', async (_, count, changes) => {
    const { outcomes, left } = await outcomesOf(count, changes);
    expect([outcomes, left]).toEqual([new Set(['removed']), []]);
  });

  it.each([
    ['more than the share', 46, {}],
    ['as many as the floor, and most of what Consul shows', 5, { entries: 5 }],
  ])('are left as they are where they are %s: the registry may be the wrong one', async (_, count, changes) => {
    const { outcomes, left, whys } = await outcomesOf(count, changes);
    expect([outcomes, left.length]).toEqual([new Set(['held']), count]);
    const entries = 'entries' in changes ? changes.entries : 100;
    expect(whys).toEqual(
      new Set([`${count} of ${entries} nodes in Consul are unknown here: is this the right database?`]),
    );
  });

  it('hold up nobody else: what has ended is removed all the same', async () => {
    const nodes = asks(60).map(({ node_id }) => node_id);
    const { outcomes, left } = world({ without: nodes, shown: ['ended'] });
    const all = await outcomes([...asks(60), difference('remove', 'ended')]);
    expect(all.at(-1)).toEqual(['ended', 'removed', null]);
    expect(left).toEqual([]);
  });
});

describe('a run that cannot go on', () => {
  const stuck = (node_id: string, changes: Partial<Difference> = {}): Difference =>
    difference('replace', node_id, {
      kind: 'stuck_run',
      entry: null,
      node: row(node_id),
      run: { node_id, run_id: `run-of-${node_id}`, failure: 'reading map' },
      ...changes,
    });

  it('is ended, and another goes on from the registry row', async () => {
    const { outcomes, temporal } = world();
    expect(await outcomes([stuck('a')])).toEqual([['a', 'replaced', null]]);
    const reason = 'its history cannot be replayed; its last failed task says why';
    expect(temporal.terminated).toEqual([{ id: workflowId('a'), run_id: 'run-of-a', reason }]);
    expect(temporal.signals).toMatchObject([
      { id: workflowId('a'), name: 'repair', start: { args: [{ node_id: 'a' }] } },
    ]);
  });

  it('that has ended by itself meanwhile is followed by another all the same', async () => {
    const { outcomes, temporal } = world({ without: ['a'] });
    expect(await outcomes([stuck('a')])).toEqual([['a', 'replaced', null]]);
    expect([temporal.terminated, temporal.signals.length]).toEqual([[], 1]);
  });

  it('is only ended where no attempt of its node lasts', async () => {
    const { outcomes, temporal } = world();
    expect(await outcomes([stuck('a', { node: null })])).toEqual([['a', 'replaced', null]]);
    expect([temporal.terminated.length, temporal.signals]).toEqual([1, []]);
  });

  it('has not been replaced where Temporal refuses that, and says why', async () => {
    const cause = Object.assign(new Error(), { code: 7, details: 'not permitted', metadata: {} });
    const { outcomes, temporal } = world({ failure: () => new ServiceError('Failed', { cause }) });
    expect(await outcomes([stuck('a')])).toEqual([['a', 'failed', 'not permitted']]);
    expect(temporal.signals).toEqual([]);
  });

  it('has not been replaced where it is ended and Temporal then refuses another, and says why', async () => {
    const cause = Object.assign(new Error(), { code: 3, details: 'too many signals', metadata: {} });
    const refused = () => (temporal.terminated.length > 0 ? new ServiceError('Failed', { cause }) : undefined);
    const { outcomes, temporal } = world({ failure: () => refused() });
    expect(await outcomes([stuck('a')])).toEqual([['a', 'failed', 'Temporal refuses it: too many signals']]);
    expect([temporal.terminated.length, temporal.signals]).toEqual([1, []]);
  });

  it('is left as it is where such runs are many: then it is the code of the worker', async () => {
    const { outcomes, temporal } = world({ rows: 9 });
    const all = await outcomes(['a', 'b', 'c', 'd', 'e'].map((node_id) => stuck(node_id)));
    const why = '5 runs for 9 nodes cannot go on: is this the right version of the worker?';
    expect(new Set(all.map(([, ...became]) => became.join(' ')))).toEqual(new Set([`held ${why}`]));
    expect([temporal.terminated, temporal.signals]).toEqual([[], []]);
  });
});

describe('mending', () => {
  it('says of each outcome, in other words than of any other, what became of a node', () => {
    const words = Object.values(OUTCOME_WORDS);
    expect(new Set(words.filter((one) => one !== '')).size).toBe(5);
  });

  it('takes its time: so many in a second', async () => {
    const { outcomes } = world({ per_second: 4.9 });
    const began = performance.now();
    await outcomes(['a', 'b', 'c', 'd', 'e'].map((node_id) => difference('repair', node_id)));
    expect(performance.now() - began).toBeGreaterThan(800);
  });

  it('waits for nobody after the last one', async () => {
    const { outcomes } = world({ per_second: 0.001 });
    expect(await outcomes([difference('repair', 'a')])).toEqual([['a', 'signalled', null]]);
  });

  it('ends in a pause, and while Consul is asked, when it is stopped', async () => {
    const stop = new AbortController();
    const { mending, temporal } = world({ per_second: 0.001, signal: stop.signal });
    const stopped = expect(mend([difference('repair', 'a'), difference('repair', 'b')], mending)).rejects.toThrow();
    await expect.poll(() => temporal.signals.length).toBe(1);
    stop.abort(new Error('stopping'));
    await stopped;
    await expect(mend([difference('remove', 'a')], mending)).rejects.toThrow('stopping');
  });
});
