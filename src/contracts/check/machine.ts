import { sourcesOf } from '../compile-machine.js';
import type { StateMachineContract } from '../schema.js';
import type { ContractSources } from '../sources.js';
import { BRIDGE_ACTIONS, ORCHESTRATOR_TRIGGERS, REDUCER_TRIGGERS, VARIABLES } from '../vocabulary.js';
import { checkCondition, checkNames } from './templates.js';
import { choose, type Faults, type YamlPath } from './faults.js';

type MachinePart = 'orchestrator' | 'reducer';

/** What a state machine may name. */
interface Words {
  readonly entry_actions: readonly string[];
  readonly end_actions: readonly string[];
  readonly triggers: readonly string[];
  readonly timers: readonly string[];
  /** Fields of conditions. */
  readonly fields: readonly string[];
}

const at = (...path: YamlPath): YamlPath => ['state_machine', ...path];

/** Every name in both machines is known, and no trigger leads two ways. */
export function checkMachines({ orchestrator, reducer }: ContractSources, faults: Faults): void {
  const intents = reducer.intents.map((intent) => intent.action);
  const events = orchestrator.published_events
    .map((event) => event.action)
    .filter((action) => !(BRIDGE_ACTIONS as readonly string[]).includes(action));
  checkMachine(
    'orchestrator',
    orchestrator.state_machine,
    {
      entry_actions: [...events, ...intents],
      end_actions: [...events, ...intents],
      triggers: [
        ...ORCHESTRATOR_TRIGGERS,
        ...orchestrator.timers.map((timer) => timer.trigger),
        ...reducer.state_machine.states.map((state) => `reducer_${state.state_name}`),
      ],
      timers: orchestrator.timers.map((timer) => timer.timer),
      fields: VARIABLES,
    },
    faults,
  );
  checkMachine(
    'reducer',
    reducer.state_machine,
    {
      entry_actions: intents,
      end_actions: [],
      triggers: [...REDUCER_TRIGGERS, ...reducer.confirmations.map((row) => row.trigger)],
      timers: [],
      fields: ['node_id', 'status', ...reducer.confirmations.flatMap((row) => row.sets ?? [])],
    },
    faults,
  );
}

function checkMachine(part: MachinePart, machine: StateMachineContract, words: Words, faults: Faults): void {
  checkStates(part, machine, words, faults);
  checkTransitions(part, machine, words, faults);
  checkAmbiguity(part, machine, faults);
}

function checkStates(part: MachinePart, machine: StateMachineContract, words: Words, faults: Faults): void {
  const names = machine.states.map((state) => state.state_name);
  if (!names.includes(machine.initial_state))
    faults.add(part, at('initial_state'), `unknown state "${machine.initial_state}": ${choose(names)}`);
  machine.states.forEach((state, index) => {
    for (const list of ['entry_actions', 'end_actions'] as const)
      checkActions(part, at('states', index, list), state[list], words[list], faults);
    checkNames(part, at('states', index, 'check_output'), state.check_output, faults, WITHOUT_CHECK_OUTPUT);
    if (state.timer !== undefined && !words.timers.includes(state.timer))
      faults.add(part, at('states', index, 'timer'), `unknown timer "${state.timer}": ${choose(words.timers)}`);
    if ((state.end_actions ?? []).length > 0 && state.terminal !== true)
      faults.add(
        part,
        at('states', index, 'end_actions'),
        `"${state.state_name}" has end_actions but no run ends in it: add terminal: true or remove them`,
      );
  });
}

/** Its own template cannot name it. */
const WITHOUT_CHECK_OUTPUT = VARIABLES.filter((name) => name !== 'check_output');

function checkActions(
  part: MachinePart,
  path: YamlPath,
  actions: readonly string[] = [],
  known: readonly string[],
  faults: Faults,
): void {
  actions.forEach((action, item) => {
    if (known.includes(action)) return;
    if ((BRIDGE_ACTIONS as readonly string[]).includes(action))
      faults.add(
        part,
        [...path, item],
        `the bridge publishes "${action}" by itself, and no state does: remove it here`,
      );
    else faults.add(part, [...path, item], `unknown action "${action}": ${choose(known)}`);
  });
}

function checkTransitions(part: MachinePart, machine: StateMachineContract, words: Words, faults: Faults): void {
  const names = machine.states.map((state) => state.state_name);
  machine.transitions.forEach((row, index) => {
    for (const key of ['from_state', 'to_state'] as const) {
      const state = row[key];
      if (!names.includes(state) && !(key === 'from_state' && state === '*'))
        faults.add(part, at('transitions', index, key), `unknown state "${state}": ${choose(names)}`);
    }
    if (!words.triggers.includes(row.trigger))
      faults.add(
        part,
        at('transitions', index, 'trigger'),
        `nothing raises "${row.trigger}": ${choose(words.triggers)}`,
      );
    row.conditions?.forEach(({ expression }, item) =>
      checkCondition(
        part,
        at('transitions', index, 'conditions', item, 'expression'),
        expression,
        words.fields,
        faults,
      ),
    );
    checkNames(part, at('transitions', index, 'reason'), row.reason, faults);
    checkActions(part, at('transitions', index, 'entry_actions'), row.entry_actions, words.entry_actions, faults);
  });
}

function checkAmbiguity(part: MachinePart, machine: StateMachineContract, faults: Faults): void {
  const first = new Map<string, number>();
  machine.transitions.forEach((row, index) => {
    for (const from of sourcesOf(row.from_state, machine)) {
      const key = JSON.stringify([from, row.trigger]);
      const earlier = first.get(key);
      if (earlier !== undefined)
        faults.add(
          part,
          at('transitions', index),
          `"${from}" has two transitions for "${row.trigger}", here and at ` +
            `${faults.place(part, at('transitions', earlier))}: keep one of them`,
        );
      first.set(key, index);
    }
  });
}

/** Every state can be reached, and left or ended in. */
export function checkWays({ orchestrator, reducer }: ContractSources, faults: Faults): void {
  checkWaysOf('orchestrator', orchestrator.state_machine, faults);
  checkWaysOf('reducer', reducer.state_machine, faults);
}

function checkWaysOf(part: MachinePart, machine: StateMachineContract, faults: Faults): void {
  const reached = reachable(machine);
  machine.states.forEach((state, index) => {
    if (!reached.has(state.state_name))
      faults.add(
        part,
        at('states', index),
        `no transition leads to "${state.state_name}": add one or remove the state`,
      );
    const leaves = machine.transitions.some(
      (row) => row.to_state !== state.state_name && sourcesOf(row.from_state, machine).includes(state.state_name),
    );
    if (!leaves && state.terminal !== true)
      faults.add(
        part,
        at('states', index),
        `"${state.state_name}" is a dead end: add a transition that leaves it, or terminal: true`,
      );
  });
}

function reachable(machine: StateMachineContract): Set<string> {
  const reached = new Set([machine.initial_state]);
  for (let before = 0; before !== reached.size;) {
    before = reached.size;
    for (const row of machine.transitions)
      if (sourcesOf(row.from_state, machine).some((from) => reached.has(from))) reached.add(row.to_state);
  }
  return reached;
}
