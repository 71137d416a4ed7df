import { sourcesOf } from '../compile-machine.js';
import type { StateMachineContract } from '../schema.js';
import type { ContractSources } from '../sources.js';
import { ORCHESTRATOR_HANDLERS, VARIABLES, type Action, type Variable } from '../vocabulary.js';

/**
 * Where the orchestrator fills a template, and what is known there for sure. A
 * forward analysis over the state machine: whatever can be unknown on one way
 * into a state is not known in it.
 */
export interface FillPlace {
  /** The event or intent that is filled. */
  readonly action: string;
  /** What is never null at this place. */
  readonly known: ReadonlySet<Variable>;
  readonly state: string | null;
  readonly entering: string;
  readonly previous_state: string | null;
  /** The transition that leads here, where there is one: its path in the orchestrator's contract. */
  readonly cause: readonly (string | number)[] | null;
  /** The place in words: 'on the way from "ACTIVE" into "LIVENESS_EXPIRED"'. */
  readonly when: string;
}

type Known = ReadonlySet<Variable>;
type State = StateMachineContract['states'][number];
type Transition = StateMachineContract['transitions'][number];

/** Not known from the start of an attempt; some never are. */
const NOT_YET: readonly Variable[] = [
  'state',
  'previous_state',
  'reason',
  'check_output',
  'lease',
  'rounds',
  'rounds_left',
  'ack_deadline',
  'liveness_deadline',
  'epoch',
  'last_heartbeat_at',
];
const FROM_THE_START: Known = new Set(VARIABLES.filter((name) => !NOT_YET.includes(name)));

/** What an attempt whose run was lost does not know, when a fresh run adopts it by its lease. */
const LOST_WITH_THE_RUN: readonly Variable[] = ['previous_state', 'reason', 'rounds', 'rounds_left'];

/** Triggers of messages: a reason of before does not hold after them. */
const RAISED_BY_MESSAGES: ReadonlySet<string | undefined> = new Set(
  Object.values(ORCHESTRATOR_HANDLERS).flatMap(({ actions }) =>
    Object.values<Action>(actions).map(({ raises }) => raises),
  ),
);

/** Every place at which the contract's actions are filled. */
export function fillPlacesOf({ orchestrator, reducer }: ContractSources): FillPlace[] {
  const analysis = new Analysis({ orchestrator, reducer });
  return [
    ...analysis.entries(),
    ...analysis.ends(),
    ...orchestrator.refresh_actions.flatMap((action) => analysis.anywhere(action, 'when changed data are refreshed')),
    ...reducer.state_machine.states.flatMap(({ state_name, entry_actions = [] }) =>
      entry_actions.flatMap((action) =>
        analysis.anywhere(action, `when the reducer enters "${state_name}"`, analysis.reducerKnows(state_name)),
      ),
    ),
  ];
}

/** One way into a state. */
interface Way extends Pick<FillPlace, 'cause' | 'known'> {
  readonly from: string | null;
  /** Entry actions, in their order. */
  readonly actions: readonly string[];
}

type Contracts = Pick<ContractSources, 'orchestrator' | 'reducer'>;

class Analysis {
  readonly #machine: StateMachineContract;
  /** By state: what is known once it is current. */
  readonly #inState = new Map<string, Known>();

  constructor(readonly contracts: Contracts) {
    this.#machine = contracts.orchestrator.state_machine;
    this.#settle();
  }

