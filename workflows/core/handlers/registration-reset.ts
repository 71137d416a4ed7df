import type { CompiledContract } from '../../../src/contracts/compiled.js';
import { matchRow } from '../matrix.js';
import type { Registration } from '../registration.js';
import { refusalOf } from '../admission.js';
import { answer, ignore, type HandlerOutput } from './output.js';

/** HandlerRegistrationReset: an operator replays the node's last introspection as a new attempt. */
export function handleRegistrationReset(
  registration: Registration,
  message_id: string,
  contract: CompiledContract,
): HandlerOutput {
  const { introspection } = registration;
  if (introspection === null) return ignore('a retry: this node has never introduced itself');
  const action = matchRow(contract, 'ModelRegistrationReset', registration, {});
  if (action !== 'emit_registration_initiated')
    return ignore(`a retry in state ${registration.state ?? 'none'}: there is nothing to retry`);
  const again = Object.freeze({ ...introspection, message_id });
  return answer(action, {
    event: 'attempt_requested',
    introspection: again,
    refusal: refusalOf(registration, again, contract),
  });
}
