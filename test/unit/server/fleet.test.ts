import { expect, test } from 'vitest';
import { loadContracts } from '../../../src/contracts/load.js';
import { contractView } from '../../../src/server/contract/view.js';
import { RecentDeltas } from '../../../src/server/fleet/changes.js';
import { ServedFleet } from '../../../src/server/fleet/fleet.js';
import { CountHistory } from '../../../src/server/fleet/history.js';
import { LiveFleet } from '../../../src/server/fleet/live-fleet.js';
import type { FleetRead, FleetRow, OpenRun, Sources } from '../../../src/server/source.js';

const contract = contractView(loadContracts(), { env: 'dev', namespace: '' });
const NOW = 1_790_000_000_000;

function row(id: string, change: Partial<FleetRow> = {}): FleetRow {
  return {
    id,
    type: 'effect',
    version: '1.0.0',
    state: 'ACTIVE',
    reason: null,
    attempt: 1,
    since: NOW - 60_000,
    ended: null,
    reducer: 'complete',
    round: null,
    ack_deadline: null,
    lease: NOW + 60_000,
    beat: NOW - 1_000,
    recorded: true,
    ...change,
  };
}

function read(rows: readonly FleetRow[], change: Partial<FleetRead> = {}): FleetRead {
  return { at: NOW, whole: false, rows, silent: [], conflicts: [], key_conflicts: [], ...change };
}

test('a delta holds only what changed; heartbeats are no change', () => {
  const fleet = new ServedFleet(contract);
  expect(fleet.apply(read([row('a'), row('b')], { whole: true }))?.added.map(({ id }) => id)).toEqual(['a', 'b']);
  expect(fleet.apply(read([row('a', { lease: NOW + 90_000, beat: NOW })]))).toBeNull();
  expect(
    fleet.apply(read([row('b', { state: 'DEREGISTERED', ended: NOW, since: NOW, reason: 'the node left' })])),
  ).toEqual({
    added: [],
    changed: [['b', { state: 'DEREGISTERED', ended: NOW, since: NOW, reason: 'the node left' }]],
    gone: [],
  });
});

test('a node that is missing in a whole read is gone, and not one that is missing in a part', () => {
  const fleet = new ServedFleet(contract);
  fleet.apply(read([row('a'), row('b')], { whole: true }));
  expect(fleet.apply(read([]))).toBeNull();
  expect(fleet.apply(read([row('a')], { whole: true }))?.gone).toEqual(['b']);
});

test('who needs a look: silent, without a backend for 30 s, asked again, ended without leaving, twice there, with a foreign key; and no longer than that', () => {
  const fleet = new ServedFleet(contract);
  const looks = (): unknown[] => fleet.nodes.map(({ id, look }) => [id, look]);
  const pending = { state: 'PENDING_REGISTRATION', reducer: 'partial', lease: null, beat: null };
  const rows = [
    row('silent'),
    row('new', { ...pending, since: NOW - 29_000 }),
    row('stuck', { ...pending, since: NOW - 31_000 }),
    row('asked', { state: 'AWAITING_ACK', round: 2, lease: null }),
    row('expired', { state: 'LIVENESS_EXPIRED', ended: NOW - 60_000, lease: null }),
    row('left', { state: 'DEREGISTERED', ended: NOW - 60_000, lease: null }),
    row('twice'),
    row('foreign'),
    row('both'),
  ];
  const silent = [{ id: 'silent', lease: NOW - 1_000, beat: NOW - 91_000 }];
  const conflicts = { conflicts: ['twice', 'silent', 'left', 'both'], key_conflicts: ['foreign', 'both', 'stuck'] };
  fleet.apply(read(rows, { whole: true, silent, ...conflicts }));
  expect(looks()).toEqual([
    ['silent', 'silent'],
    ['new', null],
    ['stuck', 'backend'],
    ['asked', 'ack'],
    ['expired', 'ended'],
    ['left', null],
    ['twice', 'conflict'],
    ['foreign', 'key'],
    ['both', 'conflict'],
  ]);
  const later = fleet.apply(read([], { at: NOW + 3_600_000 }));
  expect(later?.changed).toContainEqual(['expired', { look: null }]);
  expect(later?.changed).toContainEqual(['foreign', { look: null }]);
  // Renewed: its lease is not among those that have run out.
  expect(later?.changed).toContainEqual(['silent', { look: null }]);
});

