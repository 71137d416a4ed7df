import { PUBLISHED_EVENT_TYPES, publishedEventType } from '../../protocol/published.js';
import type { PublishedEventContract } from '../schema.js';
import type { ContractSources } from '../sources.js';
import { BRIDGE_ACTIONS, BRIDGE_VARIABLES, VARIABLES } from '../vocabulary.js';
import { choose, type Faults, type YamlPath } from './faults.js';
import { checkNames } from './templates.js';

/** Published events: known to nodes, with known variables and timers; the bridge's own are there. */
export function checkEvents({ orchestrator }: ContractSources, faults: Faults): void {
  const timers = orchestrator.timers.map((timer) => timer.timer);
  const known = orchestrator.published_events.map((event) => event.action);
  for (const action of BRIDGE_ACTIONS) {
    if (!known.includes(action))
      faults.add(
        'orchestrator',
        ['published_events'],
        `the bridge needs a topic for "${action}": add a row with that action`,
      );
  }
  orchestrator.published_events.forEach((event, index) => {
    const path = ['published_events', index] as const;
    if (publishedEventType(event.event_type) === null && event.action !== 'dead_letter')
      faults.add(
        'orchestrator',
        [...path, 'event_type'],
        `unknown event type "${event.event_type}": nodes understand ${PUBLISHED_EVENT_TYPES.join(', ')}`,
      );
    const known = isBridgeAction(event.action) ? BRIDGE_VARIABLES[event.action] : VARIABLES;
    checkNames('orchestrator', [...path, 'payload'], event.payload ?? {}, faults, known);
    checkNames('orchestrator', [...path, 'tags'], event.tags ?? {}, faults, known);
    if (event.action === 'dead_letter') checkDeadLetter(event, path, faults);
    for (const [field, timer] of Object.entries(event.stamps ?? {})) {
      if (!timers.includes(timer))
        faults.add('orchestrator', [...path, 'stamps', field], `unknown timer "${timer}": ${choose(timers)}`);
    }
  });
}

const isBridgeAction = (action: string): action is (typeof BRIDGE_ACTIONS)[number] =>
  Object.hasOwn(BRIDGE_VARIABLES, action);

/** A dead letter carries the original bytes: it has no payload and no envelope of ours. */
function checkDeadLetter(event: PublishedEventContract, path: YamlPath, faults: Faults): void {
  for (const key of ['payload', 'stamps', 'ids_at_top'] as const)
    if (event[key] !== undefined)
      faults.add(
        'orchestrator',
        [...path, key],
        `a dead letter carries the original bytes, in no envelope: remove ${key}, and put what is to be added ` +
          'into tags',
      );
}
