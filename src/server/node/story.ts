import type { CompiledContract } from '../../contracts/compiled.js';
import { livesByLease } from '../../../workflows/core/index.js';
import type { EarlierAttempt, PathTaken, Span, StepView } from '../api/node.js';
import { readEntry, type Entry, type ReadStep } from './journal.js';

/** A registration attempt, read from the journal of its run. */
export interface Story {
  readonly steps: readonly StepView[];
  readonly spans: readonly Span[];
  readonly orchestrator: PathTaken;
  readonly reducer: PathTaken;
  readonly earlier: readonly EarlierAttempt[];
}

/** Where the node stands, as its run or its row says it. */
export interface Standing {
  readonly state: string | null;
  readonly since: number | null;
  readonly reducer: string | null;
  readonly ended: boolean;
  /** Its lease has run out. */
  readonly silent: boolean;
}

/** The newest attempt of a journal as steps, spans and paths; the attempts before it as a line each. */
export function attemptStoryOf(journal: readonly Entry[], standing: Standing, contract: CompiledContract): Story {
  const attempts: ReadStep[][] = [[]];
  for (const entry of journal) {
    const step = readEntry(entry, contract);
    if (step.begins !== null && (attempts.at(-1)?.length ?? 0) > 0)
      attempts.push(askedWith(step, attempts.at(-1) ?? []));
    attempts.at(-1)?.push(step);
  }
  const steps = attempts.at(-1) ?? [];
  return {
    steps: steps.map(({ from: _, trigger: __, begins: ___, ...step }) => step),
    spans: spansOf(steps, standing),
    orchestrator: orchestratorPath(steps, standing, contract),
    reducer: reducerPath(steps, standing, contract),
    earlier: attempts
      .slice(0, -1)
      .flatMap((one) => earlierOf(one))
      .reverse(),
  };
}

/** Who asks for an attempt stands before its beginning, and belongs to it: those steps are taken out of `before`. */
function askedWith({ at }: ReadStep, before: ReadStep[]): ReadStep[] {
  const from = before.findLastIndex(({ kind }) => kind === 'person');
  const belongs = from >= 0 && before.slice(from).every((step) => step.at === at);
  return belongs ? before.splice(from) : [];
}

function earlierOf(steps: readonly ReadStep[]): EarlierAttempt[] {
  const last = steps.at(-1);
  const attempt = steps.find(({ begins }) => begins !== null)?.begins;
  if (last === undefined || attempt === undefined || attempt === null) return [];
  return [{ attempt, state: steps.findLast(({ state }) => state !== null)?.state ?? null, ended: last.at }];
}

function spansOf(steps: readonly ReadStep[], { state, since, ended }: Standing): Span[] {
  const entered = steps.flatMap((step) => (step.state === null ? [] : [{ state: step.state, at: step.at }]));
  // A journal that reaches back only so far: the state is known all the same.
  if (entered.length === 0 && state !== null && since !== null) entered.push({ state, at: since });
  return entered.map((one, index) => {
    const next = entered[index + 1];
    return { state: one.state, from: one.at, to: next?.at ?? (ended ? one.at : null) };
  });
}

function orchestratorPath(steps: readonly ReadStep[], standing: Standing, contract: CompiledContract): PathTaken {
  const { state, since } = standing;
  const seen: Record<string, number> = {};
  const edges: PathTaken['edges'][number][] = [];
  for (const step of steps) {
    if (step.state === null) continue;
    seen[step.state] = step.at;
    if (step.from !== null) edges.push({ from: step.from, to: step.state, trigger: null });
  }
  if (state !== null && seen[state] === undefined && since !== null) seen[state] = since;
  return { here: state, seen, edges, next: orchestratorNext(standing, contract) };
}

/** The reducer's way is not in the journal; it follows from the triggers that are. */
function reducerPath(steps: readonly ReadStep[], standing: Standing, contract: CompiledContract): PathTaken {
  const machine = contract.reducer;
  const applied = new Set<string>();
  const seen: Record<string, number> = {};
  const edges: PathTaken['edges'][number][] = [];
  let here = machine.initial;
  for (const { at, trigger, begins } of steps) {
    if (begins !== null) {
      applied.clear();
      here = machine.initial;
      seen[here] = at;
    }
    const to = trigger === null ? undefined : machine.states[here]?.transitions[trigger]?.to;
    if (to === undefined) continue;
    if (trigger !== null) applied.add(trigger);
    edges.push({ from: here, to, trigger });
    here = to;
    seen[here] = at;
  }
  // What the run or the row says wins over what was concluded.
  const known = standing.reducer !== null && standing.reducer in machine.states ? standing.reducer : here;
  seen[known] ??= standing.since ?? 0;
  return { here: known, seen, edges, next: reducerNext(known, applied, contract) };
}

/**
 * What the orchestrator may do next: go on, or let its timer fire; the lease's only when it has run out. Between states
 * that live by a lease a node goes only when somebody asks for it.
 */
function orchestratorNext({ state, silent }: Standing, contract: CompiledContract): PathTaken['next'] {
  const { orchestrator, timers } = contract;
  const { states } = orchestrator;
  const leads = (to: string): boolean =>
    states[to]?.terminal === false && !(livesByLease(state, contract) && livesByLease(to, contract));
  const own = states[state ?? ''];
  const timer = own?.timer === null || own === undefined ? undefined : timers[own.timer];
  return Object.entries(own?.transitions ?? {})
    .filter(([trigger, { to }]) => (trigger === timer?.trigger ? timer.verify !== 'lease' || silent : leads(to)))
    .map(([trigger, { to }]) => ({ from: state ?? '', to, trigger }));
}

/** Which confirmations the reducer still waits for. */
function reducerNext(
  here: string,
  applied: ReadonlySet<string>,
  { reducer, confirmations }: CompiledContract,
): PathTaken['next'] {
  const expected = new Set(Object.values(confirmations).map(({ trigger }) => trigger));
  return Object.entries(reducer.states[here]?.transitions ?? {})
    .filter(([trigger]) => expected.has(trigger) && !applied.has(trigger))
    .map(([trigger, { to }]) => ({ from: here, to, trigger }));
}
