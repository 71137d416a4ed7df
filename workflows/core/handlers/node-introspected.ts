import type { CompiledContract } from '../../../src/contracts/compiled.js';
import type { Introspection } from '../../../src/protocol/introspection.js';
import { refusalOf } from '../admission.js';
import { compareIncarnation } from '../incarnation.js';
import { matchRow } from '../matrix.js';
import { isOver, type Registration } from '../registration.js';
import { answer, ignore, type HandlerOutput } from './output.js';

/** HandlerNodeIntrospected (specification, Phase 1): what an introspection means in this state. */
export function handleNodeIntrospected(
  registration: Registration,
  heard: Introspection,
  contract: CompiledContract,
): HandlerOutput {
  const incarnation = compareIncarnation(registration.incarnation, heard, isOver(registration));
  const action = matchRow(contract, 'ModelNodeIntrospectionEvent', registration, { reason: heard.reason, incarnation });
  switch (action) {
    case 'emit_registration_initiated':
      return answer(action, {
        event: 'attempt_requested',
        introspection: heard,
        refusal: refusalOf(registration, heard, contract),
      });
    case 'refresh':
      return answer(action, {
        event: 'introspected_again',
        introspection: heard,
        changed: differs(registration.introspection, heard),
      });
    case 'deregister':
      return answer(action, { event: 'triggered', trigger: 'shutdown_received', causation_id: heard.message_id });
    default:
      return ignore(`a ${incarnation} introspection (reason ${heard.reason}) in state ${registration.state ?? 'none'}`);
  }
}

function differs(known: Introspection | null, heard: Introspection): boolean {
  const data = (of: Introspection): string =>
    JSON.stringify([of.node_version, Object.entries(of.endpoints).sort(), of.capabilities]);
  return known === null || data(known) !== data(heard);
}
