/**
 * The words that contracts may use because code stands behind them. Everything
 * else in a contract (states, triggers of timers, topics, events) is free.
 * No imports: workflows use this file too.
 */

/** How a message finds its handler. */
export const ROUTING_STRATEGIES = ['payload_type_match'] as const;

/** What an action of a decision matrix leads to: it raises a trigger, or begins an attempt; else neither. */
export interface Action {
  readonly raises?: string;
  readonly begins_attempt?: true;
}

interface Handler {
  /** The model of the messages that it was written for. */
  readonly event_model: string;
  /** What a row of its decision matrix may name besides the state. */
  readonly distinguishes: readonly ('reason' | 'incarnation')[];
  /** By the action of a row. */
  readonly actions: Readonly<Record<string, Action>>;
}

/**
 * Handlers of the orchestrator by name. Each has one pure function in
 * workflows/core/handlers; a new one is a row here and that function.
 */
export const ORCHESTRATOR_HANDLERS = {
  HandlerNodeIntrospected: {
    event_model: 'ModelNodeIntrospectionEvent',
    distinguishes: ['reason', 'incarnation'],
    actions: {
      emit_registration_initiated: { begins_attempt: true },
      refresh: {},
      deregister: { raises: 'shutdown_received' },
      no_op: {},
    },
  },
  HandlerNodeRegistrationAcked: {
    event_model: 'ModelNodeRegistrationAcked',
    distinguishes: [],
    actions: { accept_ack: { raises: 'ack_received' }, no_op: {} },
  },
  HandlerRegistrationReset: {
    event_model: 'ModelRegistrationReset',
    distinguishes: [],
    actions: { emit_registration_initiated: { begins_attempt: true }, refresh: {}, no_op: {} },
  },
  HandlerRepairRequested: {
    event_model: 'ModelRepairRequested',
    distinguishes: [],
    actions: { refresh: {}, no_op: {} },
  },
  HandlerRunCancelled: {
    event_model: 'ModelRunCancelled',
    distinguishes: [],
    actions: { deregister: { raises: 'run_cancelled' }, no_op: {} },
  },
  HandlerDrainRequested: {
    event_model: 'ModelNodeDrainRequested',
    distinguishes: [],
    actions: { drain: { raises: 'drain_requested' }, no_op: {} },
  },
  HandlerUndrainRequested: {
    event_model: 'ModelNodeUndrainRequested',
    distinguishes: [],
    actions: { undrain: { raises: 'undrain_requested' }, no_op: {} },
  },
  HandlerEvictionRequested: {
    event_model: 'ModelNodeEvictionRequested',
    distinguishes: [],
    actions: { evict: { raises: 'eviction_requested' }, no_op: {} },
  },
} as const satisfies Readonly<Record<string, Handler>>;
export type HandlerName = keyof typeof ORCHESTRATOR_HANDLERS;

/** Handlers of the effect layer and the activity that each is. */
export const EFFECT_HANDLERS = {
  HandlerConsulRegister: { backend: 'consul', activity: 'consul.register' },
  HandlerConsulPass: { backend: 'consul', activity: 'consul.pass' },
  HandlerConsulDeregister: { backend: 'consul', activity: 'consul.deregister' },
  HandlerPostgresUpsert: { backend: 'postgres', activity: 'postgres.upsert_registration' },
  HandlerPostgresUpdate: { backend: 'postgres', activity: 'postgres.update_registration' },
} as const;

/** What a workflow asks for besides effects. */
export const CALLS = ['publish_events'] as const;

/** What a workflow asks before a timer fires. */
export const QUESTIONS = ['verify_lease', 'verify_acks_read'] as const;

/** What the bridge can read; each must be consumed from some topic. */
export const CONSUMED_EVENTS = [
  'NodeIntrospectionEvent',
  'NodeRegistrationAcked',
  'NodeHeartbeat',
  'NodeDrainRequested',
] as const;

/** Published by the bridge itself, never by a state's entry. */
export const BRIDGE_ACTIONS = ['request_introspection', 'dead_letter'] as const;

/** What "{…}" in the templates of these may name: the bridge knows no more of a node. */
export const BRIDGE_VARIABLES = {
  request_introspection: ['node_id', 'correlation_id'],
  dead_letter: [],
} as const satisfies Readonly<Record<(typeof BRIDGE_ACTIONS)[number], readonly string[]>>;

/** Triggers that code raises; timers and confirmations add theirs. */
export const ORCHESTRATOR_TRIGGERS = [
  'entry_done',
  'ack_received',
  'shutdown_received',
  'run_cancelled',
  'drain_requested',
  'undrain_requested',
  'eviction_requested',
] as const;
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
  'discoverable',
  'lease',
  'previous_state',
  'reducer_status',
  'reason',
  'check_output',
  'round',
  'rounds',
  'rounds_left',
  'ack_deadline',
  'liveness_deadline',
  'last_heartbeat_at',
  'first_deadline_seconds',
  'window_seconds',
  'heartbeat_interval_seconds',
  'contract_version',
] as const;
export type Variable = (typeof VARIABLES)[number];
