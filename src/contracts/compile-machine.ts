import type { Condition, Machine, State, Transition } from './compiled.js';
import { parseCondition } from './conditions.js';
import type { StateMachineContract } from './schema.js';

/** A state machine with its transitions by state and trigger. */
export function compileMachine(machine: StateMachineContract): Machine {
  const states: Record<string, State> = {};
  for (const state of machine.states) {
    const leaving = machine.transitions.filter((row) => sourcesOf(row.from_state, machine).includes(state.state_name));
    states[state.state_name] = {
      entry_actions: state.entry_actions ?? [],
      end_actions: state.end_actions ?? [],
      timer: state.timer ?? null,
      terminal: state.terminal ?? false,
      discoverable: state.discoverable ?? false,
      ...(state.check_output === undefined ? {} : { check_output: state.check_output }),
      transitions: Object.fromEntries(leaving.map((row) => [row.trigger, compileTransition(row)])),
    };
  }
  return { name: machine.state_machine_name, initial: machine.initial_state, states };
}

function compileTransition(row: StateMachineContract['transitions'][number]): Transition {
  return {
    to: row.to_state,
    reason: row.reason ?? null,
    conditions: (row.conditions ?? []).map(({ expression }) => checkedCondition(expression)),
    ...(row.entry_actions === undefined ? {} : { entry_actions: row.entry_actions }),
  };
}

/**
 * The states that a transition leaves: "*" is every state that is not terminal.
 *
 * @param from_state as in YAML
 */
export function sourcesOf(from_state: string, machine: StateMachineContract): string[] {
  if (from_state !== '*') return [from_state];
  return machine.states.filter((state) => state.terminal !== true).map((state) => state.state_name);
}

/**
 * A condition that the check has let pass.
 *
 * @throws TypeError where it has not
 */
export function checkedCondition(expression: string): Condition {
  const condition = parseCondition(expression);
  if (typeof condition === 'string') throw new TypeError(condition);
  return condition;
}
