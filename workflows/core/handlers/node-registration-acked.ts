import type { CompiledContract } from '../../../src/contracts/compiled.js';
import type { Ack } from '../../../src/protocol/ack.js';
import { matchRow } from '../matrix.js';
import { plusSeconds } from '../time.js';
import type { Registration } from '../registration.js';
import { answer, ignore, type HandlerOutput } from './output.js';

/**
 * HandlerNodeRegistrationAcked (specification, Phase 4). An ack counts only in
 * the states that the matrix names, only with this attempt's correlation_id,
 * and only in time; times decide, not the order of delivery.
 */
export function handleNodeRegistrationAcked(
  registration: Registration,
  ack: Ack,
  contract: CompiledContract,
): HandlerOutput {
  const state = registration.state ?? 'none';
  const action = matchRow(contract, 'ModelNodeRegistrationAcked', registration, {});
  if (action !== 'accept_ack') return ignore(`an ack in state ${state}`);
  if (ack.correlation_id !== registration.incarnation?.correlation_id) {
    return ignore(
      `an ack with correlation_id ${ack.correlation_id}; this attempt's is ${registration.incarnation?.correlation_id ?? 'none'}`,
    );
  }
  if (registration.ack_deadline !== null && ack.at > registration.ack_deadline) {
    return ignore(`an ack of ${ack.at}, after its deadline ${registration.ack_deadline}`);
  }
  return answer(action, {
    event: 'triggered',
    trigger: 'ack_received',
    causation_id: ack.message_id,
    liveness_deadline: plusSeconds(ack.at, contract.liveness.first_deadline_seconds),
  });
}
