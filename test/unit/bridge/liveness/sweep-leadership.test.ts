import { describe, expect, it } from 'vitest';
import { SweepLeadership } from '../../../../src/bridge/liveness/sweep-leadership.js';
import { fakeDatabase } from '../fake-database.js';

/** A bridge that wants to sweep "beats". `isMine` says whether the lock is free for it. */
function candidate(isMine: () => boolean = () => true) {
  const database = fakeDatabase({ lock: ['pg_try_advisory_lock', () => ({ rows: [{ mine: isMine() }] })] });
  return { ...database, leadership: new SweepLeadership(database.pool, 'beats') };
}

describe('the leadership of the sweep', () => {
  it('is held by the session that has the lock, which is the same each time', async () => {
    const { leadership, sessions, askedFor } = candidate();
    expect(leadership.isHeld).toBe(false);
    const session = await leadership.session();
    expect(await leadership.session()).toBe(session);
    expect([leadership.isHeld, sessions.length, askedFor('lock').length]).toEqual([true, 1, 1]);
    expect(sessions[0]?.ended).toBeNull();
  });

  it('is not held while another bridge has it: the session goes back to the pool', async () => {
    const { leadership, sessions } = candidate(() => false);
    expect(await leadership.session()).toBeNull();
    expect([leadership.isHeld, sessions[0]?.ended, sessions[0]?.listenerCount('error')]).toEqual([
      false,
      'given back',
      0,
    ]);
  });

  it('is lost with its session, which is closed, and tried for again with another', async () => {
    const { leadership, sessions } = candidate();
    await leadership.session();
    sessions[0]?.emit('error', new Error('terminating connection'));
    expect([leadership.isHeld, sessions[0]?.ended]).toEqual([false, null]);
    expect(await leadership.session()).toBe(sessions[1]);
    expect([leadership.isHeld, sessions[0]?.ended, sessions[0]?.listenerCount('error')]).toEqual([true, 'closed', 0]);
  });

  it('is given up by closing the session; giving up what nobody has does nothing', async () => {
    const { leadership, sessions } = candidate();
    leadership.resign();
    await leadership.session();
    leadership.resign();
    leadership.resign();
    expect([leadership.isHeld, sessions[0]?.ended, sessions[0]?.listenerCount('error')]).toEqual([false, 'closed', 0]);
  });

  it('that cannot be asked for leaves no session behind, and fails with the reason', async () => {
    const { leadership, sessions } = candidate(() => {
      throw new Error('canceling statement');
    });
    await expect(leadership.session()).rejects.toThrow('canceling statement');
    expect([leadership.isHeld, sessions[0]?.ended, sessions[0]?.listenerCount('error')]).toEqual([false, 'closed', 0]);
  });

  it('whose session is lost while it is asked for fails with what the connection said', async () => {
    const { leadership, sessions } = candidate(() => {
      sessions[0]?.emit('error', new Error('terminating connection'));
      throw new Error('Connection terminated unexpectedly');
    });
    await expect(leadership.session()).rejects.toThrow('terminating connection');
  });
});
