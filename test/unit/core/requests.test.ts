import { describe, expect, it } from 'vitest';
import { loadContracts } from '../../../src/contracts/load.js';
import { decide } from '../../../workflows/core/decide.js';
import { eventsOf, intentsOf } from '../../../workflows/core/outgoing.js';
import { isOver, withChanges } from '../../../workflows/core/registration.js';
import { BEGINNING, Life, type LifeStep } from './life.js';

/** What people and nodes ask for: a drain, its end, an eviction. */

const contract = loadContracts().compiled;
const STARTUP = { do: 'introspect', reason: 'startup', epoch: false, data: 0 } as const;
const WELL = { do: 'all goes well' } as const;
const ACTIVE: readonly LifeStep[] = [{ ...STARTUP, of: 1 }, WELL, { do: 'ack', of: 'current', late: false }, WELL];
const DRAINING: readonly LifeStep[] = [...ACTIVE, { do: 'drain' }, WELL];

/** A life after these steps, with everything that it asked for and published on the way. */
function lived(...steps: readonly LifeStep[]): Life & { readonly done: readonly string[]; readonly ids: string[] } {
  const done: string[] = [];
  const ids: string[] = [];
  const life = new Life(contract, (task, { node }, isDone) => {
    if (isDone) return;
    if (task.task === 'publish') {
      const events = eventsOf(node, task.actions, contract);
      done.push(...events.map(({ event_type }) => event_type));
      ids.push(...events.map(({ id }) => id));
    }
    if (task.task === 'run effects')
      done.push(...intentsOf(node, task.actions, contract).map(({ payload }) => payload.intent_type));
  });
  for (const step of steps) life.step(step);
  return Object.assign(life, { done, ids });
}

const added = (before: readonly LifeStep[], ...steps: readonly LifeStep[]): readonly string[] =>
  lived(...before, ...steps).done.slice(lived(...before).done.length);

