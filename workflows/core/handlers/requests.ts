import type { CompiledContract } from '../../../src/contracts/compiled.js';
import { ORCHESTRATOR_HANDLERS, type Action, type HandlerName } from '../../../src/contracts/vocabulary.js';
import { askedByText } from '../../../src/protocol/asked-by.js';
import { isAnother } from '../../../src/protocol/instance.js';
import { askedBy } from '../asked.js';
import { matchRow } from '../matrix.js';
import type { Eviction, Message, Request } from '../message.js';
import type { Registration } from '../registration.js';
import { ignore, output, type HandlerOutput } from './output.js';

/**
 * The handler of messages by which somebody asks for a state: an operator, the node itself, or whoever cancels the run.
 * What a row's action raises stands in the vocabulary. A node's own request counts only for the attempt that it names,
 * once, and not after a newer one.
 *
 * @param what the message, as it reads in "ignored a drain in state …"
 */
export function handlerOfRequests(
  name: HandlerName,
  what: string,
): (registration: Registration, message: Message, contract: CompiledContract) => HandlerOutput {
  const actions: Readonly<Record<string, Action>> = ORCHESTRATOR_HANDLERS[name].actions;
  return (registration, message, contract) => {
    const request = (message.payload ?? {}) as Request & Eviction;
    const old = whyOld(registration, request);
    if (old !== null) return ignore(`${what} ${old}`);
    const action = matchRow(contract, message.event_model, registration, {});
    const trigger = actions[action]?.raises;
    if (trigger === undefined) return ignore(`${what} in state ${registration.state ?? 'none'}`);
    const { message_id, at, ban } = request;
    const reason = reasonOf(request);
    return output(action, {
      event: 'triggered',
      trigger,
      causation_id: message_id,
      ...(reason === null ? {} : { reason }),
      learnt: {
        ...(at === undefined ? {} : { last_request: Object.freeze({ message_id, at }) }),
        ...(typeof ban === 'string' ? { ban } : {}),
      },
    });
  };
}

/** Why a node's own request does not count; null where it does, and for everybody else's. */
function whyOld({ incarnation, last_request }: Registration, request: Request): string | null {
  const { message_id, at, correlation_id, instance_id } = request;
  if (at === undefined) return null;
  if (incarnation === null || correlation_id !== incarnation.correlation_id)
    return `with correlation_id ${correlation_id}; the one of this attempt is ${incarnation?.correlation_id ?? 'none'}`;
  if (isAnother(incarnation.instance_id, instance_id))
    return `of process ${instance_id}, while process ${incarnation.instance_id} holds the id`;
  if (last_request === undefined || last_request === null) return null;
  if (last_request.message_id === message_id) return 'that was handled before';
  return at < last_request.at ? `of ${at}, after a newer one of ${last_request.at}` : null;
}

function reasonOf(request: Request): string | null {
  const asked = askedBy(request);
  if (asked !== null) return askedByText(asked);
  const { at, reason } = request;
  if (at === undefined) return null;
  return reason === null || reason === undefined ? 'the node asked for it' : `the node asked for it: ${reason}`;
}
