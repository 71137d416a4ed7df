import type { CompiledContract } from '../../../src/contracts/compiled.js';
import { matchRow } from '../matrix.js';
import type { Command, Message } from '../message.js';
import type { Registration } from '../registration.js';
import { ignore, output, type HandlerOutput } from './output.js';

/** HandlerRunCancelled: somebody has cancelled the run in Temporal. The node leaves, as if it had said so itself. */
export function handleRunCancelled(
  registration: Registration,
  message: Message,
  contract: CompiledContract,
): HandlerOutput {
  const { message_id } = message.payload as Command;
  const action = matchRow(contract, message.event_model, registration, {});
  if (action === 'deregister')
    return output(action, { event: 'triggered', trigger: 'run_cancelled', causation_id: message_id });
  return ignore(`the cancellation of the run in state ${registration.state ?? 'none'}`);
}