test('a run that the registry does not know yet is listed, and a wait for the acknowledgement is seen', () => {
  const fleet = new ServedFleet(contract);
  fleet.knowRuns([
    { id: 'unrecorded', type: 'compute', state: 'PENDING_REGISTRATION', since: NOW - 1_000 },
    { id: 'waits', type: 'effect', state: 'AWAITING_ACK', since: NOW - 40_000 },
  ]);
  fleet.apply(read([row('waits', { state: 'PENDING_REGISTRATION', lease: null })], { whole: true }));
  expect(fleet.get('unrecorded')).toMatchObject({ type: 'compute', recorded: false });
  expect(fleet.get('waits')).toMatchObject({ state: 'AWAITING_ACK', round: 2, look: 'ack' });
  fleet.knowRuns([]);
  expect(fleet.apply(read([]))?.gone).toEqual(['unrecorded']);
});

test('while Temporal does not answer, what its list knew last stays', async () => {
  let runs: readonly OpenRun[] | null = [{ id: 'on-its-way', type: 'effect', state: contract.initial, since: NOW }];
  const sources = {
    readFleet: () => Promise.resolve(read([row('a')], { whole: true })),
    openRuns: () => Promise.resolve(runs),
    health: () => ({ streams: [], backends: [], parts: [], self_preservation: null }),
  } as unknown as Sources;
  const fleet = new LiveFleet(sources, contract, { registryTodo: '', runsEvery: 1 });
  const ids = async (): Promise<string[]> => {
    await fleet.read();
    return fleet.nodes.map(({ id }) => id);
  };
  expect(await ids()).toEqual(['a', 'on-its-way']);
  runs = null;
  expect(await ids()).toEqual(['a', 'on-its-way']);
  runs = [];
  expect(await ids()).toEqual(['a']);
});

test('the sign of the health page counts what needs a look, new dead letters too', () => {
  const [ok, look] = [{ verdict: 'ok' }, { verdict: 'look' }];
  const health = { streams: [ok, look], backends: [ok], parts: [ok], self_preservation: null };
  const problems = (dead_letters_verdict: string): number => {
    const sources = { health: () => ({ ...health, dead_letters_verdict }) } as unknown as Sources;
    return new LiveFleet(sources, contract, { registryTodo: '' }).pulse().health_problems;
  };
  expect([problems('ok'), problems('unknown'), problems('look')]).toEqual([1, 1, 2]);
});

test('recent deltas give what was missed, or say that it is too long ago', () => {
  const deltas = new RecentDeltas(3);
  const one = (id: string) => ({ added: [], changed: [], gone: [id] });
  for (const id of ['a', 'b', 'c', 'd']) deltas.add(one(id));
  expect(deltas.since(4)).toEqual([]);
  expect(deltas.since(2)?.map(({ delta }) => delta.gone[0])).toEqual(['c', 'd']);
  expect(deltas.since(0)).toBeNull();
  expect(deltas.since(9)).toBeNull();
});

test('the history of counts has one number a minute, and an hour of them', () => {
  const history = new CountHistory();
  expect(history.count(0, new Map([['ACTIVE', 1]]))).toBe(true);
  expect(history.count(59_999, new Map([['ACTIVE', 2]]))).toBe(false);
  for (let minute = 1; minute < 70; minute += 1) history.count(minute * 60_000, new Map([['ACTIVE', minute]]));
  const line = history.read().ACTIVE ?? [];
  expect([line.length, line[0], line.at(-1)]).toEqual([60, 10, 69]);
});
