import type { CompiledContract } from '../../../src/contracts/compiled.js';
import { matchRow } from '../matrix.js';
import type { Message } from '../message.js';
import type { Registration } from '../registration.js';
import { ignore, output, type HandlerOutput } from './output.js';

/**
 * HandlerRepairRequested: what a backend shows of this node differs from the registry, or from what this run is. The
 * run knows how it is, and writes it again. While the node is still being registered the run does that anyway.
 */
export function handleRepairRequested(
  registration: Registration,
  message: Message,
  contract: CompiledContract,
): HandlerOutput {
  const action = matchRow(contract, message.event_model, registration, {});
  if (action === 'refresh') return output(action, { event: 'refresh_requested' });
  return ignore(`a repair in state ${registration.state ?? 'none'}: there is nothing to write again`);
}
