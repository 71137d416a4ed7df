/**
 * The words that contracts may use because code stands behind them. Everything
 * else in a contract (states, triggers of timers, topics, events) is free.
 * No imports: workflows use this file too.
 */

/** What the orchestrator hears, the handler that judges it, and the actions which that handler understands. */
export const HANDLERS = {
  ModelNodeIntrospectionEvent: {
    handler: 'HandlerNodeIntrospected',
    actions: ['emit_registration_initiated', 'refresh', 'deregister', 'no_op'],
  },
  ModelNodeRegistrationAcked: { handler: 'HandlerNodeRegistrationAcked', actions: ['accept_ack', 'no_op'] },
  ModelRegistrationReset: { handler: 'HandlerRegistrationReset', actions: ['emit_registration_initiated', 'no_op'] },
} as const;

/** Handlers of the effect layer and the activity that each is. */
export const EFFECT_HANDLERS = {
  HandlerConsulRegister: { backend: 'consul', activity: 'consul.register' },
  HandlerConsulPass: { backend: 'consul', activity: 'consul.pass' },
  HandlerConsulDeregister: { backend: 'consul', activity: 'consul.deregister' },
  HandlerPostgresUpsert: { backend: 'postgres', activity: 'postgres.upsert_registration' },
  HandlerPostgresUpdate: { backend: 'postgres', activity: 'postgres.update_registration' },
} as const;

/** What the bridge can read; each must be consumed from some topic. */
export const CONSUMED_EVENTS = ['NodeIntrospectionEvent', 'NodeRegistrationAcked', 'NodeHeartbeat'] as const;

/** Published by the bridge itself, never by a state's entry. */
export const BRIDGE_ACTIONS = ['request_introspection', 'dead_letter'] as const;

/** Triggers that code raises; timers and confirmations add theirs. */
export const ORCHESTRATOR_TRIGGERS = ['entry_done', 'ack_received', 'shutdown_received'] as const;
export const REDUCER_TRIGGERS = ['introspection_received', 'validation_failed', 'error_received', 'reset'] as const;

/** What "{…}" in a template and the field of a condition may name. */
export const VARIABLES = [
  'node_id',
  'node_type',
  'node_version',
  'endpoints',
  'capabilities',
  'correlation_id',
  'epoch',
  'introspected_at',
  'registration_attempt_id',
  'attempt',
  'state',
  'entering',
  'previous_state',
  'reducer_status',
  'reason',
  'round',
  'rounds',
  'rounds_left',
  'ack_deadline',
  'liveness_deadline',
  'last_heartbeat_at',
  'window_seconds',
  'heartbeat_interval_seconds',
  'contract_version',
] as const;
export type Variable = (typeof VARIABLES)[number];
