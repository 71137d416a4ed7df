import { PUBLISHED_EVENT_TYPES, publishedEventType } from '../protocol/published.js';
import { compileRow, sourcesOf, specificity } from './compile.js';
import { parseCondition } from './conditions.js';
import type { Fault } from './located.js';
import type { ContractSources } from './sources.js';
import type { StateMachineContract } from './schema.js';
import {
  BRIDGE_ACTIONS,
  CONSUMED_EVENTS,
  EFFECT_HANDLERS,
  HANDLERS,
  ORCHESTRATOR_TRIGGERS,
  REDUCER_TRIGGERS,
  VARIABLES,
  type HandlerName,
} from './vocabulary.js';

type Part = 'orchestrator' | 'reducer' | 'effect';
type Path = readonly (string | number)[];
type Report = (part: Part, path: Path, message: string) => void;

/**
 * Does the contract hold together? Everything that would show only while a node
 * registers is found here, before anything starts.
 *
 * @returns every fault, each with its place and what to change
 */
export function check(sources: ContractSources): Fault[] {
  const faults: Fault[] = [];
  const report: Report = (part, path, message) => {
    const place = sources.positions.at(sources[part], path, { file: sources.files[part], line: 1, column: 1 });
    faults.push({ ...place, message });
  };
  const published = sources.orchestrator.published_events.map((event) => event.action);
  const intents = sources.reducer.intents.map((intent) => intent.action);
  const timers = sources.orchestrator.timers;

  checkTopics(sources, report);
  checkRouting(sources, report);
  checkMachine('orchestrator', sources.orchestrator.state_machine, report, {
    actions: [...published, ...intents],
    triggers: [
      ...ORCHESTRATOR_TRIGGERS,
      ...timers.map((timer) => timer.trigger),
      ...sources.reducer.state_machine.states.map((state) => `reducer_${state.state_name}`),
    ],
    timers: timers.map((timer) => timer.timer),
    variables: VARIABLES,
  });
  checkMachine('reducer', sources.reducer.state_machine, report, {
    actions: intents,
    triggers: [...REDUCER_TRIGGERS, ...sources.reducer.confirmations.map((row) => row.trigger)],
    timers: [],
    variables: ['node_id', 'status', ...sources.reducer.confirmations.flatMap((row) => row.sets ?? [])],
  });
  checkEvents(sources, report);
  checkIntents(sources, report);
  checkEffects(sources, report);
  checkAdmission(sources, report);
  checkUpkeep(sources, report);
  sources.orchestrator.refresh_actions.forEach((action, index) => {
    if (!intents.includes(action))
      report('orchestrator', ['refresh_actions', index], `unknown intent "${action}": ${choose(intents)}`);
  });
  return faults.sort((a, b) => a.file.localeCompare(b.file) || a.line - b.line || a.column - b.column);
}

function checkTopics({ orchestrator }: ContractSources, report: Report): void {
  const known: readonly string[] = CONSUMED_EVENTS;
  orchestrator.consumed_events.forEach((row, index) => {
    if (!known.includes(row.event_type)) {
      report(
        'orchestrator',
        ['consumed_events', index, 'event_type'],
        `nothing consumes "${row.topic}": no reader is known for event type "${row.event_type}"; ${choose(known)}`,
      );
    }
  });
  for (const event_type of known) {
    if (!orchestrator.consumed_events.some((row) => row.event_type === event_type)) {
      report('orchestrator', ['consumed_events'], `no topic is named for "${event_type}": add a row with its topic`);
    }
  }
}

function checkRouting({ orchestrator }: ContractSources, report: Report): void {
  const states = [...orchestrator.state_machine.states.map((state) => state.state_name), 'any'];
  const events = orchestrator.published_events.map((event) => event.event_type);
  orchestrator.handler_routing.handlers.forEach((row, index) => {
    const path = ['handler_routing', 'handlers', index] as const;
    if (!Object.hasOwn(HANDLERS, row.handler.name)) {
      report(
        'orchestrator',
        [...path, 'handler', 'name'],
        `unknown handler "${row.handler.name}": ${choose(Object.keys(HANDLERS))}`,
      );
      return;
    }
    const handler = HANDLERS[row.handler.name as HandlerName];
    const actions = Object.keys(handler.actions);
    if (row.event_model.name !== handler.event_model) {
      report(
        'orchestrator',
        [...path, 'event_model', 'name'],
        `${row.handler.name} handles ${handler.event_model}, not "${row.event_model.name}": name that model, or its own handler`,
      );
      return;
    }
    row.output_events?.forEach((event, at) => {
      if (!events.includes(event.replace(/^Model/, '')))
        report('orchestrator', [...path, 'output_events', at], `unknown event "${event}": ${choose(events)}`);
    });
    const seen = new Map<string, number>();
    row.state_decision_matrix?.forEach((decision, at) => {
      const place = [...path, 'state_decision_matrix', at];
      if (!actions.includes(decision.action))
        report(
          'orchestrator',
          [...place, 'action'],
          `unknown action "${decision.action}" of ${row.handler.name}: ${choose(actions)}`,
        );
      for (const state of [decision.current_state].flat()) {
        if (state !== null && !states.includes(state))
          report('orchestrator', [...place, 'current_state'], `unknown state "${state}": ${choose(states)}`);
        const compiled = compileRow(decision);
        const key = JSON.stringify([state, compiled.reason, compiled.incarnation, specificity(compiled)]);
        const earlier = seen.get(key);
        if (earlier === undefined) seen.set(key, at);
        else
          report(
            'orchestrator',
            place,
            `this row and row ${earlier + 1} match the same messages in state ${JSON.stringify(state)}: keep one of them`,
          );
      }
    });
  });
}

