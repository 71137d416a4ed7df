import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SweepLeadership } from '../../../../src/bridge/liveness/sweep-leadership.js';
import { fakeDatabase } from '../fake-database.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A bridge that wants to sweep "beats". `isMine` says whether the lease is free for it. */
function candidate({ isMine = (): boolean => true, intervalSeconds = 2 } = {}) {
  const database = fakeDatabase({
    lease: ['insert into sweep_leases', () => ({ rowCount: isMine() ? 1 : 0 })],
    released: ['delete from sweep_leases', () => ({ rowCount: 1 })],
  });
  return { ...database, leadership: new SweepLeadership(database.pool, 'beats', intervalSeconds) };
}

describe('the leadership of the sweep', () => {
  it('is held by the bridge that has the lease, under the same name each time', async () => {
    const { leadership, askedFor } = candidate();
    expect(leadership.isHeld).toBe(false);
    expect([await leadership.take(), await leadership.take(), leadership.isHeld]).toEqual([true, true, true]);
    const [first, second] = askedFor('lease');
    expect(first).toEqual(['beats', expect.stringMatching(/^[0-9a-f-]{36}$/), 10]);
    expect(second).toEqual(first);
  });

  it('is not held while another bridge has it', async () => {
    const { leadership, askedFor } = candidate({ isMine: () => false });
    expect([await leadership.take(), leadership.isHeld]).toEqual([false, false]);
    await leadership.resign();
    expect(askedFor('released')).toEqual([]);
  });

  it.each([
    [2, 10],
    [60, 180],
  ])('that is renewed each %i s ends %i s after the last renewal', async (intervalSeconds, seconds) => {
    const { leadership } = candidate({ intervalSeconds });
    await leadership.take();
    vi.advanceTimersByTime(seconds * 1_000 - 1);
    expect(leadership.isHeld).toBe(true);
    vi.advanceTimersByTime(1);
    expect(leadership.isHeld).toBe(false);
  });

  it('is given back at once, and once', async () => {
    const { leadership, askedFor } = candidate();
    await leadership.resign();
    await leadership.take();
    await leadership.resign();
    await leadership.resign();
    expect([leadership.isHeld, askedFor('released').length]).toEqual([false, 1]);
    expect(askedFor('released')[0]).toEqual(askedFor('lease')[0]?.slice(0, 2));
  });

  it('that cannot be asked for fails with the reason', async () => {
    const { leadership, away } = candidate();
    away.error = new Error('canceling statement');
    await expect(leadership.take()).rejects.toThrow('canceling statement');
    expect(leadership.isHeld).toBe(false);
  });
});
