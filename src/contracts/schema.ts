import { z } from 'zod';
import { REASONS } from '../protocol/introspection.js';
import { CALLS, QUESTIONS, ROUTING_STRATEGIES } from './vocabulary.js';

/**
 * What the three YAML files may hold, with the specification's keys. Unknown
 * keys are refused, so that a misspelt one is not silently without effect.
 */

const name = z.string().min(1);
/** What people read: why something happened. */
const words = z.string().min(1).max(1024);
const seconds = z.number().positive().describe('seconds');
const condition = z.strictObject({ expression: z.string().describe('for example "node_id is_present"') });

const state = {
  state_name: name,
  entry_actions: z.array(name).optional().describe('events and intents, in this order, on the way into the state'),
  terminal: z.boolean().optional().describe('a run may end here'),
};
const transition = {
  from_state: name.describe('a state, or "*" for every state that is not terminal'),
  to_state: name,
  trigger: name,
  conditions: z.array(condition).optional(),
};
const machineNames = { state_machine_name: name, initial_state: name };

const reducerMachine = z.strictObject({
  ...machineNames,
  states: z.array(z.strictObject(state)),
  transitions: z.array(z.strictObject(transition)),
});

const orchestratorMachine = z.strictObject({
  ...machineNames,
  states: z.array(
    z.strictObject({
      ...state,
      end_actions: z.array(name).optional().describe('done when the run ends in this state'),
      timer: name.optional().describe('the timer that runs in this state'),
      discoverable: z.boolean().optional().describe('Consul shows the node to others in this state'),
      check_output: words.optional().describe('what Consul\'s check says in this state; "{name}" is that value'),
    }),
  ),
  transitions: z.array(
    z.strictObject({
      ...transition,
      reason: words
        .optional()
        .describe('why, in words; "{name}" is that value, "{reason}" what the message that asks says'),
      entry_actions: z.array(name).optional().describe("done on this way into the state, instead of the state's own"),
    }),
  ),
});

const header = {
  contract_version: z.string().regex(/^\d+\.\d+\.\d+$/, 'a version such as "1.0.0"'),
  name,
  node_type: name,
};

const matrixRow = z.strictObject({
  current_state: z
    .union([name, z.null(), z.array(z.union([name, z.null()]))])
    .describe('a state, a list of states, null (no attempt, or an ended one) or "any"'),
  reason: z.enum(REASONS).optional().describe('without it: every reason'),
  incarnation: z.enum(['newer', 'duplicate', 'stale']).optional().describe('without it: newer'),
  action: name,
});

