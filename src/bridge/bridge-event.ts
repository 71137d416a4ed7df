import type { CompiledContract, EventTemplate } from '../contracts/compiled.js';
import { fillMap, text } from '../contracts/template.js';
import type { JsonObject } from '../protocol/json.js';

/** An event that the bridge itself publishes, as the contract has it. */
export interface BridgeEvent {
  /** Final name of its topic. */
  readonly topic: string;
  readonly event_type: string;
  readonly ids_at_top: boolean;
  /** Payload fields that are a time after the send, in seconds. */
  readonly stamps: Readonly<Record<string, number>>;
  /** Fills the payload's template with what is known; what is not known is null. */
  payload(known: Readonly<Record<string, unknown>>): JsonObject;
  /** The same for the tags, as text. */
  tags(known: Readonly<Record<string, unknown>>): Readonly<Record<string, string>>;
}

/**
 * @param action "request_introspection" or "dead_letter"
 * @param topic final name of the action's topic
 * @throws Error when the contract does not publish this action
 */
export function bridgeEvent(contract: CompiledContract, action: string, topic: string): BridgeEvent {
  const template = contract.events[action];
  if (template === undefined) throw new Error(`the contract's published_events have no row for ${action}`);
  return {
    topic,
    event_type: template.event_type,
    ids_at_top: template.ids_at_top,
    stamps: secondsOf(template, contract),
    payload: (known) => fillMap(template.payload, known),
    tags: (known) =>
      Object.fromEntries(Object.entries(fillMap(template.tags, known)).map(([tag, value]) => [tag, text(value)])),
  };
}

function secondsOf({ stamps }: EventTemplate, { timers }: CompiledContract): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(stamps).map(([field, timer]) => [field, timers[timer]?.seconds ?? 0]));
}
