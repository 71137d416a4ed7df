import { PUBLISHED_EVENT_TYPES, publishedEventType } from '../../protocol/published.js';
import type { ContractSources } from '../sources.js';
import { BRIDGE_ACTIONS } from '../vocabulary.js';
import { choose, type Faults } from './faults.js';
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
    const bridges: readonly string[] = BRIDGE_ACTIONS;
    if (publishedEventType(event.event_type) === null && !bridges.includes(event.action))
      faults.add(
        'orchestrator',
        [...path, 'event_type'],
        `unknown event type "${event.event_type}": nodes understand ${PUBLISHED_EVENT_TYPES.join(', ')}`,
      );
    checkNames('orchestrator', [...path, 'payload'], event.payload ?? {}, faults);
    checkNames('orchestrator', [...path, 'tags'], event.tags ?? {}, faults);
    for (const [field, timer] of Object.entries(event.stamps ?? {})) {
      if (!timers.includes(timer))
        faults.add('orchestrator', [...path, 'stamps', field], `unknown timer "${timer}": ${choose(timers)}`);
    }
  });
}
