import type { CompiledContract } from '../../../src/contracts/compiled.js';
import type { Introspection } from '../../../src/protocol/introspection.js';
import { isAnother } from '../../../src/protocol/instance.js';
import { refusalOf } from '../admission.js';
import { compareIncarnation } from '../incarnation.js';
import { matchRow } from '../matrix.js';
import type { Message } from '../message.js';
import { isOver, type Registration } from '../registration.js';
import { ignore, output, type HandlerOutput } from './output.js';

/** HandlerNodeIntrospected (specification, Phase 1): what an introspection means in this state. */
export function handleNodeIntrospected(
  registration: Registration,
  message: Message,
  contract: CompiledContract,
): HandlerOutput {
  const introspection = message.payload as Introspection;
  const incarnation = compareIncarnation(registration.incarnation, introspection, isOver(registration));
  const action = matchRow(contract, message.event_model, registration, { reason: introspection.reason, incarnation });
  switch (action) {
    case 'emit_registration_initiated': {
      const refusal = refusalOf(registration, introspection, contract);
      return output(action, { event: 'attempt_requested', introspection, refusal });
    }
    case 'refresh': {
      const changed = differs(registration.introspection, introspection);
      return output(action, { event: 'introspected_again', introspection, changed });
    }
    case 'deregister': {
      const { message_id } = introspection;
      return output(action, { event: 'triggered', trigger: 'shutdown_received', causation_id: message_id });
    }
    default: {
      const state = registration.state ?? 'none';
      const known = registration.incarnation?.instance_id;
      const { reason, instance_id } = introspection;
      const whose = isAnother(known, instance_id)
        ? ` of process ${instance_id}, while process ${known} holds the id,`
        : '';
      return ignore(`a ${incarnation} introspection (reason ${reason})${whose} in state ${state}`);
    }
  }
}

function differs(known: Introspection | null, introspection: Introspection): boolean {
  const data = (of: Introspection): string =>
    JSON.stringify([of.node_version, Object.entries(of.endpoints).sort(), of.capabilities]);
  return known === null || data(known) !== data(introspection);
}
