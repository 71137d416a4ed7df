/**
 * The pure core, import it as "node-registrar/core": what decides, without
 * Temporal and without I/O. Plain data in, frozen plain data out; nothing that
 * is given is changed.
 *
 * ```ts
 * import { compileContracts } from 'node-registrar/contracts';
 * import { initialState, reduce } from 'node-registrar/core';
 *
 * const contract = compileContracts();
 * const event = { id: 'event-1', trigger: 'introspection_received', node_id: 'abc-123' };
 * const { state, intents } = reduce(initialState(contract), event, contract);
 * // state.status is "pending", intents are ["emit_consul_intent", "emit_postgres_intent"]
 * ```
 */
export type { ConfirmationEvent, Intent, LastingAttempt, NodeRow, RefusedEvent } from '../../activities/api.js';
export type { AskedBy } from '../../src/protocol/asked-by.js';
export type { Ack } from '../../src/protocol/ack.js';
export type { Endpoints } from '../../src/protocol/endpoints.js';
export type { DrainRequest } from '../../src/protocol/drain-request.js';
export type { Introspection } from '../../src/protocol/introspection.js';
export type { JsonObject } from '../../src/protocol/json.js';
export type { OutgoingEvent } from '../../src/protocol/published.js';
export { applyAnswer, type Answer, type Purpose } from './answer.js';
export { beginAgain, beginAttempt, type Beginning } from './attempt.js';
export { decide } from './decide.js';
export { applyOutput } from './handle.js';
export type { Handler, Handlers } from './handlers/index.js';
export type { DomainEvent, HandlerOutput } from './handlers/output.js';
export { fire, stepDone } from './machine.js';
export type { Command, Eviction, Message, Payloads, Request } from './message.js';
export { next, type Flight, type Surroundings, type Task } from './next.js';
export { eventsOf, intentsOf } from './outgoing.js';
export {
  initialState,
  reduce,
  withConfirmed,
  withStatus,
  type Flags,
  type ReducerRules,
  type ReducerEvent,
  type ReducerOutput,
  type ReducerState,
} from './reducer.js';
export {
  isOver,
  livesByLease,
  unknownNode,
  type Entering,
  type Incarnation,
  type Registration,
  type Step,
} from './registration.js';
export { timerChecked, type Finding } from './timer.js';
export type { Turn } from './turn.js';
