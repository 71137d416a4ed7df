import { describe, expect, it } from 'vitest';
import { loadContracts } from '../../../src/contracts/load.js';
import type { Introspection } from '../../../src/protocol/introspection.js';
import { applyOutput } from '../../../workflows/core/handle.js';
import { output, type DomainEvent } from '../../../workflows/core/handlers/output.js';
import { unknownNode, withChanges, type Registration } from '../../../workflows/core/registration.js';
import type { Turn } from '../../../workflows/core/turn.js';
import { BEGINNING, Life, type LifeStep } from './life.js';

/** What a handler's events do to a node. */

const contract = loadContracts().compiled;
const steps: readonly LifeStep[] = [
  { do: 'introspect', of: 1, reason: 'startup', epoch: false, data: 0 },
  { do: 'all goes well' },
  { do: 'ack', of: 'current', late: false },
  { do: 'all goes well' },
];
const life = new Life(contract);
for (const one of steps) life.step(one);
const active = life.node;
const nobody = unknownNode('abc-123', null, contract);

type Triggered = Extract<DomainEvent, { readonly event: 'triggered' }>;
const handled = (node: Registration, event: DomainEvent): Turn =>
  applyOutput(node, output('an action', event), life.now, contract);

describe('a trigger', () => {
  const triggered = (more: object) =>
    handled(withChanges(active, { reason: 'as before' }), {
      event: 'triggered',
      trigger: 'drain_requested',
      causation_id: 'm-1',
      ...more,
    }).registration;

  it('brings its reason; without one, that of the state stays until the next is entered', () => {
    expect(triggered({ reason: 'too hot' })).toMatchObject({ causation_id: 'm-1', reason: 'too hot' });
    expect(triggered({})).toMatchObject({ causation_id: 'm-1', reason: 'as before' });
  });
});

describe('the data of a node that come again', () => {
  const introspection: Introspection = {
    ...(active.introspection ?? expect.fail()),
    message_id: 'again',
    correlation_id: 'c-again',
    reason: 'health_change',
  };
  const again = (node: Registration, changed: boolean): Turn =>
    handled(node, { event: 'introspected_again', introspection, changed });

  it('are kept, and their id is seen; unchanged, they lead to nothing', () => {
    const { registration, cancels, notes } = again(active, false);
    const incarnation = { ...active.incarnation, seen: ['c-1', 'c-again'] };
    expect(registration).toEqual({ ...active, introspection, incarnation });
    expect([cancels, notes]).toEqual([false, []]);
  });

  it('go to the backends when they have changed, also where those refused earlier ones', () => {
    const { registration, cancels } = again(withChanges(active, { refresh_refused: 'forbidden' }), true);
    expect(registration).toMatchObject({ introspection, refresh_due: true, refreshing: false, refresh_refused: null });
    expect(cancels).toBe(false);
  });

  it('supersede older ones that are still on their way', () => {
    const { registration, cancels } = again(withChanges(active, { refreshing: true }), true);
    expect(registration).toMatchObject({ refresh_due: true, refreshing: false });
    expect(cancels).toBe(true);
    expect(again(withChanges(active, { refreshing: true }), false).cancels).toBe(false);
  });

  it('of a node without an incarnation give it none', () => {
    expect(again(nobody, false).registration).toEqual({ ...nobody, introspection });
  });
});

describe('a refresh that somebody asks for', () => {
  it.each([
    { refreshing: false, refresh_due: false, due: true },
    { refreshing: false, refresh_due: true, due: true },
    { refreshing: true, refresh_due: false, due: false },
    { refreshing: true, refresh_due: true, due: true },
  ])('is due unless the newest data are on their way: %j', ({ due, ...before }) => {
    const node = withChanges(active, { ...before, refresh_refused: 'forbidden' });
    const { registration, notes, cancels } = handled(node, { event: 'refresh_requested' });
    expect(registration).toEqual({ ...node, refresh_due: due, refresh_refused: null });
    expect(notes).toEqual(['everything is written again']);
    expect(cancels).toBe(false);
  });
});

describe('a trigger', () => {
  const triggered = (node: Registration, trigger: string, more: Pick<Triggered, 'learnt'> = {}): Turn =>
    handled(node, { event: 'triggered', trigger, causation_id: 'because', ...more });

  it('leads on: what is in flight is cancelled, and what follows is caused by the message', () => {
    const refreshing = withChanges(active, { refreshing: true, reason: 'an earlier one' });
    const { registration, cancels } = triggered(refreshing, 'shutdown_received');
    expect(registration).toMatchObject({
      state: 'DEREGISTERED',
      reason: 'the node left',
      causation_id: 'because',
      liveness_deadline: active.liveness_deadline,
      refreshing: false,
      refresh_due: true,
    });
    expect(cancels).toBe(true);
  });

  it('brings a deadline, where it has one', () => {
    const waiting = withChanges(active, { state: 'AWAITING_ACK', reason: 'the node was silent' });
    const { registration } = triggered(waiting, 'ack_received', { learnt: { liveness_deadline: BEGINNING } });
    expect(registration).toMatchObject({ state: 'ACK_RECEIVED', liveness_deadline: BEGINNING, reason: null });
  });

  it.each([
    ['ACTIVE', active],
    ['none', nobody],
  ])('that has no transition changes nothing in state %s, and the journal says so', (state, node) => {
    const refreshing = withChanges(node, { refreshing: true });
    const { registration, cancels, notes } = triggered(refreshing, 'ack_received', {
      learnt: { liveness_deadline: BEGINNING },
    });
    expect(registration).toBe(refreshing);
    expect([cancels, notes]).toEqual([false, [`ignored ack_received in state ${state}`]]);
  });
});
