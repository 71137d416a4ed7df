import { describe, expect, it } from 'vitest';
import { loadContracts } from '../../../src/contracts/load.js';
import { withChanges } from '../../../workflows/core/registration.js';
import { millisBetween, plusSeconds } from '../../../workflows/core/time.js';
import { timerChecked, type Finding } from '../../../workflows/core/timer.js';
import { laidOver } from '../contracts/contract-files.js';
import { Life, type LifeStep } from './life.js';

/** After a look at a timer it is later than now, or gone. */

const contract = loadContracts().compiled;
/** A lease of this node may run out, and its contract does not react. */
const never = laidOver({
  orchestrator: `state_machine:
  transitions:
    - { from_state: "ACTIVE", to_state: "LIVENESS_EXPIRED", trigger: "lease_expired",
        conditions: [{ expression: "node_type != effect" }] }
`,
}).compiled;

const steps: readonly LifeStep[] = [
  { do: 'introspect', of: 1, reason: 'startup', epoch: false, data: 0 },
  { do: 'all goes well' },
  { do: 'ack', of: 'current', late: false },
  { do: 'all goes well' },
];
function active(under = contract): Life {
  const life = new Life(under);
  for (const one of steps) life.step(one);
  expect(life.node.state).toBe('ACTIVE');
  return life;
}

describe('a timer that fires', () => {
  const fires: Finding = { fires: true, last_heartbeat_at: null };
  const hours: LifeStep = { do: 'time passes', seconds: 11_000, finding: fires };

  it('leads on, and is gone', () => {
    const life = active();
    life.step(hours);
    expect(life.node).toMatchObject({ state: 'ACTIVE', entering: { state: 'LIVENESS_EXPIRED' }, timer_due: null });
  });

  it('cancels what is in flight', () => {
    const { node, now } = active();
    const { registration, cancels } = timerChecked(withChanges(node, { refreshing: true }), fires, now, contract);
    expect(registration).toMatchObject({ refreshing: false, refresh_due: true });
    expect(cancels).toBe(true);
    expect(timerChecked(node, fires, now, never).cancels).toBe(false);
  });

  it('is gone where the state has none', () => {
    const { node, now } = active();
    const stray = withChanges(node, { state: 'ACK_RECEIVED', timer_due: now });
    expect(timerChecked(stray, fires, now, contract).registration).toEqual({ ...stray, timer_due: null });
  });

  it('runs once more where its trigger changes nothing, and the journal says so', () => {
    const life = active(never);
    life.step(hours);
    expect(life.node).toMatchObject({ state: 'ACTIVE', entering: null, timer_due: plusSeconds(life.now, 10_800) });
    const { notes } = timerChecked(life.node, fires, life.now, never);
    expect(notes).toEqual(['timer: lease_expired changes nothing in ACTIVE']);
  });
});

describe('a timer that does not fire', () => {
  it.each([
    [-5, 0.5],
    [0, 0.5],
    [0.1, 0.5],
    [90, 90],
  ])('and is to be looked at again in %d s is due in %d s', (again_in_seconds, seconds) => {
    const { node, now } = active();
    const turn = timerChecked(node, { fires: false, again_in_seconds, why: 'the stream is behind' }, now, contract);
    expect(turn.registration.timer_due).toBe(plusSeconds(now, seconds));
    expect(turn.notes).toEqual(['not decided yet: the stream is behind']);
  });

  it('keeps the deadline that is known, or takes the one that was read', () => {
    const { node, now } = active();
    const unread: Finding = { fires: false, again_in_seconds: 9, why: null };
    const turn = timerChecked(node, unread, now, contract);
    expect(turn.registration.liveness_deadline).toBe(node.liveness_deadline);
    expect(turn.notes, 'where everything is well').toEqual([]);
    const read: Finding = { ...unread, liveness_deadline: '2027-01-01T00:00:00.000Z' };
    expect(timerChecked(node, read, now, contract).registration.liveness_deadline).toBe('2027-01-01T00:00:00.000Z');
  });
});

describe('the time between two moments', () => {
  it('is in milliseconds, and negative backwards', () => {
    expect(millisBetween('2026-01-01T00:00:00.000Z', '2026-01-01T00:00:01.500Z')).toBe(1500);
    expect(millisBetween('2026-01-01T00:00:01.500Z', '2026-01-01T00:00:00.000Z')).toBe(-1500);
  });
});