  /** Entry actions, once for each way into their state. */
  entries(): FillPlace[] {
    return this.#machine.states.flatMap((state) =>
      this.#waysInto(state).flatMap(({ from, cause, known, actions }) => {
        const when =
          from === null
            ? `on the way into "${state.state_name}"`
            : `on the way from "${from}" into "${state.state_name}"`;
        return this.#walk(actions, known).places.map((place) => ({
          ...place,
          state: from,
          entering: state.state_name,
          previous_state: from,
          cause,
          when,
        }));
      }),
    );
  }

  /** End actions of the states that a run can end in. */
  ends(): FillPlace[] {
    return this.#machine.states.flatMap((state) => {
      const known = this.#inState.get(state.state_name) ?? FROM_THE_START;
      return (state.end_actions ?? []).flatMap((action) =>
        this.#waysInto(state).map(({ from, cause }) => ({
          action,
          known,
          state: state.state_name,
          entering: state.state_name,
          previous_state: from,
          cause,
          when: `at the end in "${state.state_name}"`,
        })),
      );
    });
  }

  /** An action that may come in any state: only what all of them know is known. */
  anywhere(action: string, when: string, also: readonly Variable[] = []): FillPlace[] {
    const everywhere = [...this.#inState.values()].reduce((all, known) => meet(all, known), new Set(VARIABLES));
    const { initial_state: state } = this.#machine;
    const known = new Set([...everywhere, ...also]);
    return [{ action, known, state, entering: state, previous_state: state, cause: null, when }];
  }

  /** What is known whenever the reducer enters one of its states: a reason after failures. */
  reducerKnows(status: string): readonly Variable[] {
    const ways = this.contracts.reducer.state_machine.transitions.filter((row) => row.to_state === status);
    return ways.length > 0 && ways.every(({ trigger }) => FAILURES.includes(trigger)) ? ['reason'] : [];
  }

  /** From "everything is known" down to what is, until nothing changes any more. */
  #settle(): void {
    for (const { state_name } of this.#machine.states) this.#inState.set(state_name, new Set(VARIABLES));
    for (let changed = true; changed;) {
      changed = false;
      for (const state of this.#machine.states) {
        const arrivals = this.#waysInto(state).map(({ known, actions }) => this.#walk(actions, known).arrival);
        const known = arrivals.reduce<Known>((all, each) => meet(all, each), this.#adopted(state));
        const before = this.#inState.get(state.state_name);
        if (before?.size === known.size) continue;
        this.#inState.set(state.state_name, known);
        changed = true;
      }
    }
  }

  /** A state that lives by a lease is also entered by a fresh run, which knows less. */
  #adopted(state: State): Known {
    const timer = this.#timer(state.timer);
    return timer?.verify === 'lease' ? without(new Set(VARIABLES), LOST_WITH_THE_RUN) : new Set(VARIABLES);
  }

  /**
   * What is known when the way into a state begins and what is done on it, for each transition that leads there, and
   * for a new attempt.
   */
  #waysInto(state: State): Way[] {
    const own = state.entry_actions ?? [];
    const ofRounds: readonly Variable[] =
      this.#timer(state.timer)?.rounds === undefined ? [] : ['rounds', 'rounds_left'];
    const ways = this.#machine.transitions.flatMap((row, index) => {
      if (row.to_state !== state.state_name) return [];
      const cause = ['state_machine', 'transitions', index];
      return sourcesOf(row.from_state, this.#machine).map((from) => {
        const before = this.#inState.get(from) ?? FROM_THE_START;
        return { from, cause, known: this.#after(row, before, ofRounds), actions: row.entry_actions ?? own };
      });
    });
    if (state.state_name !== this.#machine.initial_state) return ways;
    return [{ from: null, cause: null, known: new Set([...FROM_THE_START, ...ofRounds]), actions: own }, ...ways];
  }

  #after(row: Transition, before: Known, ofRounds: readonly Variable[]): Known {
    const known = new Set<Variable>([...before, 'previous_state', ...ofRounds]);
    if (row.trigger === 'ack_received') known.add('liveness_deadline');
    const failed = /^reducer_(.*)/.exec(row.trigger)?.[1];
    if (row.reason !== undefined) known.add('reason');
    else if (RAISED_BY_MESSAGES.has(row.trigger)) known.delete('reason');
    else if (failed !== undefined) for (const name of this.reducerKnows(failed)) known.add(name);
    return known;
  }

  /** Goes through the entry actions: what an event stamps is known after its publish, not within it. */
  #walk(actions: readonly string[], before: Known): { places: Pick<FillPlace, 'action' | 'known'>[]; arrival: Known } {
    const known = new Set(before);
    const stamped = new Set<Variable>();
    const places: Pick<FillPlace, 'action' | 'known'>[] = [];
    for (const action of actions) {
      const event = this.contracts.orchestrator.published_events.find((each) => each.action === action);
      // Neighbouring events are one publish.
      if (event === undefined) for (const name of stamped) known.add(name);
      places.push({ action, known: new Set(known) });
      const timers = Object.values(event?.stamps ?? {}).map((timer) => this.#timer(timer));
      if (timers.some((timer) => timer?.verify === 'acks_read')) stamped.add('ack_deadline');
    }
    return { places, arrival: new Set<Variable>([...known, ...stamped, 'state']) };
  }

  #timer(name: string | undefined) {
    return this.contracts.orchestrator.timers.find((timer) => timer.timer === name);
  }
}

/** Triggers of the reducer that always come with a reason. */
const FAILURES: readonly string[] = ['validation_failed', 'error_received'];

const meet = (a: Known, b: Known): Known => new Set([...a].filter((name) => b.has(name)));
const without = (known: Known, names: readonly Variable[]): Known =>
  new Set([...known].filter((name) => !names.includes(name)));
