import type { CompiledContract } from '../../../src/contracts/compiled.js';
import { matchRow } from '../matrix.js';
import type { Registration } from '../registration.js';
import { refusalOf } from '../admission.js';
import { ignore, type HandlerOutput } from './output.js';

/** HandlerRegistrationReset: an operator replays the node's last introspection as a new attempt. */
export function handleRegistrationReset(registration: Registration, message_id: string, contract: CompiledContract): HandlerOutput {
  const { introspection } = registration;
  if (introspection === null) return ignore('a retry: this node has never introduced itself');
  const action = matchRow(contract, 'ModelRegistrationReset', registration, {});
  if (action !== 'emit_registration_initiated') return ignore(`a retry in state ${registration.state ?? 'none'}: there is nothing to retry`);
  const again = { ...introspection, message_id };
  return { action, events: [{ event: 'attempt_requested', introspection: again, refusal: refusalOf(registration, again, contract) }], ignored: null };
}
