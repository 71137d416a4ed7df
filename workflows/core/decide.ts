import type { CompiledContract } from '../../src/contracts/compiled.js';
import type { Ack } from '../../src/protocol/ack.js';
import type { Introspection } from '../../src/protocol/introspection.js';
import { handleNodeIntrospected } from './handlers/node-introspected.js';
import { handleNodeRegistrationAcked } from './handlers/node-registration-acked.js';
import { handleRegistrationReset } from './handlers/registration-reset.js';
import { ignore, type HandlerOutput } from './handlers/output.js';
import type { Registration } from './registration.js';

/** What a handler judges: a message of the inbox, under the name of its event model. */
export type Message =
  | { readonly event_model: 'ModelNodeIntrospectionEvent'; readonly payload: Introspection }
  | { readonly event_model: 'ModelNodeRegistrationAcked'; readonly payload: Ack }
  | { readonly event_model: 'ModelRegistrationReset'; readonly payload: { readonly message_id: string } };

/**
 * Routes a message to the handler that the contract names for its model
 * (`payload_type_match`) and returns that handler's events. Pure: the same
 * registration, message and contract always give the same answer.
 */
export function decide(registration: Registration, message: Message, contract: CompiledContract): HandlerOutput {
  const route = contract.handlers[message.event_model];
  if (route === undefined) return ignore(`no handler is routed to ${message.event_model}`);
  switch (message.event_model) {
    case 'ModelNodeIntrospectionEvent':
      return handleNodeIntrospected(registration, message.payload, contract);
    case 'ModelNodeRegistrationAcked':
      return handleNodeRegistrationAcked(registration, message.payload, contract);
    case 'ModelRegistrationReset':
      return handleRegistrationReset(registration, message.payload.message_id, contract);
  }
}