describe('a drain', () => {
  it('takes the check in Consul away, keeps the lease, says so, and is why the node is where it is', () => {
    expect(added(ACTIVE, { do: 'drain' }, WELL)).toEqual([
      'consul.drain',
      'postgres.update_registration',
      'NodeDraining',
    ]);
    const { node } = lived(...DRAINING);
    expect(node).toMatchObject({ state: 'DRAINING', reason: 'ada: a new disk', attempt: 1, ended: false });
    expect(node.timer_due).not.toBeNull();
  });

  it('asks Consul for a check that does not pass, and the registry for an open lease', () => {
    const life = lived(...ACTIVE);
    life.step({ do: 'drain' });
    const { steps = [] } = life.node.entering ?? {};
    const [consul, postgres] = intentsOf(life.node, steps[0]?.actions ?? [], contract).map(({ payload }) => payload);
    expect(consul).toMatchObject({ passing: false, check_output: 'draining: ada: a new disk' });
    expect(postgres).toMatchObject({ state: 'DRAINING', lease: 'open', ended: false, reason: 'ada: a new disk' });
  });

  it('that is asked for again does nothing, and says so', () => {
    expect(added(DRAINING, { do: 'drain' }, WELL)).toEqual([]);
    expect(lived(...DRAINING, { do: 'drain' }, WELL).journal.at(-1)).toBe('ignored a drain in state DRAINING');
  });

  it('is for a node that others find: no other state is drained', () => {
    const message = { event_model: 'ModelNodeDrainRequested', payload: { message_id: 'm' } };
    const { node } = lived(...ACTIVE);
    const drained = Object.keys(contract.orchestrator.states).filter(
      (state) => decide(withChanges(node, { state }), message, contract).ignored === null,
    );
    expect(drained).toEqual(['ACTIVE']);
  });

  it('ends where it is taken back: others find the node again, and only that is published', () => {
    expect(added(DRAINING, { do: 'undrain' }, WELL)).toEqual([
      'consul.pass',
      'postgres.update_registration',
      'NodeBecameActive',
    ]);
    const { node } = lived(...DRAINING, { do: 'undrain' }, WELL);
    expect(node).toMatchObject({ state: 'ACTIVE', reason: null, attempt: 1 });
  });

  it('that comes again after its end is another event, and no repeat of the first one', () => {
    const { ids, done } = lived(...DRAINING, { do: 'undrain' }, WELL, { do: 'drain' }, WELL, { do: 'undrain' }, WELL);
    expect(done.filter((what) => what === 'NodeDraining')).toHaveLength(2);
    expect(done.filter((what) => what === 'NodeBecameActive')).toHaveLength(3);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('keeps what belongs to a living node: its data are refreshed, a retry and a repair write it again', () => {
    for (const asks of [
      { do: 'introspect', of: 1, reason: 'health_change', epoch: false, data: 2 },
      { do: 'retry' },
      { do: 'repair' },
    ] as const) {
      const life = lived(...DRAINING);
      const refreshed: unknown[] = [];
      const watched = new Life(contract, ({ task }, { node }, isDone) => {
        if (task === 'refresh' && !isDone)
          refreshed.push(...intentsOf(node, contract.refresh_actions, contract).map(({ payload }) => payload));
      });
      for (const step of [...DRAINING, { do: 'time passes', seconds: 1, finding: NOT_YET } as const, asks, WELL])
        watched.step(step);
      expect(watched.node).toMatchObject({ state: 'DRAINING', attempt: life.node.attempt });
      expect(refreshed).toMatchObject([
        { passing: false, check_output: 'draining: ada: a new disk' },
        { state: 'DRAINING', lease: 'open', reason: 'ada: a new disk' },
      ]);
    }
  });

  it.each<[string, readonly LifeStep[], object]>([
    [
      'a lease that runs out',
      [{ do: 'time passes', seconds: 11_000, finding: { fires: true } }],
      { state: 'LIVENESS_EXPIRED', reason: 'no heartbeat within 90 s (last one: none)', ended: true },
    ],
    [
      'a goodbye',
      [
        { do: 'time passes', seconds: 1, finding: { fires: true } },
        { ...STARTUP, of: 1, reason: 'shutdown' },
      ],
      { state: 'DEREGISTERED', reason: 'the node left', ended: true },
    ],
    ['an eviction', [{ do: 'evict' }], { state: 'DEREGISTERED', reason: 'evicted by ada: a new disk', ended: true }],
  ])('is over with %s', (_, steps, expected) => {
    const journal: string[] = [];
    let ended: object = {};
    const life = new Life(contract, ({ task }, { node }, isDone) => {
      if (task === 'finish' && !isDone) ended = node;
    });
    for (const step of [...DRAINING, ...steps, WELL]) life.step(step);
    journal.push(...life.journal);
    expect(ended).toMatchObject(expected);
    expect(journal.at(-1)).toMatch(/^published Node(Deregistered|LivenessExpired)|^postgres\.registration_updated/);
  });

  it('belongs to the attempt: a node that starts again is another one, and is not drained', () => {
    const { node } = lived(...DRAINING, { ...STARTUP, of: 2 }, WELL, { do: 'ack', of: 'current', late: false }, WELL);
    expect(node).toMatchObject({ state: 'ACTIVE', attempt: 2, reason: null, last_request: null });
  });

  it('outlives its run: a fresh one finds it in the registry row', () => {
    const { node } = lived(...DRAINING, { do: 'lose the run' });
    expect(node).toMatchObject({ state: 'DRAINING', reason: 'ada: a new disk', unfinished: false });
  });
});

const NOT_YET = { fires: false, again_in_seconds: 90, why: null } as const;

describe("a node's own request", () => {
  const active = lived(...ACTIVE).node;
  const asks = { message_id: 'm-1', node_id: 'abc-123', correlation_id: 'c-1', reason: null, at: BEGINNING };
  const ask = (more: object, node = active) =>
    decide(node, { event_model: 'ModelNodeDrainRequested', payload: { ...asks, ...more } }, contract);
  const mine = withChanges(active, {
    incarnation: { ...(active.incarnation ?? expect.fail()), instance_id: 'p-1' },
  });

  it('leads where an operator leads, in its own words', () => {
    expect(ask({}).events).toMatchObject([{ trigger: 'drain_requested', reason: 'the node asked for it' }]);
    expect(ask({ reason: undefined }).events).toMatchObject([{ reason: 'the node asked for it' }]);
    expect(ask({ reason: 'too hot' }).events).toMatchObject([{ reason: 'the node asked for it: too hot' }]);
  });

  it('counts for the attempt that it names alone', () => {
    expect(ask({ correlation_id: 'c-0' }).ignored).toBe(
      'a drain with correlation_id c-0; the one of this attempt is c-1',
    );
    expect(ask({}, withChanges(active, { incarnation: null })).ignored).toBe(
      'a drain with correlation_id c-1; the one of this attempt is none',
    );
  });

  it('counts from the process that holds the id alone, or one that does not say who it is', () => {
    expect(ask({ instance_id: 'p-2' }, mine).ignored).toBe('a drain of process p-2, while process p-1 holds the id');
    expect(ask({ instance_id: 'p-1' }, mine).ignored).toBeNull();
    expect(ask({}, mine).ignored).toBeNull();
  });

  it('that is delivered again, or after a newer one, does nothing', () => {
    const at = (seconds: number): string => `2026-01-01T00:00:0${seconds}.000Z`;
    const asked = withChanges(active, { last_request: { message_id: 'm-2', at: at(2) } });
    expect(ask({ message_id: 'm-2', at: at(2) }, asked).ignored).toBe('a drain that was handled before');
    expect(ask({ at: at(1) }, asked).ignored).toBe(
      'a drain of 2026-01-01T00:00:01.000Z, after a newer one of 2026-01-01T00:00:02.000Z',
    );
    const { last_request: _, ...earlier } = active;
    expect(ask({}, earlier).ignored, 'of a run of an earlier version').toBeNull();
    // Many records of one append have one time.
    expect(ask({ at: at(2) }, asked).ignored).toBeNull();
    expect(ask({ at: at(3) }, asked).events).toMatchObject([
      { learnt: { last_request: { message_id: 'm-1', at: at(3) } } },
    ]);
  });

  it('is read once more after an operator has taken it back, and stays taken back', () => {
    const own = { do: 'the node asks', of: 'current', draining: true, again: false } as const;
    const steps = [...ACTIVE, own, WELL, { do: 'undrain' }, WELL, { ...own, again: true }, WELL] as const;
    expect(lived(...steps).node.state).toBe('ACTIVE');
    expect(lived(...steps).journal.at(-1)).toBe('ignored a drain that was handled before');
  });

  it('without a payload is ignored', () => {
    expect(decide(active, { event_model: 'ModelNodeUndrainRequested', payload: undefined }, contract).ignored).toBe(
      'an undrain in state ACTIVE',
    );
  });
});

describe('an eviction', () => {
  it('ends an attempt wherever it is, out of Consul first, and the registry has it when it is published', () => {
    for (let count = 1; count <= DRAINING.length; count++) {
      const life = lived(...DRAINING.slice(0, count));
      life.step({ do: 'evict' });
      expect(isOver(life.node)).toBe(true);
      expect(life.node).toMatchObject({ state: 'DEREGISTERED', reason: 'evicted by ada: a new disk' });
      life.step({ do: 'end what is cancelled' });
      life.step(WELL);
      expect(life.done.slice(-3)).toEqual(['consul.deregister', 'NodeDeregistered', 'postgres.update_registration']);
    }
  });

  it('of a node whose attempt has ended leads to nothing, in words', () => {
    const over = withChanges(lived(...ACTIVE).node, { state: 'REJECTED', ended: true });
    const message = { event_model: 'ModelNodeEvictionRequested', payload: { message_id: 'm' } };
    expect(decide(over, message, contract).ignored).toBe('an eviction in state REJECTED');
  });

  it('with a ban is remembered by the run, until another run reads it from the registry', () => {
    const message = { event_model: 'ModelNodeEvictionRequested', payload: { message_id: 'm', ban: 'no thanks' } };
    const { node } = lived(...ACTIVE);
    const learnt = (ban: string | null | undefined) =>
      decide(node, { ...message, payload: { message_id: 'm', ban } }, contract).events.map(
        (event) => event.event === 'triggered' && event.learnt,
      );
    expect(decide(node, message, contract).events).toMatchObject([{ learnt: { ban: 'no thanks' } }]);
    for (const ban of [null, undefined]) expect(learnt(ban)).toStrictEqual([{}]);
  });
});
