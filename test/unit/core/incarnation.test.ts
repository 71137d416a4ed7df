import { describe, expect, it } from 'vitest';
import type { Introspection } from '../../../src/protocol/introspection.js';
import { compareIncarnation, incarnationOf, withSeen } from '../../../workflows/core/incarnation.js';

const startup: Introspection = {
  message_id: 'm-0',
  correlation_id: 'c-0',
  node_id: 'abc-123',
  node_type: 'effect',
  node_version: '1.0.0',
  endpoints: {},
  capabilities: [],
  reason: 'startup',
  epoch: null,
  at: '2026-01-01T00:00:00.000Z',
};
const later = (correlation_id: string): Introspection => ({
  ...startup,
  correlation_id,
  at: '2026-01-01T01:00:00.000Z',
});
/** The incarnation after so many introspections, each with an id of its own. */
const after = (count: number) =>
  Array.from({ length: count - 1 }, (_, index) => later(`c-${index + 1}`)).reduce(
    withSeen,
    incarnationOf(startup, null),
  );

describe('an introspection', () => {
  const known = incarnationOf({ ...startup, epoch: 7, at: '2026-01-01T00:30:00.000Z' }, null);

  it.each([
    ['with a lower epoch', known, { epoch: 6 }],
    ['with the same epoch, from before', known, { epoch: 7, at: startup.at }],
    ['from before, where only it has an epoch', { ...known, epoch: null }, { epoch: 8, at: startup.at }],
    ['from before, where only the known one has an epoch', known, { epoch: null, at: startup.at }],
  ])('%s is stale', (_, before, changes) => {
    expect(compareIncarnation(before, { ...later('c-1'), ...changes }, false)).toBe('stale');
  });

  it('that repeats the startup after an end that no event announced is no duplicate', () => {
    const unannounced = { ...known, unannounced_end: '2026-01-01T00:45:00.000Z' };
    const repeatAt = (at: string) => compareIncarnation(unannounced, { ...startup, epoch: 7, at }, true);
    expect(repeatAt('2026-01-01T00:45:00.000Z')).toBe('duplicate');
    expect(repeatAt('2026-01-01T00:45:00.001Z')).toBe('newer');
    expect(compareIncarnation(known, later('c-0'), true)).toBe('duplicate');
  });

  it('of an incarnation that is known from its registry row is compared like any other', () => {
    const { superseded: _, ...ofRow } = known;
    expect(compareIncarnation(ofRow, later('c-1'), false)).toBe('newer');
    expect(compareIncarnation(ofRow, later('c-0'), false)).toBe('duplicate');
    expect(incarnationOf(later('c-1'), ofRow).superseded).toEqual(['c-0']);
  });
});

describe('an incarnation', () => {
  it('begins with the id of its introspection, and with no process where that names none', () => {
    expect(incarnationOf(startup, null)).toStrictEqual({
      correlation_id: 'c-0',
      epoch: null,
      at: startup.at,
      seen: ['c-0'],
      superseded: [],
    });
    expect(incarnationOf({ ...startup, instance_id: 'p-1' }, null).instance_id).toBe('p-1');
  });

  it('has not superseded itself: a node may use one id for its whole life', () => {
    const first = incarnationOf(startup, null);
    expect(incarnationOf(startup, first).superseded).toEqual([]);
    expect(incarnationOf(later('c-0'), incarnationOf(later('c-1'), first)).superseded).toEqual(['c-1']);
  });

  it('has each id once, the newest last', () => {
    expect(withSeen(after(3), later('c-0')).seen).toEqual(['c-1', 'c-2', 'c-0']);
  });

  it('remembers 20 ids: each of them is a duplicate, whatever its time', () => {
    const known = after(20);
    for (let index = 0; index < 20; index++)
      expect(compareIncarnation(known, later(`c-${index}`), false), `c-${index}`).toBe('duplicate');
    expect(compareIncarnation(known, later('c-20'), false)).toBe('newer');
  });

  it('remembers no more than that, the newest ones: what is carried over continue-as-new is bounded', () => {
    expect(after(1000).seen).toEqual(Array.from({ length: 20 }, (_, index) => `c-${980 + index}`));
    expect(compareIncarnation(after(1000), later('c-0'), false), "the attempt's own id").toBe('duplicate');
    expect(compareIncarnation(after(1000), later('c-1'), false)).toBe('newer');
    let known = incarnationOf(startup, null);
    for (let count = 1; count <= 30; count++) known = incarnationOf(later(`c-${count}`), known);
    expect(known.superseded).toEqual(Array.from({ length: 20 }, (_, index) => `c-${10 + index}`));
  });

  it('has the time of its newest introspection, in whatever order they come', () => {
    expect(after(2).at).toBe('2026-01-01T01:00:00.000Z');
    expect(withSeen(after(2), { ...startup, correlation_id: 'c-old' }).at).toBe('2026-01-01T01:00:00.000Z');
  });
});
