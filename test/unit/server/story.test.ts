import { expect, test } from 'vitest';
import { loadContracts } from '../../../src/contracts/load.js';
import { attemptStoryOf, type Standing } from '../../../src/server/node/story.js';
import { triesBefore } from '../../../src/server/node/tries.js';

const { compiled } = loadContracts();
const START = Date.parse('2026-11-25T20:00:00.000Z');
const at = (ms: number): string => new Date(START + ms).toISOString();
const standing = (change: Partial<Standing>): Standing => ({
  state: null,
  since: null,
  reducer: null,
  ended: false,
  silent: false,
  ...change,
});

const BEGUN = [
  { at: at(0), what: 'registration attempt 1 begins: introspection (startup) of 2026-11-25T20:00:00.000Z' },
  { at: at(12), what: 'unknown -> PENDING_REGISTRATION' },
  { at: at(51), what: 'published NodeRegistrationInitiated' },
  { at: at(130), what: 'postgres.registration_upserted' },
];
const ACTIVE = [
  ...BEGUN,
  { at: at(140), what: 'consul.registered' },
  { at: at(141), what: 'PENDING_REGISTRATION -> ACCEPTED' },
  { at: at(165), what: 'ACCEPTED -> AWAITING_ACK' },
  { at: at(198), what: 'AWAITING_ACK -> ACK_RECEIVED' },
  { at: at(268), what: 'ACK_RECEIVED -> ACTIVE' },
];

test('a journal becomes steps with their lines, the path through both machines, and what is waited for', () => {
  const story = attemptStoryOf(
    BEGUN,
    standing({ state: 'PENDING_REGISTRATION', since: START + 12, reducer: 'partial' }),
    compiled,
  );
  expect(story.steps.map(({ kind, lane, text }) => [kind, lane, text])).toEqual([
    ['node', 'node', 'The node introduced itself: startup'],
    ['state', 'state', 'PENDING_REGISTRATION'],
    ['published', 'published', 'Published NodeRegistrationInitiated'],
    ['confirmed', 'postgres', 'PostgreSQL confirmed'],
  ]);
  expect(story.reducer.here).toBe('partial');
  expect(story.reducer.edges).toEqual([
    { from: 'idle', to: 'pending', trigger: 'introspection_received' },
    { from: 'pending', to: 'partial', trigger: 'postgres_confirmed' },
  ]);
  expect(story.reducer.next).toEqual([{ from: 'partial', to: 'complete', trigger: 'consul_confirmed' }]);
  expect(story.orchestrator.next).toEqual([
    { from: 'PENDING_REGISTRATION', to: 'ACCEPTED', trigger: 'reducer_complete' },
  ]);
  expect(story.spans).toEqual([{ state: 'PENDING_REGISTRATION', from: START + 12, to: null }]);
});

test('an active node shows the whole way; its expiry comes next only when its lease has run out', () => {
  const calm = attemptStoryOf(ACTIVE, standing({ state: 'ACTIVE', since: START + 268, reducer: 'complete' }), compiled);
  expect(calm.orchestrator.edges.map(({ from, to }) => `${from} ${to}`)).toEqual([
    'PENDING_REGISTRATION ACCEPTED',
    'ACCEPTED AWAITING_ACK',
    'AWAITING_ACK ACK_RECEIVED',
    'ACK_RECEIVED ACTIVE',
  ]);
  expect(calm.orchestrator.next).toEqual([]);
  const silent = attemptStoryOf(
    ACTIVE,
    standing({ state: 'ACTIVE', since: START + 268, reducer: 'complete', silent: true }),
    compiled,
  );
  expect(silent.orchestrator.next).toEqual([{ from: 'ACTIVE', to: 'LIVENESS_EXPIRED', trigger: 'lease_expired' }]);
});

test('only the newest attempt is shown in steps; those before it are a line each', () => {
  const story = attemptStoryOf(
    [
      ...ACTIVE,
      { at: at(9_000), what: 'ACTIVE -> DEREGISTERED: the node left' },
      { at: at(20_000), what: 'registration attempt 2 begins: introspection (startup) of 2026-11-25T20:00:20.000Z' },
      { at: at(20_012), what: 'DEREGISTERED -> PENDING_REGISTRATION' },
    ],
    standing({ state: 'PENDING_REGISTRATION', since: START + 20_012, reducer: 'pending' }),
    compiled,
  );
  expect(story.steps).toHaveLength(2);
  expect(story.earlier).toEqual([{ attempt: 1, state: 'DEREGISTERED', ended: START + 9_000 }]);
});

test('who asked for an attempt, and why, stands at its beginning', () => {
  const asked = { at: at(20_000), what: 'a retry was asked for by ada: its disk is full: no more' };
  const story = attemptStoryOf(
    [
      ...ACTIVE,
      { at: at(9_000), what: 'ACTIVE -> REJECTED: too old' },
      asked,
      { at: at(20_000), what: 'reset: complete -> idle' },
      { at: at(20_000), what: 'registration attempt 2 begins: introspection (startup) of 2026-11-25T20:00:20.000Z' },
    ],
    standing({ state: 'PENDING_REGISTRATION', since: START + 20_012, reducer: 'pending' }),
    compiled,
  );
  expect(story.steps[0]).toMatchObject({
    kind: 'person',
    text: 'ada asked for a retry',
    detail: 'its disk is full: no more',
  });
  expect(story.steps).toHaveLength(3);
  expect(story.earlier).toEqual([{ attempt: 1, state: 'REJECTED', ended: START + 9_000 }]);
});

test('words that are not recognised are shown as they are written', () => {
  const story = attemptStoryOf(
    [{ at: at(5), what: 'ignored an ack: it came too late' }],
    standing({ state: 'ACTIVE', since: START, reducer: 'complete' }),
    compiled,
  );
  expect(story.steps).toMatchObject([{ kind: 'other', lane: null, text: 'ignored an ack: it came too late' }]);
  expect(story.orchestrator.seen).toEqual({ ACTIVE: START });
});

test('the times of earlier tries follow from the retry policy', () => {
  const retry = { initial_interval_seconds: 1, backoff_coefficient: 2, maximum_interval_seconds: 10 };
  expect(triesBefore(6, 25_000, retry)).toEqual([0, 1_000, 3_000, 7_000, 15_000, 25_000]);
  expect(triesBefore(1, 500, retry)).toEqual([500]);
});
