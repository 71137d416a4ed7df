import { describe, expect, it } from 'vitest';
import { loadContracts } from '../../../src/contracts/load.js';
import { next, type Flight, type Surroundings, type Task } from '../../../workflows/core/next.js';
import { withChanges, type Registration } from '../../../workflows/core/registration.js';
import { BEGINNING, Life, type LifeStep } from './life.js';

/** The order of importance in `next`, line by line: of two things that are possible, which one is next. */

const contract = loadContracts().compiled;
const LATER = '2026-02-01T00:00:00.000Z';

/** Where these steps lead to. */
function after(...steps: readonly LifeStep[]): Registration {
  const life = new Life(contract);
  for (const one of steps) life.step(one);
  return life.node;
}

const introspect: LifeStep = { do: 'introspect', of: 1, reason: 'startup', epoch: false, data: 0 };
const leave: LifeStep = { ...introspect, of: 2, reason: 'shutdown' };
const wellGoes: LifeStep = { do: 'all goes well' };
const ack: LifeStep = { do: 'ack', of: 'current', late: false };

/** Publishes initiated. */
const publishing = after(introspect);
const awaitingAck = after(introspect, wellGoes);
/** Runs effects on its way to ACTIVE. */
const activating = after(introspect, wellGoes, ack);
const active = after(introspect, wellGoes, ack, wellGoes);
/** Runs the effects of its end. */
const ending = after(introspect, wellGoes, ack, wellGoes, leave);
/** Publishes that it has expired. */
const expiring = withChanges(active, {
  entering: {
    state: 'LIVENESS_EXPIRED',
    steps: [{ kind: 'publish', actions: ['emit_liveness_expired'] }],
    ending: false,
  },
});
/** Runs the effects by which others do not find it any more. */
const startsToDrain = after(introspect, wellGoes, ack, wellGoes, { do: 'drain' });
const over = withChanges(ending, { entering: null, ended: true });

const message = (kind: 'startup' | 'shutdown' | 'request'): Surroundings['inbox'][number] => ({
  event_model: 'ModelNodeIntrospectionEvent',
  payload: { ...active.introspection, message_id: kind, correlation_id: 'c-new', reason: kind, at: LATER },
});
const request = message('request');

const NOTHING: Surroundings = {
  now: BEGINNING,
  inbox: [],
  answered: false,
  effects: 'none',
  publish: 'none',
  suspected: false,
  everybodyAnswered: true,
  continueAsNew: false,
};
const EVERYTHING: Surroundings = {
  ...NOTHING,
  now: LATER,
  inbox: [request],
  answered: true,
  suspected: true,
  continueAsNew: true,
};
const nextOf = (node: Registration, around: Partial<Surroundings>, base = NOTHING): Task =>
  next(node, { ...base, ...around }, contract);

describe('the registrations of these tests', () => {
  it('are where their names say', () => {
    const steps = [publishing, awaitingAck, activating, active, ending, over].map(({ state, entering }) => [
      state,
      entering?.steps[0]?.kind ?? null,
      entering?.ending ?? false,
    ]);
    expect(steps).toEqual([
      [null, 'publish', false],
      ['AWAITING_ACK', null, false],
      ['ACK_RECEIVED', 'effects', false],
      ['ACTIVE', null, false],
      ['DEREGISTERED', 'effects', true],
      ['DEREGISTERED', null, false],
    ]);
  });
});