interface Words {
  readonly actions: readonly string[];
  readonly triggers: readonly string[];
  readonly timers: readonly string[];
  readonly variables: readonly string[];
}

function checkMachine(
  part: 'orchestrator' | 'reducer',
  machine: StateMachineContract,
  report: Report,
  words: Words,
): void {
  const names = machine.states.map((state) => state.state_name);
  const at = (...path: Path): Path => ['state_machine', ...path];
  if (!names.includes(machine.initial_state))
    report(part, at('initial_state'), `unknown state "${machine.initial_state}": ${choose(names)}`);
  machine.states.forEach((state, index) => {
    if (names.indexOf(state.state_name) !== index)
      report(part, at('states', index), `state "${state.state_name}" is declared twice: remove one`);
    for (const list of ['entry_actions', 'end_actions'] as const) {
      state[list]?.forEach((action, item) => {
        if (!words.actions.includes(action))
          report(part, at('states', index, list, item), `unknown action "${action}": ${choose(words.actions)}`);
      });
    }
    if (state.timer !== undefined && !words.timers.includes(state.timer))
      report(part, at('states', index, 'timer'), `unknown timer "${state.timer}": ${choose(words.timers)}`);
    if ((state.end_actions ?? []).length > 0 && state.terminal !== true) {
      report(
        part,
        at('states', index, 'end_actions'),
        `"${state.state_name}" has end_actions but no run ends in it: add terminal: true or remove them`,
      );
    }
  });

  const taken = new Map<string, number>();
  machine.transitions.forEach((row, index) => {
    for (const key of ['from_state', 'to_state'] as const) {
      const state = row[key];
      if (!names.includes(state) && !(key === 'from_state' && state === '*'))
        report(part, at('transitions', index, key), `unknown state "${state}": ${choose(names)}`);
    }
    if (!words.triggers.includes(row.trigger))
      report(part, at('transitions', index, 'trigger'), `nothing raises "${row.trigger}": ${choose(words.triggers)}`);
    for (const from of sourcesOf(row.from_state, machine)) {
      const key = `${from}/${row.trigger}`;
      const earlier = taken.get(key);
      if (earlier !== undefined)
        report(
          part,
          at('transitions', index),
          `"${from}" has two transitions for "${row.trigger}" (this one and number ${earlier + 1}): keep one of them`,
        );
      taken.set(key, index);
    }
    row.conditions?.forEach(({ expression }, item) =>
      checkCondition(
        part,
        at('transitions', index, 'conditions', item, 'expression'),
        expression,
        words.variables,
        report,
      ),
    );
    if (row.reason !== undefined) checkTemplate(part, at('transitions', index, 'reason'), row.reason, report);
  });

  const reached = reachable(machine);
  machine.states.forEach((state, index) => {
    if (!reached.has(state.state_name))
      report(part, at('states', index), `no transition leads to "${state.state_name}": add one or remove the state`);
    const leaves = machine.transitions.some(
      (row) => row.to_state !== state.state_name && sourcesOf(row.from_state, machine).includes(state.state_name),
    );
    if (!leaves && state.terminal !== true)
      report(
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

function checkEvents({ orchestrator }: ContractSources, report: Report): void {
  const timers = orchestrator.timers.map((timer) => timer.timer);
  const known = orchestrator.published_events.map((event) => event.action);
  for (const action of BRIDGE_ACTIONS) {
    if (!known.includes(action))
      report(
        'orchestrator',
        ['published_events'],
        `the bridge needs a topic for "${action}": add a row with that action`,
      );
  }
  orchestrator.published_events.forEach((event, index) => {
    const path = ['published_events', index] as const;
    const bridges: readonly string[] = BRIDGE_ACTIONS;
    if (publishedEventType(event.event_type) === null && !bridges.includes(event.action)) {
      report(
        'orchestrator',
        [...path, 'event_type'],
        `unknown event type "${event.event_type}": nodes understand ${PUBLISHED_EVENT_TYPES.join(', ')}`,
      );
    }
    checkTemplate('orchestrator', [...path, 'payload'], event.payload ?? {}, report);
    checkTemplate('orchestrator', [...path, 'tags'], event.tags ?? {}, report);
    for (const [field, timer] of Object.entries(event.stamps ?? {})) {
      if (!timers.includes(timer))
        report('orchestrator', [...path, 'stamps', field], `unknown timer "${timer}": ${choose(timers)}`);
    }
  });
}

function checkIntents({ reducer, effect }: ContractSources, report: Report): void {
  const served = effect.handler_routing.handlers.map((row) => row.intent_type);
  reducer.intents.forEach((intent, index) => {
    if (!served.includes(intent.payload.intent_type)) {
      report(
        'reducer',
        ['intents', index, 'payload', 'intent_type'],
        `no handler of the effect contract serves intent "${intent.payload.intent_type}": ${choose(served)}`,
      );
    }
    checkTemplate('reducer', ['intents', index, 'target'], intent.target, report);
    checkTemplate('reducer', ['intents', index, 'payload'], intent.payload, report);
  });
  const confirmed = effect.handler_routing.handlers.map((row) => row.confirmation);
  reducer.confirmations.forEach((row, index) => {
    if (!confirmed.includes(row.event_type))
      report(
        'reducer',
        ['confirmations', index, 'event_type'],
        `no effect confirms with event "${row.event_type}": ${choose(confirmed)}`,
      );
  });
}

function checkEffects({ effect }: ContractSources, report: Report): void {
  const handlers: Record<string, { backend: string; activity: string }> = EFFECT_HANDLERS;
  const backends = [...new Set(Object.values(handlers).map((handler) => handler.backend))];
  effect.handler_routing.handlers.forEach((row, index) => {
    const path = ['handler_routing', 'handlers', index] as const;
    const handler = handlers[row.handler.name];
    if (handler === undefined)
      report(
        'effect',
        [...path, 'handler', 'name'],
        `unknown handler "${row.handler.name}": ${choose(Object.keys(handlers))}`,
      );
    if (!backends.includes(row.backend))
      report('effect', [...path, 'backend'], `unknown backend "${row.backend}": ${choose(backends)}`);
    else if (handler !== undefined && handler.backend !== row.backend) {
      report(
        'effect',
        [...path, 'backend'],
        `${row.handler.name} serves backend "${handler.backend}", not "${row.backend}"`,
      );
    }
    if (row.retry.maximum_interval_seconds < row.retry.initial_interval_seconds) {
      report(
        'effect',
        [...path, 'retry', 'maximum_interval_seconds'],
        `the longest pause between tries (${row.retry.maximum_interval_seconds} s) is shorter than the first one (${row.retry.initial_interval_seconds} s)`,
      );
    }
  });
}

function checkAdmission({ orchestrator }: ContractSources, report: Report): void {
  orchestrator.admission.forEach((rule, index) => {
    checkCondition('orchestrator', ['admission', index, 'require'], rule.require, VARIABLES, report);
    checkTemplate('orchestrator', ['admission', index, 'reason'], rule.reason, report);
  });
}

/** A week: how long Kafka keeps a record where a topic says nothing else. */
const REDELIVERED_FOR_SECONDS = 604_800;

function checkUpkeep({ orchestrator }: ContractSources, report: Report): void {
  const { ended_seconds } = orchestrator.retention;
  if (ended_seconds < REDELIVERED_FOR_SECONDS) {
    report(
      'orchestrator',
      ['retention', 'ended_seconds'],
      `a node that is forgotten after ${ended_seconds} s can be resurrected by an old introspection that Kafka delivers again: use at least ${REDELIVERED_FOR_SECONDS} (a week)`,
    );
  }
  if (orchestrator.sweep !== null) return;
  const { window_seconds } = orchestrator.liveness;
  orchestrator.timers.forEach((timer, index) => {
    if (timer.verify === 'lease' && timer.seconds > window_seconds) {
      report(
        'orchestrator',
        ['timers', index, 'seconds'],
        `without a sweep (sweep: null) only this timer finds a dead node: let it be at most the window (${window_seconds} s), or let a sweep run`,
      );
    }
  });
}

function checkCondition(
  part: Part,
  path: Path,
  expression: string,
  variables: readonly string[],
  report: Report,
): void {
  const condition = parseCondition(expression);
  if (typeof condition === 'string') report(part, path, condition);
  else if (!variables.includes(condition.field))
    report(part, path, `unknown field "${condition.field}" in "${expression}": ${choose(variables)}`);
}

function checkTemplate(part: Part, path: Path, template: unknown, report: Report): void {
  if (typeof template === 'object' && template !== null) {
    for (const [key, value] of Object.entries(template)) checkTemplate(part, [...path, key], value, report);
    return;
  }
  if (typeof template !== 'string') return;
  for (const [, name = ''] of template.matchAll(/\{([^}]*)\}/g)) {
    if (!(VARIABLES as readonly string[]).includes(name))
      report(part, path, `unknown variable "{${name}}": ${choose(VARIABLES)}`);
  }
}

const choose = (words: readonly string[]): string => `use one of ${words.join(', ')}`;
