import type { ContractSources } from '../sources.js';
import { choose, type Faults } from './faults.js';
import { checkNames } from './templates.js';

/** Intents are served, confirmations are sent, and templates name known variables. */
export function checkIntents({ reducer, effect, orchestrator }: ContractSources, faults: Faults): void {
  const served = effect.handler_routing.handlers.map((row) => row.intent_type);
  reducer.intents.forEach((intent, index) => {
    if (!served.includes(intent.payload.intent_type))
      faults.add(
        'reducer',
        ['intents', index, 'payload', 'intent_type'],
        `no handler of the effect contract serves intent "${intent.payload.intent_type}": ${choose(served)}`,
      );
    checkNames('reducer', ['intents', index, 'target'], intent.target, faults);
    checkNames('reducer', ['intents', index, 'payload'], intent.payload, faults);
  });
  const confirmed = effect.handler_routing.handlers.map((row) => row.confirmation);
  reducer.confirmations.forEach((row, index) => {
    if (!confirmed.includes(row.event_type))
      faults.add(
        'reducer',
        ['confirmations', index, 'event_type'],
        `no effect confirms with event "${row.event_type}": ${choose(confirmed)}`,
      );
  });
  const intents = reducer.intents.map((intent) => intent.action);
  orchestrator.refresh_actions.forEach((action, index) => {
    if (!intents.includes(action))
      faults.add('orchestrator', ['refresh_actions', index], `unknown intent "${action}": ${choose(intents)}`);
  });
}