describe('an answer', () => {
  it.each([
    ['a publish', publishing],
    ['effects', activating],
    ['the effects of an end', ending],
    ['a message, a refresh, continue-as-new and the timer', withChanges(active, { refresh_due: true })],
    ['the end of the run', over],
  ])('comes before %s', (_, node) => {
    expect(nextOf(node, {}, EVERYTHING)).toEqual({ task: 'apply answer' });
  });

  it('of a running attempt comes after the startup of a newer one, and before a goodbye', () => {
    for (const node of [publishing, awaitingAck, activating, active]) {
      const startup = message('startup');
      const superseded = nextOf(node, { inbox: [request, startup], answered: true });
      expect(superseded).toEqual({ task: 'handle', message: startup });
      const leaves = nextOf(node, { inbox: [message('shutdown')], answered: true });
      expect(leaves).toEqual({ task: 'apply answer' });
    }
  });

  it.each([
    ['is about to end', expiring],
    ['is ending', ending],
    ['has ended', over],
  ])('of an attempt that %s comes before a newer one', (_, node) => {
    expect(nextOf(node, { inbox: [message('startup')], answered: true })).toEqual({ task: 'apply answer' });
  });
});

describe('a publish', () => {
  it('comes before a message', () => {
    expect(nextOf(publishing, { inbox: [message('startup')] })).toEqual({
      task: 'publish',
      actions: ['emit_registration_initiated'],
    });
  });

  it.each<[Flight]>([['in flight'], ['cancelled']])('waits for the one before it, which is %s', (publish) => {
    expect(nextOf(publishing, { publish })).toEqual({ task: 'wait', until: null });
  });

  it.each<[Flight]>([['in flight'], ['cancelled']])('does not wait for effects that are %s', (effects) => {
    expect(nextOf(publishing, { effects }).task).toBe('publish');
  });
});

describe('effects', () => {
  it('come before a message', () => {
    expect(nextOf(activating, { inbox: [message('startup')] })).toEqual({
      task: 'run effects',
      actions: ['emit_consul_pass_intent', 'emit_postgres_active_intent'],
    });
  });

  it('run beside cancelled ones, and wait for those that are in flight', () => {
    expect(nextOf(activating, { effects: 'cancelled' }).task).toBe('run effects');
    expect(nextOf(activating, { effects: 'in flight' })).toEqual({ task: 'wait', until: null });
  });

  it('of an end wait for cancelled ones too: no backend gets an older write later', () => {
    expect(nextOf(ending, {}).task).toBe('run effects');
    for (const effects of ['cancelled', 'in flight'] as const)
      expect(nextOf(ending, { effects })).toEqual({ task: 'wait', until: null });
  });
});

describe('a message', () => {
  it('comes before a refresh, continue-as-new and the timer', () => {
    const due = withChanges(active, { refresh_due: true });
    expect(nextOf(due, { answered: false }, EVERYTHING)).toEqual({ task: 'handle', message: request });
  });

  it('comes before the end of a run', () => {
    expect(nextOf(over, { inbox: [request] })).toEqual({ task: 'handle', message: request });
  });

  it.each([
    ['effects on the way to ACTIVE', activating],
    ['effects at the end', ending],
    ['a refresh', active],
  ])('is handled while %s are in flight', (_, node) => {
    expect(nextOf(node, { effects: 'in flight', inbox: [request] })).toEqual({ task: 'handle', message: request });
  });

  it('is handled in the order of arrival', () => {
    const inbox = [request, message('startup')];
    expect(nextOf(active, { inbox })).toEqual({ task: 'handle', message: request });
  });

  it.each(['startup', 'shutdown'] as const)(
    'of reason %s is handled while a publish is in flight, before older ones that supersede nothing',
    (kind) => {
      const inbox = [request, message(kind)];
      expect(nextOf(publishing, { publish: 'in flight', inbox })).toEqual({ task: 'handle', message: inbox[1] });
    },
  );

  it('that begins a new attempt by hand is handled while a publish is in flight', () => {
    const retry = { event_model: 'ModelRegistrationReset', payload: { message_id: 'm' } };
    expect(nextOf(publishing, { publish: 'in flight', inbox: [retry] })).toEqual({ task: 'handle', message: retry });
  });

  it('that supersedes nothing waits for a publish that is in flight, not for a cancelled one', () => {
    const acked = {
      event_model: 'ModelNodeRegistrationAcked',
      payload: { message_id: 'm', node_id: active.node_id, correlation_id: 'c-1', at: BEGINNING },
    };
    for (const inbox of [[request], [acked]]) {
      expect(nextOf(publishing, { publish: 'in flight', inbox }).task).toBe('wait');
      expect(nextOf(publishing, { publish: 'cancelled', inbox }).task).toBe('handle');
    }
  });
});

