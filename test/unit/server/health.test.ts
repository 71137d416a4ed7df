import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SelfPreservationState } from '../../../src/registry/leases/self-preservation.js';
import type { BackendHealth, HealthFigure } from '../../../src/server/api/health.js';
import type { DeadLetterView } from '../../../src/server/api/node.js';
import { healthOf, type HealthFacts } from '../../../src/server/sources/health.js';
import { PastLags } from '../../../src/server/sources/past-lags.js';

const NOW = Date.parse('2026-11-25T20:00:00.000Z');
const ago = (seconds: number): string => new Date(NOW - seconds * 1_000).toISOString();

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: NOW }));
afterEach(() => void vi.useRealTimers());

const RECONCILED = { at: ago(12), rows: 1_200, entries: 1_199, differences: {}, outcomes: {}, failure: null };
const STREAM = { topic: 'heartbeats', keeps_watermark: true, lag: 3, partitions: [20, 10_000] };
const LAG = { lag_before: null };
const QUESTION = {
  topics: ['heartbeats'],
  window_seconds: 90,
  grace_seconds: 10,
  rule: { share: 0.3, floor: 10, max_hold_windows: 10 },
} as const;
const FREE: SelfPreservationState = {
  held_since: null,
  held_seconds: null,
  suspects: 1,
  expired: 2,
  active: 18,
  changed_by: null,
  changed_at: null,
};
const HELD = { state: { ...FREE, held_since: ago(60), held_seconds: 60, suspects: 8 }, question: QUESTION };

function backend(name: string, change: Partial<BackendHealth> = {}): BackendHealth {
  return {
    name,
    address: `${name}:1`,
    verdict: 'ok',
    p50: 1,
    p99: 2,
    failing_since: null,
    failure: null,
    minutes: ['ok'],
    todo: null,
    ...change,
  };
}
const away = (name: string): BackendHealth =>
  backend(name, { verdict: 'look', failing_since: NOW, failure: 'refused' });

/** Where all is well. */
function facts(change: Partial<HealthFacts> = {}): HealthFacts {
  return {
    backends: [backend('PostgreSQL'), backend('Consul')],
    held: { state: FREE, question: QUESTION },
    topics: [{ ...STREAM, ...LAG }],
    swept: true,
    sweep_seconds: 5,
    reconciled: RECONCILED,
    reconcile_seconds: 30,
    workers: { polling: ['w1', 'w2'], queue: 'nodes' },
    contract_version: '2.0.0',
    contracts: [{ version: '2.0.0', nodes: 1_200 }],
    dead_letters: [],
    dead_letters_failure: null,
    waiting: 0,
    ...change,
  };
}

function part(name: string, change: Partial<HealthFacts>): HealthFigure | undefined {
  return healthOf(facts(change)).parts.find((one) => one.name === name);
}

function headline(change: Partial<HealthFacts>): unknown[] {
  const { verdict, title, sentence } = healthOf(facts(change));
  return [verdict, title, sentence];
}

it('says that there is nothing to do where all is well', () => {
  const { backends } = facts();
  expect(healthOf(facts())).toEqual({
    now: NOW,
    title: 'The registrar works',
    sentence: 'Nothing to do.',
    verdict: 'ok',
    self_preservation: {
      verdict: 'ok',
      held_since: null,
      held_until: null,
      share_now: 0.15,
      share: 0.3,
      floor: 10,
      gone: 3,
      of: 20,
      max_hold_seconds: 900,
    },
    streams: [{ ...STREAM, behind: 10_000, verdict: 'ok', todo: null }],
    backends,
    parts: [
      {
        name: 'Sweep',
        beside: 'every 5 s',
        verdict: 'ok',
        figure: 'runs',
        unit: '',
        sentence: 'One bridge looks for nodes whose lease has run out, and wakes their runs.',
        todo: 'Held by one bridge at a time; another takes over.',
      },
      {
        name: 'Reconciler',
        beside: 'every 30 s',
        verdict: 'ok',
        figure: '0',
        unit: 'differences',
        sentence: 'Compared 1,200 rows with 1,199 entries of Consul, 12 s ago. Consul shows what the registry says.',
        todo: 'What differs twice is mended: its run writes it again, or it is removed.',
      },
      {
        name: 'Workers',
        beside: 'task queue nodes',
        verdict: 'ok',
        figure: '2',
        unit: 'polling',
        sentence: 'Polled within the last minute: w1, w2.',
        todo: 'A worker that is alive polls at least once a minute.',
      },
      {
        name: 'Contract',
        beside: '2.0.0',
        verdict: 'ok',
        figure: '1,200',
        unit: 'of 1,200 nodes on it',
        sentence: 'Every row was written under the contract of this server.',
        todo: 'A run keeps the contract under which its registration attempt began.',
      },
    ],
    dead_letters_count: 0,
    dead_letters: [],
    dead_letters_verdict: 'ok',
    dead_letters_failure: null,
  });
});