export const orchestratorSchema = z.strictObject({
  ...header,
  consumed_events: z.array(z.strictObject({ topic: name, event_type: name })),
  published_events: z.array(
    z.strictObject({
      action: name,
      event_type: name,
      topic: name,
      payload: z.record(z.string(), z.unknown()).optional(),
      stamps: z
        .record(z.string(), name)
        .optional()
        .describe('payload field: the timer whose length is added to the time of sending'),
      tags: z.record(z.string(), z.string()).optional(),
      ids_at_top: z
        .boolean()
        .optional()
        .describe('entity_id, node_id and correlation_id stand at the top of the envelope too'),
    }),
  ),
  handler_routing: z.strictObject({
    routing_strategy: z.enum(ROUTING_STRATEGIES),
    handlers: z.array(
      z.strictObject({
        event_model: z.strictObject({ name }),
        handler: z.strictObject({ name }),
        state_decision_matrix: z.array(matrixRow).optional(),
        output_events: z.array(name).optional(),
      }),
    ),
  }),
  admission: z.array(z.strictObject({ require: z.string(), reason: words })),
  state_machine: orchestratorMachine,
  refresh_actions: z.array(name),
  timers: z.array(
    z.strictObject({
      timer: name,
      seconds,
      trigger: name,
      rounds: z.number().int().positive().optional().describe('how often its state may be entered in one attempt'),
      verify: z.enum(['lease', 'acks_read']).optional().describe('asked before the timer fires'),
    }),
  ),
  liveness: z.strictObject({
    first_deadline_seconds: seconds,
    window_seconds: seconds,
    grace_seconds: seconds,
    heartbeat_interval_seconds: seconds,
    brake: z.strictObject({
      share: z
        .number()
        .gt(0)
        .lte(1)
        .describe('nobody expires while a larger share of the fleet is gone at once; 1 never holds'),
      max_hold_windows: z
        .number()
        .positive()
        .describe('the longest hold, in lease durations of a stream of heartbeats that is not stalled'),
      floor: z.number().int().min(1).describe('not applied in fleets of fewer nodes'),
    }),
  }),
  stream_markers: z
    .boolean()
    .describe('false: the topics of heartbeats and acks have readers that cannot bear a record without a value'),
  sweep: z
    .strictObject({ interval_seconds: seconds.describe('seconds between two looks for leases that have run out') })
    .nullable()
    .describe('null: none runs, and the timer that verifies leases finds the dead'),
  reconcile: z
    .strictObject({
      interval_seconds: seconds.describe('seconds between two comparisons of Consul with the registry'),
      again_after_seconds: seconds.describe('what differs is mended if it differs this many seconds later, too'),
      mends_per_second: z.number().min(1).describe('nodes mended in a second at most'),
    })
    .nullable()
    .describe('null: Consul and the registry are not compared'),
  signing: z.strictObject({
    mode: z
      .enum(['off', 'warn', 'enforce'])
      .describe(
        'off: nobody looks at signatures; warn: what is not signed counts, and is logged; enforce: it is refused',
      ),
    keys_directory: z
      .string()
      .regex(/^\//, 'an absolute path')
      .nullable()
      .describe('<node_id>.pem has the public keys that may speak for a node; null: the first key of a node does'),
  }),
  retention: z.strictObject({
    ended_seconds: seconds.describe(
      'how long a node that has ended is remembered; longer than Kafka keeps introspections',
    ),
  }),
});

export const reducerSchema = z.strictObject({
  ...header,
  state_machine: reducerMachine,
  confirmations: z.array(
    z.strictObject({
      event_type: name,
      trigger: name,
      sets: z
        .string()
        .regex(/_confirmed$/, 'a flag whose name ends in _confirmed')
        .optional(),
    }),
  ),
  intents: z.array(
    z.strictObject({
      action: name,
      intent_type: z.literal('extension'),
      target: name,
      payload: z.looseObject({ intent_type: name }),
    }),
  ),
});

const attempts = z.number().int().positive();
const placement = z
  .enum(['activity', 'local_first'])
  .describe('an ordinary activity, or a local one for a few short tries before it');
const retry = z.strictObject({
  initial_interval_seconds: seconds,
  backoff_coefficient: z.number().min(1),
  maximum_interval_seconds: seconds,
  maximum_attempts: attempts.optional().describe('without it: no limit'),
});

const execution_mode = z.enum(['parallel', 'sequential']);
const partial_failure_handling = z.boolean();

export const effectSchema = z.strictObject({
  ...header,
  // The specification writes these two at the top as well ("Parallel Execution"); there they win.
  execution_mode: execution_mode.optional(),
  partial_failure_handling: partial_failure_handling.optional(),
  handler_routing: z.strictObject({
    execution_mode,
    partial_failure_handling,
    handlers: z.array(
      z.strictObject({
        operation: name,
        handler: z.strictObject({ name }),
        backend: name,
        intent_type: name,
        confirmation: name,
        placement,
        start_to_close_seconds: seconds,
        retry,
      }),
    ),
  }),
  local_tries: z
    .strictObject({
      maximum_attempts: attempts,
      initial_interval_seconds: seconds,
      start_to_close_seconds: seconds,
      schedule_to_close_seconds: seconds,
    })
    .describe('the tries as a local activity of what has the placement local_first'),
  calls: z
    .array(z.strictObject({ call: z.enum(CALLS), placement, start_to_close_seconds: seconds, retry }))
    .describe('what a workflow asks for besides effects'),
  questions: z
    .array(z.strictObject({ question: z.enum(QUESTIONS), start_to_close_seconds: seconds, again_seconds: seconds }))
    .describe('one local try each; without an answer nothing changes and the question is asked again'),
});

export type OrchestratorContract = z.infer<typeof orchestratorSchema>;
/** Whether messages must be signed by their nodes, and where the keys are. */
export type SigningContract = OrchestratorContract['signing'];
export type ReducerContract = z.infer<typeof reducerSchema>;
export type EffectContract = z.infer<typeof effectSchema>;
export type EffectHandlerContract = EffectContract['handler_routing']['handlers'][number];
export type HandlerContract = OrchestratorContract['handler_routing']['handlers'][number];
export type MatrixRowContract = z.infer<typeof matrixRow>;
export type PublishedEventContract = OrchestratorContract['published_events'][number];
export type RetryContract = z.infer<typeof retry>;
/** Either machine; the reducer's has no timers, ends and reasons. */
export type StateMachineContract = z.infer<typeof orchestratorMachine>;