describe('while a publish is in flight', () => {
  const waits = (node: Registration, inbox: Surroundings['inbox']): void => {
    expect(nextOf(node, { publish: 'in flight', inbox })).toEqual({ task: 'wait', until: null });
    expect(nextOf(node, { publish: 'none', inbox }).task).toBe('publish');
  };
  const accepting = withChanges(awaitingAck, {
    state: 'ACCEPTED',
    entering: { state: 'AWAITING_ACK', steps: publishing.entering?.steps ?? [], ending: false },
  });

  it('a message that leads on, and not to an end, waits', () => {
    const acked = {
      event_model: 'ModelNodeRegistrationAcked',
      payload: { message_id: 'm', node_id: active.node_id, correlation_id: 'c-1', at: BEGINNING },
    };
    waits(accepting, [acked]);
  });

  it('a message whose trigger has no transition from where the node is waits', () => {
    waits(withChanges(accepting, { state: 'ACK_TIMED_OUT' }), [message('shutdown')]);
  });

  it('a message that would lead out of the contract waits', () => {
    const { orchestrator } = contract;
    const state = orchestrator.states['ACCEPTED'] ?? expect.fail();
    const transitions = { shutdown_received: { to: 'NOWHERE', reason: null, conditions: [] } };
    const states = { ...orchestrator.states, ACCEPTED: { ...state, transitions } };
    const around = { ...NOTHING, publish: 'in flight', inbox: [message('shutdown')] } as const;
    expect(next(accepting, around, { ...contract, orchestrator: { ...orchestrator, states } }).task).toBe('wait');
  });

  it('a goodbye waits where the contract no longer has the state that the node is in', () => {
    waits(withChanges(accepting, { state: 'GONE' }), [message('shutdown')]);
  });

  it('a message for a node that is nowhere is handled where it begins an attempt', () => {
    const nowhere = withChanges(publishing, { entering: null, incarnation: null });
    const inbox = [message('startup')];
    expect(nextOf(nowhere, { publish: 'in flight', inbox })).toEqual({ task: 'handle', message: inbox[0] });
  });
});

describe('a run', () => {
  it('on its way into a state waits there, whatever else is due', () => {
    const due = { refresh_due: true, timer_due: BEGINNING };
    const around = { answered: false, inbox: [] };
    for (const node of [activating, ending])
      expect(nextOf(withChanges(node, due), { ...around, effects: 'in flight' }, EVERYTHING)).toEqual({
        task: 'wait',
        until: null,
      });
  });

  it('that is over ends when nothing is open and everybody is answered, and does nothing else', () => {
    const due = withChanges(over, { refresh_due: true, timer_due: BEGINNING });
    const around = { ...EVERYTHING, answered: false, inbox: [] };
    expect(next(due, around, contract)).toEqual({ task: 'finish' });
    const open: readonly Partial<Surroundings>[] = [
      { effects: 'in flight' },
      { effects: 'cancelled' },
      { publish: 'in flight' },
      { publish: 'cancelled' },
      { everybodyAnswered: false },
    ];
    for (const one of open) expect(next(due, { ...around, ...one }, contract)).toEqual({ task: 'wait', until: null });
  });
});

describe('an attempt whose run is gone', () => {
  it('begins again once nothing else is to be done', () => {
    const lost = withChanges(awaitingAck, { unfinished: true });
    expect(nextOf(lost, { suspected: true, continueAsNew: true, now: LATER })).toEqual({ task: 'begin again' });
    expect(nextOf(lost, { inbox: [request] })).toEqual({ task: 'handle', message: request });
  });
});

