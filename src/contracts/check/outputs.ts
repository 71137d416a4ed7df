import { publishedEventType } from '../../protocol/published.js';
import { sourcesOf } from '../compile-machine.js';
import type { HandlerContract, MatrixRowContract, StateMachineContract } from '../schema.js';
import type { ContractSources } from '../sources.js';
import { BRIDGE_ACTIONS, ORCHESTRATOR_HANDLERS, type Action, type HandlerName } from '../vocabulary.js';
import { choose, type Faults, type YamlPath } from './faults.js';

const at = (...path: YamlPath): YamlPath => ['handler_routing', 'handlers', ...path];

/**
 * What the rows of a decision matrix lead to: a row that raises a trigger has a
 * transition for it, and the events that follow directly are those that the
 * handler's output_events list. Handlers and actions are known here.
 */
export function checkOutputs({ orchestrator }: ContractSources, faults: Faults): void {
  const machine = orchestrator.state_machine;
  const published = orchestrator.published_events.filter(
    (event) => !(BRIDGE_ACTIONS as readonly string[]).includes(event.action),
  );
  const eventTypes = new Map(published.map((event) => [event.action, plain(event.event_type)]));
  orchestrator.handler_routing.handlers.forEach((row, index) => {
    const listed = (row.output_events ?? []).map(plain);
    listed.forEach((event, item) => {
      if (![...eventTypes.values()].includes(event))
        faults.add(
          'orchestrator',
          at(index, 'output_events', item),
          `unknown event "${event}": ${choose([...new Set(eventTypes.values())])}`,
        );
    });
    row.state_decision_matrix?.forEach((decision, item) => {
      const action = actionOf(row, decision);
      checkRaises(machine, decision, action, at(index, 'state_decision_matrix', item), faults);
      for (const { state, actions, path: place } of entered(machine, decision, action))
        for (const { event, path } of eventsOf(actions, place, eventTypes))
          if (!listed.includes(event))
            faults.addTopmost(
              'orchestrator',
              [at(index, 'output_events'), at(index, 'state_decision_matrix', item), path],
              `${row.handler.name} leads to ${event} ("${decision.action}" enters "${state}"), which its ` +
                'output_events do not list: add it',
            );
    });
  });
}

const plain = (event_type: string): string => publishedEventType(event_type) ?? event_type;

function actionOf({ handler }: HandlerContract, { action }: MatrixRowContract): Action {
  const actions: Readonly<Record<string, Action>> = ORCHESTRATOR_HANDLERS[handler.name as HandlerName].actions;
  return actions[action] as Action;
}

/** A trigger without a transition: the row would do nothing, in silence. */
function checkRaises(
  machine: StateMachineContract,
  { current_state, action }: MatrixRowContract,
  { raises }: Action,
  path: YamlPath,
  faults: Faults,
): void {
  if (raises === undefined) return;
  const leaving = new Set(transitionsOn(machine, raises).flatMap((row) => sourcesOf(row.from_state, machine)));
  for (const state of [current_state].flat()) {
    if (state === 'any' ? leaving.size > 0 : state !== null && leaving.has(state)) continue;
    const where = state === null ? 'before an attempt' : state === 'any' ? 'in any state' : `in "${state}"`;
    faults.add(
      'orchestrator',
      path,
      `"${action}" does nothing ${where}: no transition leaves it on "${raises}"; add one, or take the state ` +
        'out of this row',
    );
  }
}

const transitionsOn = (machine: StateMachineContract, trigger: string): StateMachineContract['transitions'] =>
  machine.transitions.filter((row) => row.trigger === trigger);

/** A way into a state, and what is done on it. */
interface Way {
  readonly state: string;
  readonly actions: readonly string[];
  /** Where the actions stand in the contract. */
  readonly path: YamlPath;
}

/** The ways into states that a row's action takes directly, and those that follow from them by entry_done. */
function entered(
  machine: StateMachineContract,
  { current_state }: MatrixRowContract,
  { raises, begins_attempt }: Action,
): readonly Way[] {
  const from = [current_state].flat();
  const ways: Way[] = begins_attempt === true ? [ownWay(machine, machine.initial_state)] : [];
  if (raises !== undefined)
    for (const row of transitionsOn(machine, raises))
      if (from.includes('any') || sourcesOf(row.from_state, machine).some((state) => from.includes(state)))
        ways.push(wayOf(machine, row));
  // Grows while it is gone through: what follows may lead on.
  for (const { state } of ways)
    for (const row of transitionsOn(machine, 'entry_done'))
      if (sourcesOf(row.from_state, machine).includes(state) && !ways.some((way) => way.state === row.to_state))
        ways.push(wayOf(machine, row));
  return ways;
}

function wayOf(machine: StateMachineContract, row: StateMachineContract['transitions'][number]): Way {
  if (row.entry_actions === undefined) return ownWay(machine, row.to_state);
  const path = ['state_machine', 'transitions', machine.transitions.indexOf(row), 'entry_actions'];
  return { state: row.to_state, actions: row.entry_actions, path };
}

function ownWay(machine: StateMachineContract, state: string): Way {
  const index = machine.states.findIndex((each) => each.state_name === state);
  const actions = machine.states[index]?.entry_actions ?? [];
  return { state, actions, path: ['state_machine', 'states', index, 'entry_actions'] };
}

function eventsOf(
  actions: readonly string[],
  path: YamlPath,
  eventTypes: ReadonlyMap<string, string>,
): readonly { readonly event: string; readonly path: YamlPath }[] {
  return actions.flatMap((action, item) => {
    const event = eventTypes.get(action);
    return event === undefined ? [] : [{ event, path: [...path, item] }];
  });
}
