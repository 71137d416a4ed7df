import type { CompiledContract } from '../../src/contracts/compiled.js';
import { HANDLERS, type Handlers } from './handlers/index.js';
import { ignore, type HandlerOutput } from './handlers/output.js';
import type { Message } from './message.js';
import type { Registration } from './registration.js';

/**
 * Routes a message to the handler that the contract names for its event model
 * (specification, Phase 1, `payload_type_match`) and returns that handler's
 * events. Pure: the same registration, message and contract always give the
 * same output.
 *
 * @param handlers the functions by handler name; by default the ones that ship
 */
export function decide(
  registration: Registration,
  message: Message,
  contract: CompiledContract,
  handlers: Handlers = HANDLERS,
): HandlerOutput {
  const route = contract.handlers[message.event_model];
  if (route === undefined) return ignore(`${message.event_model}: the contract routes no handler to it`);
  const handler = handlers[route.handler];
  if (handler === undefined) return ignore(`${message.event_model}: there is no handler ${route.handler}`);
  return handler(registration, message, contract);
}