describe('the headline', () => {
  const HOLDS = ['look', 'The registrar holds back', 'Too much of the fleet is silent at once, so nobody expires.'];

  it('names a hold before backends that fail, and those before anything smaller', () => {
    const idle = { workers: { polling: [], queue: 'nodes' } };
    const failing = { ...idle, backends: [backend('PostgreSQL'), away('Consul')] };
    expect(headline({ ...failing, held: HELD })).toEqual(HOLDS);
    expect(headline(failing)).toEqual([
      'look',
      'Consul does not answer',
      'What needs it waits and goes on by itself. Nothing is lost.',
    ]);
    expect(headline(idle)).toEqual(['look', 'Something needs a look', 'Each part below says what to do.']);
  });

  it.each([
    [1, '1 registration waits and goes on by itself. Nothing is lost.'],
    [1_234, '1,234 registrations wait and go on by themselves. Nothing is lost.'],
  ])('counts who waits for the backends that fail: %i', (waiting, sentence) => {
    expect(headline({ waiting, backends: [away('PostgreSQL'), backend('Kafka'), away('Consul')] })).toEqual([
      'look',
      'PostgreSQL and Consul do not answer',
      sentence,
    ]);
  });

  it('raises no alarm over what is not known', () => {
    const unknown = {
      backends: [backend('Consul', { verdict: 'unknown' as const })],
      held: null,
      topics: [{ ...STREAM, ...LAG, lag: null, partitions: [] }],
      swept: null,
      reconciled: null,
      workers: null,
      contracts: [],
      dead_letters_failure: 'Kafka did not answer',
    };
    expect(headline(unknown)).toEqual(['ok', 'The registrar works', 'Nothing to do.']);
    const { self_preservation, streams, parts, dead_letters_failure, dead_letters_verdict } = healthOf(facts(unknown));
    expect(self_preservation).toBeNull();
    expect([dead_letters_failure, dead_letters_verdict]).toEqual(['Kafka did not answer', 'unknown']);
    expect(streams.map(({ behind, verdict }) => [behind, verdict])).toEqual([[null, 'unknown']]);
    expect(parts.map(({ name, verdict, figure }) => [name, verdict, figure])).toEqual([
      ['Sweep', 'unknown', 'not known'],
      ['Reconciler', 'unknown', 'not known'],
      ['Workers', 'unknown', 'not known'],
      ['Contract', 'ok', '0'],
    ]);
  });
});

it('shows since when expiry is held, and when that ends by itself at the latest', () => {
  expect(healthOf(facts({ held: HELD })).self_preservation).toEqual({
    verdict: 'look',
    held_since: NOW - 60_000,
    // 10 lease durations of 90 s, of which 60 s are used up.
    held_until: NOW + 840_000,
    share_now: 0.5,
    share: 0.3,
    floor: 10,
    gone: 10,
    of: 20,
    max_hold_seconds: 900,
  });
});

it('shows a fleet of nobody as none gone, and not as no number', () => {
  const state = { ...FREE, suspects: 0, expired: 0, active: 0 };
  expect(healthOf(facts({ held: { state, question: QUESTION } })).self_preservation).toMatchObject({
    verdict: 'ok',
    share_now: 0,
    gone: 0,
    of: 0,
  });
});

