import type { CompiledContract } from '../../../src/contracts/compiled.js';
import type { Ack } from '../../../src/protocol/ack.js';
import type { Introspection } from '../../../src/protocol/introspection.js';
import type { Message } from '../../../workflows/core/message.js';
import type { HandlerOutput } from '../../../workflows/core/handlers/output.js';
import type { ReducerEvent, ReducerOutput, ReducerState } from '../../../workflows/core/reducer.js';
import type { Registration } from '../../../workflows/core/registration.js';

/**
 * The shipped contract as a person would have written it in code, for the
 * messages of a registration: what an interpreter of contracts is held against.
 */

const NOTHING: readonly string[] = Object.freeze([]);

/** The shipped reducer, without a contract. */
export function reduceByHand(state: ReducerState, event: ReducerEvent): ReducerOutput {
  if (state.seen_event_ids.includes(event.id)) return { state, intents: NOTHING };
  switch (event.trigger) {
    case 'introspection_received':
      if (state.status !== 'idle') return { state, intents: NOTHING };
      return { state: step(state, event, 'pending'), intents: ['emit_consul_intent', 'emit_postgres_intent'] };
    case 'consul_confirmed':
      if (state.status !== 'pending' && !(state.status === 'partial' && state.postgres_confirmed))
        return { state, intents: NOTHING };
      return {
        state: step({ ...state, consul_confirmed: true }, event, state.status === 'pending' ? 'partial' : 'complete'),
        intents: NOTHING,
      };
    case 'postgres_confirmed':
      if (state.status !== 'pending' && !(state.status === 'partial' && state.consul_confirmed))
        return { state, intents: NOTHING };
      return {
        state: step({ ...state, postgres_confirmed: true }, event, state.status === 'pending' ? 'partial' : 'complete'),
        intents: NOTHING,
      };
    default:
      return { state, intents: NOTHING };
  }
}

function step(state: ReducerState, event: ReducerEvent, status: string): ReducerState {
  return Object.freeze({
    ...state,
    status,
    node_id: event.node_id,
    last_processed_event_id: event.id,
    seen_event_ids: Object.freeze([...state.seen_event_ids, event.id]),
  });
}

const ignore = (why: string): HandlerOutput => ({ action: 'no_op', events: [], ignored: why });

/** The shipped decisions on startups and acks, without a contract. */
export function decideByHand(node: Registration, message: Message, { liveness }: CompiledContract): HandlerOutput {
  if (message.event_model === 'ModelNodeIntrospectionEvent') {
    const payload = message.payload as Introspection;
    const known = node.incarnation;
    const incarnation =
      known === null
        ? 'newer'
        : payload.reason === 'startup' && known.seen.includes(payload.correlation_id)
          ? 'duplicate'
          : payload.at >= known.at
            ? 'newer'
            : 'stale';
    if (incarnation === 'newer')
      return {
        action: 'emit_registration_initiated',
        events: [{ event: 'attempt_requested', introspection: payload, refusal: null }],
        ignored: null,
      };
    return ignore(`a ${incarnation} introspection (reason ${payload.reason}) in state ${node.state ?? 'none'}`);
  }
  if (message.event_model !== 'ModelNodeRegistrationAcked') return ignore('not handled');
  const ack = message.payload as Ack;
  const state = node.state ?? 'none';
  if (state !== 'ACCEPTED' && state !== 'AWAITING_ACK') return ignore(`an ack in state ${state}`);
  const expected = node.incarnation?.correlation_id;
  if (ack.correlation_id !== expected)
    return ignore(`an ack with correlation_id ${ack.correlation_id}; the one of this attempt is ${expected ?? 'none'}`);
  if (node.ack_deadline !== null && ack.at > node.ack_deadline)
    return ignore(`an ack of ${ack.at}, after its deadline ${node.ack_deadline}`);
  const liveness_deadline = new Date(Date.parse(ack.at) + liveness.first_deadline_seconds * 1000).toISOString();
  return {
    action: 'accept_ack',
    events: [
      { event: 'triggered', trigger: 'ack_received', causation_id: ack.message_id, learnt: { liveness_deadline } },
    ],
    ignored: null,
  };
}
