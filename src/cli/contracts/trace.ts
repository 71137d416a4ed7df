import { z } from 'zod';
import type { CompiledContract } from '../../contracts/compiled.js';
import { derivedId } from '../../protocol/ids.js';
import { NODE_TYPES } from '../../protocol/fields.js';
import { REASONS, type Introspection } from '../../protocol/introspection.js';
import { decide, type Message } from '../../../workflows/core/decide.js';
import {
  apply,
  beginAttempt,
  confirm,
  fire,
  refreshed,
  stepDone,
  type Turn,
} from '../../../workflows/core/orchestrator.js';
import { eventsOf, intentsOf } from '../../../workflows/core/outgoing.js';
import {
  isOver,
  unknownNode,
  withLease,
  withTimerDue,
  type Registration,
} from '../../../workflows/core/registration.js';
import { plusSeconds } from '../../../workflows/core/time.js';

const at = z.iso.datetime({ offset: true }).transform((time) => new Date(time).toISOString());
const introspection = z.strictObject({
  at,
  message: z.literal('introspection'),
  node_id: z.string().optional(),
  node_type: z.enum(NODE_TYPES).optional(),
  node_version: z.string().optional(),
  correlation_id: z.string().optional(),
  epoch: z.number().int().optional(),
  reason: z.enum(REASONS).optional(),
  endpoints: z.record(z.string(), z.string()).optional(),
  capabilities: z.array(z.string()).optional(),
});

/** One line of a trace's input. What is left out gets a plausible default. */
export const traceLine = z.discriminatedUnion('message', [
  introspection,
  z.strictObject({
    at,
    message: z.literal('ack'),
    node_id: z.string().optional(),
    correlation_id: z.string().optional(),
  }),
  z.strictObject({ at, message: z.literal('heartbeat'), node_id: z.string().optional() }),
  z.strictObject({ at, message: z.literal('backend_ok'), backend: z.string() }),
  z.strictObject({
    at,
    message: z.literal('backend_failed'),
    backend: z.string(),
    error: z.string().optional(),
    permanent: z.boolean().optional(),
  }),
  z.strictObject({ at, message: z.literal('deadline') }),
  z.strictObject({ at, message: z.literal('reset') }),
]);
export type TraceLine = z.infer<typeof traceLine>;

/** What a line led to: the states after it, and what would have been published and asked for. */
export interface TraceResult {
  readonly reducer: string;
  readonly orchestrator: string | null;
  readonly attempt: number;
  readonly events: readonly string[];
  readonly intents: readonly string[];
}

/**
 * The life of one node without any server: the very functions that the workflow
 * runs, with a world in which publishing succeeds at once, and so does every
 * intent but the reducer's; those wait for a `backend_ok` line.
 */
export class Trace {
  #node: Registration;
  #lines = 0;
  #outstanding: string[] = [];
  #events: string[] = [];
  #intents: string[] = [];

  constructor(private readonly contract: CompiledContract) {
    this.#node = unknownNode('node-1', null, contract);
  }

  /** Applies one line. */
  step(line: TraceLine): TraceResult {
    this.#lines += 1;
    this.#events = [];
    this.#intents = [];
    this.#apply(line);
    this.#settle(line.at);
    return {
      reducer: this.#node.reducer.status,
      orchestrator: this.#node.state,
      attempt: this.#node.attempt,
      events: this.#events,
      intents: this.#intents,
    };
  }

