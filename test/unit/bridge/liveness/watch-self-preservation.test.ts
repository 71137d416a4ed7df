import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  selfPreservationQuestion,
  watchSelfPreservation,
  type SelfPreservationWatch,
} from '../../../../src/bridge/liveness/watch-self-preservation.js';
import type { SelfPreservationState } from '../../../../src/registry/leases/self-preservation.js';
import { fakeDatabase } from '../fake-database.js';
import { bridgeWorld, shipped } from '../support.js';

const open: SelfPreservationState = {
  held_since: null,
  held_seconds: null,
  suspects: 0,
  expired: 0,
  active: 10,
  changed_by: null,
  changed_at: null,
};
const held: SelfPreservationState = {
  ...open,
  held_since: '2026-01-31T12:00:00.000Z',
  held_seconds: 30,
  suspects: 9,
  changed_by: 'itself',
  changed_at: '2026-01-31T12:00:00.000Z',
};
const question = selfPreservationQuestion(shipped(), { env: 'dev', namespace: '' });

let watch: SelfPreservationWatch | undefined;
beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(async () => {
  void watch?.stop();
  watch = undefined;
  await vi.advanceTimersByTimeAsync(0);
  vi.useRealTimers();
});

function world(state: () => SelfPreservationState, asks = question) {
  const database = fakeDatabase({ update: ['insert into liveness_brake', () => ({ rows: [state()] })] });
  const bridge = bridgeWorld({ pool: database.pool });
  const start = (): SelfPreservationWatch => (watch = watchSelfPreservation(bridge.context, asks));
  return { ...bridge, database, start };
}

describe('self-preservation', () => {
  it('is asked about as the contract has it', async () => {
    expect(question).toEqual({
      topics: ['dev.onex.evt.node-heartbeat.v1'],
      window_seconds: 90,
      grace_seconds: 15,
      rule: { share: 0.45, max_hold_windows: 10, floor: 5 },
    });
    const { start, database } = world(() => open);
    start();
    await vi.advanceTimersByTimeAsync(0);
    expect(database.askedFor('update')).toEqual([[question.topics, 90, 15, 0.45, 5, 10]]);
  });

  it.each([
    ['every 4.5 s with a lease duration of 90 s', 90, 4_500],
    ['every 5 s with a long lease duration', 3_600, 5_000],
  ])('is looked at %s', async (_, window_seconds, everyMs) => {
    const { start, database } = world(() => open, { ...question, window_seconds });
    start();
    await vi.advanceTimersByTimeAsync(3 * everyMs - 1);
    expect(database.askedFor('update')).toHaveLength(3);
    await vi.advanceTimersByTimeAsync(1);
    expect(database.askedFor('update')).toHaveLength(4);
  });

  it('is known once it was read; that it begins and ends is logged', async () => {
    let state = held;
    const { start, lines } = world(() => state);
    const watching = start();
    expect(watching.state()).toBeNull();
    await vi.advanceTimersByTimeAsync(0);
    expect(watching.state()).toBe(held);
    expect(lines).toEqual([expect.stringContaining('self-preservation holds: 9 of 10 nodes')]);
    state = { ...open, changed_by: 'itself', changed_at: '2026-01-31T12:01:00.000Z' };
    await vi.advanceTimersByTimeAsync(5_000);
    expect(watching.state()).toBe(state);
    expect(lines[1]).toContain('self-preservation has ended by itself');
  });

  it('stays as it was read last while the database is away, and is read no more after the end', async () => {
    const { start, database, lines } = world(() => held);
    const watching = start();
    await vi.advanceTimersByTimeAsync(0);
    database.away.error = new Error('connect ECONNREFUSED');
    await vi.advanceTimersByTimeAsync(5_000);
    expect(watching.state()).toBe(held);
    expect(lines[1]).toBe('PostgreSQL is away; waiting for it, nothing is lost');
    database.away.error = null;
    void watching.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(database.askedFor('update')).toHaveLength(1);
  });
});
