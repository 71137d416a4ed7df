import type { CompiledContract } from '../../../src/contracts/compiled.js';
import { refusalOf } from '../admission.js';
import { matchRow } from '../matrix.js';
import type { Command, Message } from '../message.js';
import { canReset } from '../reducer.js';
import type { Registration } from '../registration.js';
import { ignore, output, type HandlerOutput } from './output.js';

/**
 * HandlerRegistrationReset: an operator's retry. The node's last introspection
 * begins a new attempt, if the reducer's machine can be reset from where it is.
 * A node that is well is repaired: what the backends hold of it is written again.
 */
export function handleRegistrationReset(
  registration: Registration,
  message: Message,
  contract: CompiledContract,
): HandlerOutput {
  const { introspection, reducer, state } = registration;
  const { message_id } = message.payload as Command;
  if (introspection === null) return ignore('a retry: this node has never introduced itself');
  const action = matchRow(contract, message.event_model, registration, {});
  if (action === 'refresh') return output(action, { event: 'refresh_requested' });
  if (action !== 'emit_registration_initiated') {
    return ignore(`a retry in state ${state ?? 'none'}: there is nothing to retry`);
  }
  if (!canReset(reducer, { id: message_id, trigger: 'reset', node_id: registration.node_id }, contract)) {
    return ignore(`a retry: the reducer's contract has no transition on reset from "${reducer.status}"`);
  }
  const again = Object.freeze({ ...introspection, message_id });
  const refusal = refusalOf(registration, again, contract);
  return output(action, { event: 'attempt_requested', introspection: again, refusal });
}