  #apply(line: TraceLine): void {
    const message_id = derivedId('trace', this.#lines);
    switch (line.message) {
      case 'introspection':
        return this.#judge(
          { event_model: 'ModelNodeIntrospectionEvent', payload: this.#introspectionOf(line, message_id) },
          line.at,
        );
      case 'ack':
        return this.#judge(
          {
            event_model: 'ModelNodeRegistrationAcked',
            payload: {
              message_id,
              node_id: this.#node.node_id,
              correlation_id: line.correlation_id ?? this.#node.incarnation?.correlation_id ?? '',
              at: line.at,
            },
          },
          line.at,
        );
      case 'reset':
        return this.#judge({ event_model: 'ModelRegistrationReset', payload: { message_id } }, line.at);
      case 'heartbeat':
        return this.#beat(line.at);
      case 'backend_ok':
        return this.#answer(line.backend, null, line.at);
      case 'backend_failed':
        // A transient failure is only tried again; the machine does not hear of it.
        return line.permanent === true ? this.#answer(line.backend, line.error ?? 'refused', line.at) : undefined;
      case 'deadline':
        return this.#deadline(line.at);
    }
  }

  #introspectionOf(line: z.infer<typeof introspection>, message_id: string): Introspection {
    const known = this.#node.introspection;
    return {
      message_id,
      correlation_id: line.correlation_id ?? derivedId('trace', 'correlation', this.#lines),
      node_id: this.#node.node_id,
      node_type: line.node_type ?? known?.node_type ?? 'effect',
      node_version: line.node_version ?? known?.node_version ?? '1.0.0',
      endpoints: line.endpoints ?? known?.endpoints ?? { health: 'http://127.0.0.1:8080/health' },
      capabilities: line.capabilities ?? known?.capabilities ?? [],
      reason: line.reason ?? 'startup',
      epoch: line.epoch ?? null,
      at: line.at,
    };
  }

  #judge(message: Message, now: string): void {
    for (const event of decide(this.#node, message, this.contract).events) {
      if (event.event === 'attempt_requested') {
        this.#outstanding = [];
        this.#node = beginAttempt(
          this.#node,
          event.introspection,
          this.#node.attempt + 1,
          event.refusal,
          this.contract,
        );
      } else this.#take(apply(this.#node, event, now, this.contract));
    }
  }

  #beat(now: string): void {
    const { liveness_deadline } = this.#node;
    if (liveness_deadline === null || isOver(this.#node)) return;
    const moved = plusSeconds(now, this.contract.liveness.window_seconds);
    this.#node = withLease(
      withLease(this.#node, { liveness_deadline: moved > liveness_deadline ? moved : liveness_deadline }),
      { last_heartbeat_at: now },
    );
  }

  #answer(backend: string, refusal: string | null, now: string): void {
    const intent_type = this.#outstanding.find((type) => this.contract.effects[type]?.backend === backend);
    const route = this.contract.effects[intent_type ?? ''];
    if (route === undefined) return;
    this.#outstanding = this.#outstanding.filter((type) => type !== intent_type);
    const trigger = refusal === null ? this.contract.confirmations[route.confirmation]?.trigger : 'error_received';
    if (trigger === undefined) return;
    const id = derivedId(this.#node.incarnation?.correlation_id ?? '', trigger, route.confirmation);
    this.#take(
      confirm(
        this.#node,
        { id, trigger, ...(refusal === null ? {} : { reason: `${backend}: ${refusal}` }) },
        now,
        this.contract,
      ),
    );
  }

  #deadline(now: string): void {
    const timer = this.contract.timers[this.contract.orchestrator.states[this.#node.state ?? '']?.timer ?? ''];
    if (timer === undefined || isOver(this.#node)) return;
    const due =
      timer.verify === 'lease'
        ? plusSeconds(this.#node.liveness_deadline ?? now, this.contract.liveness.grace_seconds)
        : this.#node.timer_due;
    if (due === null || now < due) return;
    this.#node = withTimerDue(this.#node, now);
    this.#take(fire(this.#node, timer.trigger, now, this.contract));
  }

  #take(turn: Turn): void {
    this.#node = turn.registration;
    if (turn.intents.length === 0) return;
    const types = this.#ask(turn.intents);
    this.#outstanding = types;
  }

  #ask(actions: readonly string[]): string[] {
    const types = intentsOf(this.#node, actions, this.contract).map((intent) => intent.payload.intent_type);
    this.#intents.push(...types);
    return types;
  }

  /** Does what is to be done on the way into a state, until the machine waits. */
  #settle(now: string): void {
    for (let step = this.#node.entering?.steps[0]; step !== undefined; step = this.#node.entering?.steps[0]) {
      if (step.kind === 'effects') {
        this.#ask(step.actions);
        this.#take(stepDone(this.#node, now, this.contract));
      } else {
        const events = eventsOf(this.#node, step.actions, this.contract);
        this.#events.push(...events.map(({ topic }) => shortName(topic)));
        this.#take(stepDone(this.#node, now, this.contract, { sent_at: now, last_id: events.at(-1)?.id ?? '' }));
      }
    }
    if (this.#node.refresh_due && !isOver(this.#node) && this.#outstanding.length === 0) {
      this.#ask(this.contract.refresh_actions);
      this.#node = refreshed(this.#node);
    }
  }
}

/** "{env}.{namespace}.onex.evt.node-became-active.v1" is "node-became-active". */
function shortName(topic: string): string {
  return topic.split('.').at(-2) ?? topic;
}