describe('changed data', () => {
  const changed = withChanges(active, { refresh_due: true });

  it('come before continue-as-new and before the timer', () => {
    expect(nextOf(changed, { answered: false, inbox: [] }, EVERYTHING)).toEqual({ task: 'refresh' });
  });

  it('do not wait for somebody who asks', () => {
    expect(nextOf(changed, { everybodyAnswered: false }).task).toBe('refresh');
  });

  it.each<Partial<Surroundings>>([
    { effects: 'in flight' },
    { effects: 'cancelled' },
    { publish: 'in flight' },
    { publish: 'cancelled' },
  ])('wait while %j', (around) => {
    expect(nextOf(changed, around).task).toBe('wait');
  });
});

describe('continue-as-new', () => {
  const around = { ...EVERYTHING, answered: false, inbox: [], suspected: false };

  it('comes before the timer', () => {
    expect(next(active, around, contract)).toEqual({ task: 'continue as new' });
  });

  it('comes after a suspicion of the lease, which would be lost with it', () => {
    expect(next(active, { ...around, suspected: true }, contract)).toEqual({ task: 'check timer' });
  });

  it.each<Partial<Surroundings>>([
    { everybodyAnswered: false },
    { effects: 'in flight' },
    { effects: 'cancelled' },
    { publish: 'cancelled' },
  ])('waits while %j, and the timer does not', (open) => {
    expect(next(active, { ...around, ...open }, contract)).toEqual({ task: 'check timer' });
  });
});

describe('a timer', () => {
  const due = awaitingAck.timer_due ?? '';

  it('is looked at when it is due, and not a moment before', () => {
    expect(due).not.toBe('');
    expect(nextOf(awaitingAck, { now: due })).toEqual({ task: 'check timer' });
    expect(nextOf(awaitingAck, { now: new Date(Date.parse(due) - 1).toISOString() })).toEqual({
      task: 'wait',
      until: due,
    });
  });

  it('of a lease is looked at as soon as somebody suspects the node, any other one is not', () => {
    expect(nextOf(active, { suspected: true })).toEqual({ task: 'check timer' });
    expect(nextOf(awaitingAck, { suspected: true })).toEqual({ task: 'wait', until: due });
  });

  it('that a state does not have is never waited for', () => {
    expect(nextOf(withChanges(active, { timer_due: null }), { now: LATER })).toEqual({ task: 'wait', until: null });
  });
});

describe('what somebody asks for while a node is on its way between two states that live by a lease', () => {
  it('waits alone: data that come again, and what means nothing in either state, are handled at once', () => {
    const acked = {
      event_model: 'ModelNodeRegistrationAcked',
      payload: { message_id: 'm', node_id: active.node_id, correlation_id: 'c-1', at: BEGINNING },
    };
    for (const one of [request, acked])
      expect(nextOf(startsToDrain, { effects: 'in flight', inbox: [one] })).toEqual({ task: 'handle', message: one });
  });

  const around = { ...NOTHING, effects: 'in flight' } as const;
  const asked = (event_model: string): Surroundings['inbox'] => [{ event_model, payload: { message_id: 'asked' } }];

  it('waits until it is there: to be found again is nothing to a node that is not drained yet', () => {
    const inbox = asked('ModelNodeUndrainRequested');
    expect(next(startsToDrain, { ...around, inbox }, contract)).toEqual({ task: 'wait', until: null });
    const drained = after(introspect, wellGoes, ack, wellGoes, { do: 'drain' }, wellGoes);
    expect(next(drained, { ...NOTHING, inbox }, contract)).toMatchObject({ task: 'handle' });
  });

  it('keeps its order: a second drain does not overtake', () => {
    const inbox = [...asked('ModelNodeUndrainRequested'), ...asked('ModelNodeDrainRequested')];
    expect(next(startsToDrain, { ...around, inbox }, contract)).toEqual({ task: 'wait', until: null });
  });

  it('goes before all the rest where it ends the attempt', () => {
    const inbox = asked('ModelNodeEvictionRequested');
    expect(next(startsToDrain, { ...around, inbox }, contract)).toMatchObject({ task: 'handle' });
  });
});