it.each([
  ['a watermark that is 10 s behind is not', {}, 10_000, 'ok'],
  ['a watermark that is further behind is', { partitions: [5, 10_001, 7] }, 10_001, 'look'],
  [
    'nothing expires by a topic without watermark: it is not',
    { keeps_watermark: false, partitions: [90_000] },
    90_000,
    'ok',
  ],
  ['a watermark is known where Kafka does not answer', { lag: null, partitions: [8] }, 8, 'ok'],
  ['a lag is known where there is no watermark', { lag: 0, partitions: [] }, null, 'ok'],
])('whether a stream is worth a look: %s', (_, change, behind, verdict) => {
  const topic = { ...STREAM, ...change };
  const { streams, verdict: whole } = healthOf(facts({ topics: [{ ...topic, ...LAG }] }));
  const todo = verdict === 'ok' ? null : (expect.stringContaining('Start a bridge: registrar bridge') as string);
  expect(streams).toEqual([{ ...topic, behind, verdict, todo }]);
  expect(whole).toBe(verdict);
});

it.each([
  ['a thousand records are not', 1_000, 1_000, 'ok'],
  ['more, and as many as five minutes ago, is', 1_001, 1_001, 'look'],
  ['more than five minutes ago is', 60_000, 1_001, 'look'],
  ['a backlog that shrinks is not', 60_000, 60_001, 'ok'],
  ['one that has begun just now is not', 60_000, 0, 'ok'],
  ['one whose past is not known is not', 60_000, null, 'ok'],
])('whether a backlog is worth a look: %s', (_, lag, lag_before, verdict) => {
  const topic = { topic: 'introspections', keeps_watermark: false, partitions: [], lag, lag_before };
  const { streams, verdict: whole } = healthOf(facts({ topics: [topic] }));
  expect([streams[0]?.verdict, whole]).toEqual([verdict, verdict]);
  expect(streams[0]?.todo ?? '').toContain(verdict === 'look' ? 'start more bridges' : '');
});

it('finds the lag of five minutes ago, and none where it looks for less long', () => {
  const past = new PastLags();
  const seen = [0, 150, 299, 300, 305, 700].map((at) => past.before('heartbeats', at + 1, NOW + at * 1_000));
  expect(seen).toEqual([null, null, null, 1, 1, 306]);
  expect(past.before('acks', 5, NOW)).toBeNull();
});

it('says what to start where nobody sweeps and nobody polls', () => {
  expect(part('Sweep', { swept: false })).toEqual({
    name: 'Sweep',
    beside: 'every 5 s',
    verdict: 'look',
    figure: 'nobody sweeps',
    unit: '',
    sentence: 'No bridge looks for nodes whose lease has run out. Their own timers find them, hours later.',
    todo: 'Start a bridge: registrar bridge',
  });
  expect(part('Workers', { workers: { polling: [], queue: 'nodes' } })).toEqual({
    name: 'Workers',
    beside: 'task queue nodes',
    verdict: 'look',
    figure: '0',
    unit: 'polling',
    sentence: 'Nobody polls: nodes wait, and none is lost.',
    todo: 'Start one: registrar worker',
  });
});

it('shows no sweep and no reconciler that the contract does not have', () => {
  const { parts } = healthOf(facts({ sweep_seconds: null, reconcile_seconds: null }));
  expect(parts.map(({ name }) => name)).toEqual(['Workers', 'Contract']);
});

it.each([
  [['a', 'b', 'c', 'd'], 'a, b, c, d.'],
  [['a', 'b', 'c', 'd', 'e'], 'a, b, c, d, ….'],
])('names four workers at most, and counts all of them: %j', (polling, names) => {
  expect(part('Workers', { workers: { polling, queue: 'nodes' } })).toMatchObject({
    figure: String(polling.length),
    sentence: `Polled within the last minute: ${names}`,
  });
});

