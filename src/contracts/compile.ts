import { createHash } from 'node:crypto';
import type {
  CompiledContract,
  Condition,
  ConsumedEvent,
  EffectRoute,
  EventTemplate,
  IntentTemplate,
  Machine,
  MatrixRow,
  RetryPolicy,
  State,
  Template,
  Transition,
} from './compiled.js';
import { parseCondition } from './conditions.js';
import type { ContractSources } from './sources.js';
import type { OrchestratorContract, RetryContract, StateMachineContract } from './schema.js';
import { EFFECT_HANDLERS } from './vocabulary.js';

/** Turns checked sources into the small plain data that enters workflows. */
export function compile({ orchestrator, reducer, effect }: ContractSources): CompiledContract {
  const { brake: _, ...liveness } = orchestrator.liveness;
  const body: Omit<CompiledContract, 'version'> = {
    handlers: Object.fromEntries(
      orchestrator.handler_routing.handlers.map((row) => [
        row.event_model.name,
        {
          handler: row.handler.name,
          matrix: (row.state_decision_matrix ?? []).map(compileRow).sort((a, b) => specificity(b) - specificity(a)),
        },
      ]),
    ),
    orchestrator: compileMachine(orchestrator.state_machine),
    reducer: compileMachine(reducer.state_machine),
    confirmations: Object.fromEntries(
      reducer.confirmations.map((row) => [row.event_type, { trigger: row.trigger, flag: row.sets ?? null }]),
    ),
    intents: Object.fromEntries(
      reducer.intents.map(({ action, intent_type, target, payload }) => [
        action,
        { intent_type, target, payload: payload as IntentTemplate['payload'] },
      ]),
    ),
    events: Object.fromEntries(
      orchestrator.published_events.map(
        ({ action, event_type, topic, payload, stamps, tags, ids_at_top }): [string, EventTemplate] => [
          action,
          {
            event_type,
            topic,
            payload: (payload ?? {}) as Record<string, Template>,
            stamps: stamps ?? {},
            tags: tags ?? {},
            ids_at_top: ids_at_top ?? false,
          },
        ],
      ),
    ),
    effects: Object.fromEntries(
      effect.handler_routing.handlers.map((row): [string, EffectRoute] => {
        return [
          row.intent_type,
          {
            backend: row.backend,
            activity: EFFECT_HANDLERS[row.handler.name as keyof typeof EFFECT_HANDLERS].activity,
            operation: row.operation,
            confirmation: row.confirmation,
            placement: row.placement,
            start_to_close_seconds: row.start_to_close_seconds,
            retry: retryPolicy(row.retry),
          },
        ];
      }),
    ),
    execution_mode: effect.execution_mode ?? effect.handler_routing.execution_mode,
    partial_failure_handling: effect.partial_failure_handling ?? effect.handler_routing.partial_failure_handling,
    local_tries: effect.local_tries,
    calls: Object.fromEntries(
      effect.calls.map(({ call, retry, ...policy }) => [call, { ...policy, retry: retryPolicy(retry) }]),
    ) as CompiledContract['calls'],
    questions: Object.fromEntries(
      effect.questions.map(({ question, ...policy }) => [question, policy]),
    ) as CompiledContract['questions'],
    timers: Object.fromEntries(
      orchestrator.timers.map(({ timer, seconds, trigger, rounds, verify }) => [
        timer,
        { seconds, trigger, rounds: rounds ?? null, verify: verify ?? null },
      ]),
    ),
    liveness,
    admission: orchestrator.admission.map((rule) => ({
      require: parseCondition(rule.require) as Condition,
      reason: rule.reason,
    })),
    refresh_actions: orchestrator.refresh_actions,
  };
  const [o, r, e] = [orchestrator, reducer, effect].map((contract) => contract.contract_version);
  const digest = createHash('sha256')
    .update(JSON.stringify([o, r, e, body]))
    .digest('hex')
    .slice(0, 8);
  return { version: `${o}+r${r}.e${e}.${digest}`, ...body };
}

function retryPolicy({ maximum_attempts, ...retry }: RetryContract): RetryPolicy {
  return maximum_attempts === undefined ? retry : { ...retry, maximum_attempts };
}

/** Topics consumed and published, for the bridge, the CLI and topic creation. */
export function topicsOf(orchestrator: OrchestratorContract): {
  consumed: ConsumedEvent[];
  topics: Record<string, string>;
} {
  return {
    consumed: orchestrator.consumed_events.map(({ event_type, topic }) => ({ event_type, topic })),
    topics: Object.fromEntries(orchestrator.published_events.map(({ action, topic }) => [action, topic])),
  };
}

function compileMachine(machine: StateMachineContract): Machine {
  const states = Object.fromEntries(
    machine.states.map((state): [string, State] => [
      state.state_name,
      {
        entry_actions: state.entry_actions ?? [],
        end_actions: state.end_actions ?? [],
        timer: state.timer ?? null,
        terminal: state.terminal ?? false,
        discoverable: state.discoverable ?? false,
        transitions: {},
      },
    ]),
  );
  for (const row of machine.transitions) {
    const transition: Transition = {
      to: row.to_state,
      reason: row.reason ?? null,
      conditions: (row.conditions ?? []).map(({ expression }) => parseCondition(expression) as Condition),
    };
    for (const from of sourcesOf(row.from_state, machine)) {
      const state = states[from];
      if (state !== undefined)
        states[from] = { ...state, transitions: { ...state.transitions, [row.trigger]: transition } };
    }
  }
  return { name: machine.state_machine_name, initial: machine.initial_state, states };
}

/** "*" is every state that is not terminal. */
export function sourcesOf(from_state: string, machine: StateMachineContract): string[] {
  if (from_state !== '*') return [from_state];
  return machine.states.filter((state) => state.terminal !== true).map((state) => state.state_name);
}

type MatrixRowContract = NonNullable<
  OrchestratorContract['handler_routing']['handlers'][number]['state_decision_matrix']
>[number];

export function compileRow(row: MatrixRowContract): MatrixRow {
  const { current_state } = row;
  return {
    states: current_state === 'any' ? 'any' : Array.isArray(current_state) ? current_state : [current_state],
    reason: row.reason ?? null,
    incarnation: row.incarnation ?? null,
    action: row.action,
  };
}

/** Rows that say more about the message come first, then those that name a state. */
export function specificity(row: MatrixRow): number {
  return (row.reason === null ? 0 : 2) + (row.incarnation === null ? 0 : 2) + (row.states === 'any' ? 0 : 1);
}
