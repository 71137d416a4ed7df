import { z } from 'zod';
import type { CompiledContract } from '../../contracts/compiled.js';
import { derivedId } from '../../protocol/ids.js';
import { NODE_TYPES } from '../../protocol/fields.js';
import { REASONS, type Introspection } from '../../protocol/introspection.js';
import type { OutgoingEvent } from '../../protocol/published.js';
import { applyAnswer, type Answer } from '../../../workflows/core/answer.js';
import { beginAgain } from '../../../workflows/core/attempt.js';
import { decide } from '../../../workflows/core/decide.js';
import { applyOutput } from '../../../workflows/core/handle.js';
import type { Message } from '../../../workflows/core/message.js';
import { next, type Surroundings } from '../../../workflows/core/next.js';
import { eventsOf, intentsOf } from '../../../workflows/core/outgoing.js';
import {
  isOver,
  unknownNode,
  withChanges,
  withRefreshStarted,
  type Registration,
} from '../../../workflows/core/registration.js';
import { millisBetween, plusSeconds } from '../../../workflows/core/time.js';
import { currentTimer, timerChecked, type Finding } from '../../../workflows/core/timer.js';
import type { Turn } from '../../../workflows/core/turn.js';

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
  z.strictObject({
    at,
    message: z.enum(['drain', 'undrain', 'evict']),
    who: z.string().optional(),
    why: z.string().optional(),
  }),
]);
export type TraceLine = z.infer<typeof traceLine>;

/** The event models of what people ask for. */
const ASKED = {
  drain: 'ModelNodeDrainRequested',
  undrain: 'ModelNodeUndrainRequested',
  evict: 'ModelNodeEvictionRequested',
} as const;

/** What a line led to: the states after it, and what would have been published and asked for. */
export interface TraceResult {
  readonly reducer: string;
  readonly orchestrator: string | null;
  readonly attempt: number;
  readonly events: readonly string[];
  readonly intents: readonly string[];
}

/**
 * The life of one node without any server. What is next is decided by `next`,
 * as in the workflow; the world is one in which every publish succeeds at once,
 * and so does every intent but the reducer's, which wait for a `backend_ok` line.
 */
export class Trace {
  /** Every event so far, as the workflow would publish it. */
  readonly published: OutgoingEvent[] = [];
  #node: Registration;
  #now = '';
  #lines = 0;
  readonly #inbox: Message[] = [];
  readonly #answers: Answer[] = [];
  /** Intent types of the reducer that no backend has answered yet. */
  #outstanding: readonly string[] = [];
  /** Somebody has looked at the clock: a timer that is due is checked. */
  #suspected = false;
  #events: string[] = [];
  #intents: string[] = [];

  constructor(private readonly contract: CompiledContract) {
    this.#node = unknownNode('node-1', null, contract);
  }