describe('the reconciler', () => {
  const MENDED = 'What differs twice is mended: its run writes it again, or it is removed.';
  const LOOK = 'Look at Consul, and whether a bridge runs; once by hand: registrar reconcile --dry-run';
  const NOT_MENDED =
    'registrar reconcile --dry-run names them. "held" are too many at once to be true; see their runs.';
  const compared = (seconds: number): string => `Compared 1,200 rows with 1,199 entries of Consul, ${seconds} s ago.`;

  it.each([
    [
      'is well where it mends what differs',
      { differences: { missing: 1 } },
      'ok',
      '1',
      'difference',
      `${compared(12)} 1 missing.`,
      MENDED,
    ],
    [
      'lists what differs and what became of it',
      { differences: { missing: 2, wrong_port: 1 }, outcomes: { signalled: 2 } },
      'ok',
      '3',
      'differences',
      `${compared(12)} 2 missing, 1 wrong port; 2 signalled.`,
      MENDED,
    ],
    [
      'is worth a look where mending failed',
      { differences: { missing: 1 }, outcomes: { failed: 1 } },
      'look',
      '1',
      'difference',
      `${compared(12)} 1 missing; 1 failed.`,
      NOT_MENDED,
    ],
    [
      'is worth a look where mending is held',
      { differences: { foreign: 40 }, outcomes: { held: 40 } },
      'look',
      '40',
      'differences',
      `${compared(12)} 40 foreign; 40 held.`,
      NOT_MENDED,
    ],
    [
      'is not late after four rounds',
      { at: ago(120) },
      'ok',
      '0',
      'differences',
      `${compared(120)} Consul shows what the registry says.`,
      MENDED,
    ],
    [
      'is late after more',
      { at: ago(121) },
      'look',
      '0',
      'differences',
      `${compared(121)} Consul shows what the registry says.`,
      LOOK,
    ],
    [
      'gives the reason of a comparison that could not be done',
      { failure: 'Consul: 500' },
      'look',
      '0',
      'differences',
      'The last comparison could not be done: Consul: 500',
      LOOK,
    ],
    [
      'gives that reason where none was ever done',
      { at: null, failure: 'Consul: 500' },
      'look',
      '0',
      'differences',
      'The last comparison could not be done: Consul: 500',
      LOOK,
    ],
    [
      'knows nothing before the first comparison',
      { at: null },
      'unknown',
      'not known',
      '',
      'Nothing was compared yet, or the registry did not answer.',
      'The bridge that sweeps compares Consul with the registry.',
    ],
  ])('%s', (_, change, verdict, figure, unit, sentence, todo) => {
    expect(part('Reconciler', { reconciled: { ...RECONCILED, ...change } })).toEqual({
      name: 'Reconciler',
      beside: 'every 30 s',
      verdict,
      figure,
      unit,
      sentence,
      todo,
    });
  });
});

it('counts the nodes that still follow other contracts, without alarm', () => {
  const contracts = [
    { version: '2.0.0', nodes: 1 },
    { version: '1.1.0', nodes: 1_500 },
    { version: '1.0.0', nodes: 2 },
  ];
  expect(part('Contract', { contracts })).toEqual({
    name: 'Contract',
    beside: '2.0.0',
    verdict: 'ok',
    figure: '1',
    unit: 'of 1,503 nodes on it',
    sentence: '1,502 still follow 1.1.0, 1.0.0; each takes the new one with its next registration attempt.',
    todo: 'A run keeps the contract under which its registration attempt began.',
  });
  expect(part('Contract', { contracts: [{ version: '2.0.0', nodes: 1 }] })?.unit).toBe('of 1 node on it');
});

it('shows the first fifty dead letters, and counts all of them', () => {
  const letters = Array.from({ length: 51 }, (_, index): DeadLetterView => ({
    id: `0-${index}`,
    at: NOW,
    node_id: null,
    reason: 'not JSON',
    from: 'heartbeats 0 1',
    text: '{',
    replayed: false,
    stays: null,
  }));
  const { dead_letters, dead_letters_count } = healthOf(facts({ dead_letters: letters }));
  expect(dead_letters).toEqual(letters.slice(0, 50));
  expect(dead_letters_count).toBe(51);
});

it.each([
  ['came in the last ten minutes are', 599, false, 'look'],
  ['are older are listed, no more', 600, false, 'ok'],
  ['were sent again are not', 1, true, 'ok'],
])('whether dead letters are worth a look: those that %s', (_, seconds, replayed, verdict) => {
  const from = { node_id: null, reason: 'not JSON', from: 'heartbeats 0 1', text: '{', stays: null };
  const letter: DeadLetterView = { id: '0-1', at: NOW - seconds * 1_000, replayed, ...from };
  const { dead_letters_verdict, verdict: whole } = healthOf(facts({ dead_letters: [letter] }));
  expect([dead_letters_verdict, whole]).toEqual([verdict, verdict]);
});
