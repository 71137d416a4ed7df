import type { Intent } from '../../activities/api.js';
import type { CompiledContract } from '../../src/contracts/compiled.js';
import { derivedId } from '../../src/protocol/ids.js';
import type { OutgoingEvent } from '../../src/protocol/published.js';
import { livesByLease, variables, type Registration } from './registration.js';
import { fill, fillMap, text } from '../../src/contracts/template.js';

/**
 * Intents by the names of their templates (specification, Phase 2, "Two-Layer
 * Intent Structure"): the payload's intent_type is the routing key.
 */
export function intentsOf(
  registration: Registration,
  actions: readonly string[],
  contract: CompiledContract,
): readonly Intent[] {
  const values = variables(registration, contract);
  const intents = actions.flatMap((action) => {
    const template = contract.intents[action];
    if (template === undefined) return [];
    const payload = Object.freeze({ ...fillMap(template.payload, values), intent_type: template.payload.intent_type });
    return [Object.freeze({ intent_type: template.intent_type, target: text(fill(template.target, values)), payload })];
  });
  return Object.freeze(intents);
}

/**
 * Events by the names of their actions, each caused by the one before it. Ids
 * are derived, so that a repeat is recognisable and an id never names two
 * different events.
 */
export function eventsOf(
  registration: Registration,
  actions: readonly string[],
  contract: CompiledContract,
): readonly OutgoingEvent[] {
  const values = variables(registration, contract);
  const { correlation_id = '', instance_id, superseded } = registration.incarnation ?? {};
  let causation_id = registration.causation_id;
  const events = actions.flatMap((action) => {
    const template = contract.events[action];
    if (template === undefined) return [];
    const event: OutgoingEvent = Object.freeze({
      id: derivedId(
        registration.node_id,
        correlation_id,
        template.event_type,
        registration.attempt,
        registration.round,
        ...occasionOf(registration, contract),
      ),
      event_type: template.event_type,
      topic: template.topic,
      node_id: registration.node_id,
      correlation_id,
      causation_id,
      payload: fillMap(template.payload, values),
      ids_at_top: template.ids_at_top,
      stamps: Object.freeze(
        Object.fromEntries(
          Object.entries(template.stamps).map(([field, timer]) => [field, contract.timers[timer]?.seconds ?? 0]),
        ),
      ),
      tags: Object.freeze(
        Object.fromEntries(Object.entries(fillMap(template.tags, values)).map(([key, value]) => [key, text(value)])),
      ),
      ...(instance_id === undefined ? {} : { instance_id }),
      ...(superseded === undefined || superseded.length === 0 ? {} : { supersedes: superseded }),
    });
    causation_id = event.id;
    return [event];
  });
  return Object.freeze(events);
}

/**
 * A node changes between the states that live by a lease as often as somebody asks for it. Each time is another event,
 * and its id is made with the id of the message that asks: a fresh run that has adopted the attempt knows of no earlier
 * time.
 */
function occasionOf({ state, entering, causation_id }: Registration, contract: CompiledContract): readonly string[] {
  return livesByLease(state, contract) && livesByLease(entering?.state ?? null, contract) ? [causation_id] : [];
}