  /** Applies one line, and does everything that is next until the node waits. */
  step(line: TraceLine): TraceResult {
    this.#lines += 1;
    this.#now = line.at;
    this.#events = [];
    this.#intents = [];
    this.#receive(line);
    while (this.#doNext());
    const { reducer, state, attempt } = this.#node;
    return {
      reducer: reducer.status,
      orchestrator: state,
      attempt,
      events: this.#events,
      intents: this.#intents,
    };
  }

  #receive(line: TraceLine): void {
    const message_id = derivedId('trace', this.#lines);
    switch (line.message) {
      case 'introspection':
        return this.#send('ModelNodeIntrospectionEvent', this.#introspectionOf(line, message_id));
      case 'ack': {
        const { node_id, incarnation } = this.#node;
        const correlation_id = line.correlation_id ?? incarnation?.correlation_id ?? '';
        return this.#send('ModelNodeRegistrationAcked', { message_id, node_id, correlation_id, at: line.at });
      }
      case 'reset':
        return this.#send('ModelRegistrationReset', { message_id });
      case 'drain':
      case 'undrain':
      case 'evict': {
        const asked_by = { who: line.who ?? 'somebody', why: line.why ?? null };
        return this.#send(ASKED[line.message], { message_id, asked_by });
      }
      case 'heartbeat':
        return this.#beat();
      case 'backend_ok':
        return this.#answer(line.backend, null);
      case 'backend_failed':
        // A transient failure is only tried again; the machine does not see it.
        return line.permanent === true ? this.#answer(line.backend, line.error ?? 'refused') : undefined;
      case 'deadline':
        this.#suspected = true;
    }
  }

  #send(event_model: string, payload: unknown): void {
    this.#inbox.push({ event_model, payload });
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

  /** A heartbeat renews the lease, as the bridge does it. */
  #beat(): void {
    const { liveness_deadline } = this.#node;
    if (liveness_deadline === null || isOver(this.#node)) return;
    const renewed = plusSeconds(this.#now, this.contract.liveness.window_seconds);
    this.#node = withChanges(this.#node, {
      liveness_deadline: renewed > liveness_deadline ? renewed : liveness_deadline,
      last_heartbeat_at: this.#now,
    });
  }

  /** A backend answers the oldest of the reducer's intents that it has not answered yet. */
  #answer(backend: string, refusal: string | null): void {
    const intent_type = this.#outstanding.find((type) => this.contract.effects[type]?.backend === backend);
    const route = this.contract.effects[intent_type ?? ''];
    if (route === undefined) return;
    this.#outstanding = this.#outstanding.filter((type) => type !== intent_type);
    const correlation_id = this.#node.incarnation?.correlation_id ?? '';
    const event = { event_type: route.confirmation, correlation_id };
    const purpose = 'registration';
    if (refusal === null) this.#answers.push({ kind: 'confirmed', purpose, event });
    else this.#answers.push({ kind: 'refused', purpose, route, reason: `${backend}: ${refusal}` });
    if (this.#outstanding.length === 0) this.#answers.push({ kind: 'settled', purpose });
  }

  /** @returns false when the node waits, or is over */
  #doNext(): boolean {
    const task = next(this.#node, this.#surroundings(), this.contract);
    switch (task.task) {
      case 'publish':
        this.#publish(task.actions);
        return true;
      case 'run effects':
        this.#request(task.actions);
        this.#answers.push({ kind: 'settled', purpose: 'step' });
        return true;
      case 'apply answer': {
        const answer = this.#answers.shift();
        if (answer !== undefined) this.#apply(applyAnswer(this.#node, answer, this.#now, this.contract));
        return true;
      }
      case 'handle':
        this.#inbox.splice(this.#inbox.indexOf(task.message), 1);
        this.#apply(applyOutput(this.#node, decide(this.#node, task.message, this.contract), this.#now, this.contract));
        return true;
      case 'begin again':
        this.#apply(beginAgain(this.#node, this.#now, this.contract));
        return true;
      case 'refresh':
        this.#node = withRefreshStarted(this.#node);
        this.#request(this.contract.refresh_actions);
        this.#answers.push({ kind: 'settled', purpose: 'refresh' });
        return true;
      case 'check timer':
        this.#suspected = false;
        this.#apply(timerChecked(this.#node, this.#finding(), this.#now, this.contract));
        return true;
      case 'continue as new':
      case 'finish':
      case 'wait':
        this.#suspected = false;
        return false;
    }
  }

  #surroundings(): Surroundings {
    return {
      now: this.#now,
      inbox: this.#inbox,
      answered: this.#answers.length > 0,
      effects: this.#outstanding.length > 0 ? 'in flight' : 'none',
      publish: 'none',
      suspected: this.#suspected,
      everybodyAnswered: true,
      continueAsNew: false,
    };
  }

  /** A lease is over after its deadline and grace; every other timer at its time. */
  #finding(): Finding {
    const { liveness_deadline, last_heartbeat_at } = this.#node;
    const timer = currentTimer(this.#node, this.contract);
    if (timer?.verify !== 'lease') return { fires: true };
    const over = plusSeconds(liveness_deadline ?? this.#now, this.contract.liveness.grace_seconds);
    if (this.#now >= over) return { fires: true, last_heartbeat_at };
    return { fires: false, why: null, again_in_seconds: millisBetween(this.#now, over) / 1000 };
  }

  #publish(actions: readonly string[]): void {
    const events = eventsOf(this.#node, actions, this.contract);
    this.published.push(...events);
    this.#events.push(...events.map(({ topic }) => shortName(topic)));
    const types = events.map(({ event_type }) => event_type);
    const last_id = events.at(-1)?.id ?? '';
    this.#answers.push({ kind: 'published', types, refused: [], sent_at: this.#now, last_id });
  }

  #apply({ registration, intents, cancels }: Turn): void {
    if (cancels) {
      this.#outstanding = [];
      this.#answers.length = 0;
    }
    this.#node = registration;
    if (intents.length > 0) this.#outstanding = this.#request(intents);
  }

  #request(actions: readonly string[]): readonly string[] {
    const types = intentsOf(this.#node, actions, this.contract).map(({ payload }) => payload.intent_type);
    this.#intents.push(...types);
    return types;
  }
}

/** "{env}.{namespace}.onex.evt.node-became-active.v1" is "node-became-active". */
function shortName(topic: string): string {
  return topic.split('.').at(-2) ?? topic;
}
