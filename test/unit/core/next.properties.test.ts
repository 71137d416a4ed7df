import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadContracts, SHIPPED_CONTRACTS } from '../../../src/contracts/load.js';
import { applyOutput } from '../../../workflows/core/handle.js';
import { decide } from '../../../workflows/core/decide.js';
import { next, type Surroundings, type Task } from '../../../workflows/core/next.js';
import { isOver, livesByLease } from '../../../workflows/core/registration.js';
import { plusSeconds } from '../../../workflows/core/time.js';
import { assertProperty } from '../../run/properties.js';
import { FIXED_SEED, seeds } from '../../run/seeds.js';
import { Life, lives, randomSurroundings } from './life.js';

/** What holds for `next`, wherever a random life has led, for every contract that ships. */

const TASKS: readonly Task['task'][] = [
  'publish',
  'apply answer',
  'run effects',
  'handle',
  'begin again',
  'finish',
  'refresh',
  'continue as new',
  'check timer',
  'wait',
];
const RUNS = { numRuns: 400 };
const NOTHING_OPEN = { answered: false, inbox: [], effects: 'none', publish: 'none' } as const;

/** What the fixed seed has always met; another seed alone may leave something out. */
function expectMet(met: ReadonlySet<unknown>, all: readonly string[]): void {
  if (seeds().includes(FIXED_SEED)) expect([...met].map(String).sort()).toEqual([...all].sort());
}

function expectMany(times: number): void {
  if (seeds().includes(FIXED_SEED)) expect(times).toBeGreaterThan(10);
}

describe.each([
  ['the shipped contract', SHIPPED_CONTRACTS],
  ['the overlay of the OmniNode platform', join(SHIPPED_CONTRACTS, 'overlays/omninode-platform')],
])('by %s, whatever comes, next', (_, directory) => {
  const contract = loadContracts(directory).compiled;

  it('is total: any surroundings have exactly one task, and the same one each time', () => {
    const met = new Set<string>();
    assertProperty(
      fc.property(lives, randomSurroundings, (steps, { seconds, ...around }) => {
        const life = new Life(contract);
        for (const one of steps) {
          life.step(one);
          const random = { ...around, inbox: life.inbox, now: plusSeconds(life.now, seconds) };
          for (const surroundings of [random, { ...random, ...NOTHING_OPEN }]) {
            const task = next(life.node, surroundings, contract);
            met.add(task.task);
            expect(next(life.node, surroundings, contract)).toEqual(task);
            expect(Object.isFrozen(task)).toBe(true);
            allowedBy(life, surroundings, task);
          }
        }
      }),
      RUNS,
    );
    expectMet(met, TASKS);
  });

  it('never has the same task twice without a change or a wait', () => {
    const met = new Set<string>();
    assertProperty(
      fc.property(lives, (steps) => {
        let seen = new Set<string>();
        const life = new Life(contract, ({ task }, _life, done) => {
          met.add(task);
          if (task === 'wait' || task === 'finish') seen = new Set();
          else if (!done) {
            const where = life.snapshot();
            expect(seen, `${task} comes again, and nothing has changed`).not.toContain(where);
            seen.add(where);
          }
        });
        for (const one of steps) life.step(one);
      }),
      RUNS,
    );
    expectMet(met, TASKS);
  });

  it('has a way on from every state: a wait ends with an answer, or at a time to come', () => {
    const rested = new Set<string>();
    assertProperty(
      fc.property(lives, (steps) => {
        const life = new Life(contract, (task, { node, now }, done) => {
          if (task.task !== 'wait' || done) return;
          const { publish, effects, everybodyAnswered } = life.surroundings();
          if (publish !== 'none' || effects !== 'none' || (isOver(node) && !everybodyAnswered)) return;
          rested.add(node.state ?? 'none');
          expect(task.until !== null && task.until > now, `${node.state} waits until ${task.until}, now ${now}`).toBe(
            true,
          );
        });
        for (const one of steps) life.step(one);
      }),
      RUNS,
    );
    // A registration rests where the contract has a timer, and nowhere else.
    const { states } = contract.orchestrator;
    const withTimer = Object.keys(states).filter((name) => states[name]?.timer !== null);
    expectMet(rested, withTimer);
  });

  it('leads to the end of a node that is silent from now on, from wherever it is', () => {
    const ended = new Set<string | null>();
    assertProperty(
      fc.property(lives, (steps) => {
        const life = new Life(contract, (task, { node }, done) => {
          if (task.task === 'finish' && !done) ended.add(node.state);
        });
        for (const one of steps) life.step(one);
        life.untilItsEnd();
        expect(life.inbox, 'messages that nobody handles').toEqual([]);
      }),
      RUNS,
    );
    const { states } = contract.orchestrator;
    const terminal = Object.keys(states).filter((name) => states[name]?.terminal === true);
    // Without a state: the run had nothing to do, since no introspection was newer than the registry row.
    expectMet(ended, [...terminal, 'null']);
  });

  it('handles only messages that supersede, while a publish is in flight', () => {
    let superseded = 0;
    let waited = 0;
    assertProperty(
      fc.property(lives, (steps) => {
        const life = new Life(contract, (task, { node, now, inbox }, done) => {
          if (done || life.surroundings().publish !== 'in flight') return;
          if (task.task === 'wait') waited += inbox.length;
          if (task.task !== 'handle') return;
          superseded += 1;
          const after = applyOutput(node, decide(node, task.message, contract), now, contract);
          const ends = contract.orchestrator.states[after.registration.state ?? '']?.terminal === true;
          expect(after.cancels, 'the publish is cancelled').toBe(true);
          expect(after.registration.attempt > node.attempt || ends, JSON.stringify(task.message)).toBe(true);
        });
        for (const one of steps) life.step(one);
      }),
      RUNS,
    );
    expectMany(Math.min(superseded, waited));
  });

  it('looks at a timer once: afterwards it is later than now, or gone', () => {
    let looked = 0;
    assertProperty(
      fc.property(lives, (steps) => {
        const life = new Life(contract, (task, { node, now }, done) => {
          if (!done || task.task !== 'check timer') return;
          looked += 1;
          expect(node.timer_due === null || node.timer_due > now, `${node.timer_due}, and it is ${now}`).toBe(true);
        });
        for (const one of steps) life.step(one);
      }),
      RUNS,
    );
    expectMany(looked);
  });

  /** What must be so for a task to be next. */
  function allowedBy({ node }: Life, around: Surroundings, { task }: Task): void {
    const settled = around.effects === 'none' && around.publish === 'none';
    const resting = !around.answered && settled && node.entering === null && !isOver(node);
    const due = node.timer_due !== null && node.timer_due <= around.now;
    const suspected = around.suspected && livesByLease(node.state, contract);
    const kind = node.entering?.steps[0]?.kind ?? null;
    const allowed: Readonly<Record<Task['task'], boolean>> = {
      'apply answer': around.answered,
      publish: !around.answered && kind === 'publish' && around.publish === 'none',
      'run effects': !around.answered && kind === 'effects' && around.effects !== 'in flight',
      handle: !around.answered && around.inbox.length > 0,
      finish: !around.answered && settled && around.everybodyAnswered && node.entering === null && isOver(node),
      'begin again': !around.answered && node.entering === null && node.unfinished,
      refresh: resting && node.refresh_due,
      'continue as new': resting && around.continueAsNew && around.everybodyAnswered && !suspected,
      'check timer': !around.answered && node.entering === null && !isOver(node) && (due || suspected),
      wait: !around.answered && !(resting && (node.refresh_due || due)),
    };
    expect(allowed[task], `${task} is next`).toBe(true);
  }
});
