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
 * const heard = { id: 'event-1', trigger: 'introspection_received', node_id: 'abc-123' };
 * const { state, intents } = reduce(initialState(contract), heard, contract);
 * // state.status is "pending", intents are ["emit_consul_intent", "emit_postgres_intent"]
 * ```
 */
export { decide, type Message } from './decide.js';
export type { DomainEvent, HandlerOutput } from './handlers/output.js';
export { apply, beginAttempt, confirm, fire, refreshed, stepDone, type Turn } from './orchestrator.js';
export { eventsOf, intentsOf } from './outgoing.js';
export {
  initialState,
  reduce,
  withConfirmed,
  withStatus,
  type ReducerEvent,
  type ReducerOutput,
  type ReducerState,
} from './reducer.js';
export { isOver, unknownNode, type Registration } from './registration.js';
