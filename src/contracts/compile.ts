import { createHash } from 'node:crypto';
import type {
  CompiledContract,
  ConsumedEvent,
  EffectRoute,
  EventTemplate,
  IntentTemplate,
  RetryPolicy,
  Template,
} from './compiled.js';
import { checkedCondition, compileMachine } from './compile-machine.js';
import { compileRow, orderRows } from './matrix.js';
import type {
  EffectContract,
  EffectHandlerContract,
  OrchestratorContract,
  PublishedEventContract,
  ReducerContract,
  RetryContract,
} from './schema.js';
import { layerOf, type ContractSources } from './sources.js';
import { EFFECT_HANDLERS } from './vocabulary.js';

type Body = Omit<CompiledContract, 'version'>;

/**
 * Turns checked sources into the small plain data that enters workflows.
 *
 * @param sources contracts without a fault
 */
export function compile(sources: ContractSources): CompiledContract {
  const { orchestrator, reducer, effect } = sources;
  const body: Body = {
    handlers: compileHandlers(sources),
    ...compileOrchestrator(orchestrator),
    ...compileReducer(reducer),
    ...compileEffects(effect),
  };
  const [o, r, e] = [orchestrator, reducer, effect].map((contract) => contract.contract_version);
  const digest = createHash('sha256')
    .update(JSON.stringify([o, r, e, body]))
    .digest('hex')
    .slice(0, 8);
  return { version: `${o}+r${r}.e${e}.${digest}`, ...body };
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

function compileHandlers(sources: ContractSources): Body['handlers'] {
  const { handlers } = sources.orchestrator.handler_routing;
  return Object.fromEntries(
    handlers.map(({ event_model, handler, state_decision_matrix = [] }, index) => {
      const at = ['handler_routing', 'handlers', index, 'state_decision_matrix'] as const;
      const rows = state_decision_matrix.map((row, item) => ({
        row: compileRow(row, handler),
        layer: layerOf(sources, 'orchestrator', [...at, item]),
      }));
      return [event_model.name, { handler: handler.name, matrix: orderRows(rows) }];
    }),
  );
}

function compileOrchestrator({
  state_machine,
  published_events,
  timers,
  liveness: { brake: _, ...liveness },
  admission,
  refresh_actions,
}: OrchestratorContract): Pick<
  Body,
  'orchestrator' | 'events' | 'timers' | 'liveness' | 'admission' | 'refresh_actions'
> {
  return {
    orchestrator: compileMachine(state_machine),
    events: Object.fromEntries(published_events.map((event) => [event.action, compileEvent(event)])),
    timers: Object.fromEntries(
      timers.map(({ timer, seconds, trigger, rounds = null, verify = null }) => [
        timer,
        { seconds, trigger, rounds, verify },
      ]),
    ),
    liveness,
    admission: admission.map((rule) => ({ require: checkedCondition(rule.require), reason: rule.reason })),
    refresh_actions,
  };
}

function compileEvent(event: PublishedEventContract): EventTemplate {
  const { event_type, topic, payload = {}, stamps = {}, tags = {}, ids_at_top = false } = event;
  return { event_type, topic, payload: payload as Record<string, Template>, stamps, tags, ids_at_top };
}

function compileReducer({
  state_machine,
  confirmations,
  intents,
}: ReducerContract): Pick<Body, 'reducer' | 'confirmations' | 'intents'> {
  return {
    reducer: compileMachine(state_machine),
    confirmations: Object.fromEntries(
      confirmations.map(({ event_type, trigger, sets = null }) => [event_type, { trigger, flag: sets }]),
    ),
    intents: Object.fromEntries(
      intents.map(({ action, intent_type, target, payload }) => [
        action,
        { intent_type, target, payload: payload as IntentTemplate['payload'] },
      ]),
    ),
  };
}

function compileEffects({
  handler_routing,
  execution_mode,
  partial_failure_handling,
  local_tries,
  calls,
  questions,
}: EffectContract): Pick<
  Body,
  'effects' | 'execution_mode' | 'partial_failure_handling' | 'local_tries' | 'calls' | 'questions'
> {
  return {
    effects: Object.fromEntries(handler_routing.handlers.map((row) => [row.intent_type, compileRoute(row)])),
    execution_mode: execution_mode ?? handler_routing.execution_mode,
    partial_failure_handling: partial_failure_handling ?? handler_routing.partial_failure_handling,
    local_tries,
    calls: Object.fromEntries(
      calls.map(({ call, retry, ...policy }) => [call, { ...policy, retry: compileRetry(retry) }]),
    ) as Body['calls'],
    questions: Object.fromEntries(questions.map(({ question, ...policy }) => [question, policy])) as Body['questions'],
  };
}

function compileRoute({ handler, retry, intent_type: _, ...row }: EffectHandlerContract): EffectRoute {
  const { activity } = EFFECT_HANDLERS[handler.name as keyof typeof EFFECT_HANDLERS];
  return { ...row, activity, retry: compileRetry(retry) };
}

function compileRetry({ maximum_attempts, ...retry }: RetryContract): RetryPolicy {
  return maximum_attempts === undefined ? retry : { ...retry, maximum_attempts };
}
