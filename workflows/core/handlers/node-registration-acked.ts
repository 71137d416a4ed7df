import type { CompiledContract } from '../../../src/contracts/compiled.js';
import type { Ack } from '../../../src/protocol/ack.js';
import { isAnother } from '../../../src/protocol/instance.js';
import { matchRow } from '../matrix.js';
import type { Message } from '../message.js';
import type { Registration } from '../registration.js';
import { plusSeconds } from '../time.js';
import { ignore, output, type HandlerOutput } from './output.js';

/**
 * HandlerNodeRegistrationAcked (specification, Phase 4). An ack counts only in
 * the states that the matrix names, only with this attempt's correlation_id,
 * and only in time. Times decide, not the order of delivery.
 */
export function handleNodeRegistrationAcked(
  registration: Registration,
  message: Message,
  contract: CompiledContract,
): HandlerOutput {
  const ack = message.payload as Ack;
  const { ack_deadline, incarnation } = registration;
  const action = matchRow(contract, message.event_model, registration, {});
  if (action !== 'accept_ack') return ignore(`an ack in state ${registration.state ?? 'none'}`);
  if (incarnation === null || ack.correlation_id !== incarnation.correlation_id) {
    const expected = incarnation?.correlation_id ?? 'none';
    return ignore(`an ack with correlation_id ${ack.correlation_id}; the one of this attempt is ${expected}`);
  }
  if (isAnother(incarnation.instance_id, ack.instance_id))
    return ignore(`an ack of process ${ack.instance_id}, while process ${incarnation.instance_id} holds the id`);
  if (ack_deadline !== null && ack.at > ack_deadline) {
    return ignore(`an ack of ${ack.at}, after its deadline ${ack_deadline}`);
  }
  return output(action, {
    event: 'triggered',
    trigger: 'ack_received',
    causation_id: ack.message_id,
    learnt: { liveness_deadline: plusSeconds(ack.at, contract.liveness.first_deadline_seconds) },
  });
}
