import type { CompiledContract } from '../../../src/contracts/compiled.js';
import type { Introspection } from '../../../src/protocol/messages.js';
import { holds } from '../conditions.js';
import { compareIncarnation } from '../incarnation.js';
import { matchRow } from '../matrix.js';
import { variables, withChanges, type Registration } from '../registration.js';
import { fill, text } from '../template.js';
import { ignore, type HandlerOutput } from './output.js';

/** HandlerNodeIntrospected (specification, Phase 1): what an introspection means in this state. */
export function handleNodeIntrospected(registration: Registration, heard: Introspection, contract: CompiledContract): HandlerOutput {
  const incarnation = compareIncarnation(registration.incarnation, heard);
  const action = matchRow(contract, 'ModelNodeIntrospectionEvent', registration, { reason: heard.reason, incarnation });
  switch (action) {
    case 'emit_registration_initiated':
      return {
        action,
        events: [{ event: 'attempt_requested', introspection: heard, refusal: refusalOf(registration, heard, contract) }],
        ignored: null,
      };
    case 'refresh':
      return { action, events: [{ event: 'introspected_again', introspection: heard, changed: differs(registration.introspection, heard) }], ignored: null };
    case 'deregister':
      return { action, events: [{ event: 'triggered', trigger: 'shutdown_received', causation_id: heard.message_id }], ignored: null };
    default:
      return ignore(`a ${incarnation} introspection (reason ${heard.reason}) in state ${registration.state ?? 'none'}`);
  }
}

/** The first admission rule that the node fails, in words. */
function refusalOf(registration: Registration, heard: Introspection, contract: CompiledContract): string | null {
  const values = variables(withChanges(registration, { introspection: heard }), contract);
  const broken = contract.admission.find((rule) => !holds(rule.require, values));
  return broken === undefined ? null : text(fill(broken.reason, values));
}

function differs(known: Introspection | null, heard: Introspection): boolean {
  const data = (of: Introspection): string => JSON.stringify([of.node_version, Object.entries(of.endpoints).sort(), of.capabilities]);
  return known === null || data(known) !== data(heard);
}
