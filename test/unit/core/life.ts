import fc from 'fast-check';
import type { NodeRow } from '../../../activities/api.js';
import type { CompiledContract, EffectRoute } from '../../../src/contracts/compiled.js';
import { derivedId } from '../../../src/protocol/ids.js';
import { REASONS, type Introspection } from '../../../src/protocol/introspection.js';
import { applyAnswer, type Answer, type Purpose } from '../../../workflows/core/answer.js';
import { beginAgain } from '../../../workflows/core/attempt.js';
import { decide } from '../../../workflows/core/decide.js';
import { applyOutput } from '../../../workflows/core/handle.js';
import type { Message } from '../../../workflows/core/message.js';
import { next, type Flight, type Surroundings, type Task } from '../../../workflows/core/next.js';
import { eventsOf, intentsOf } from '../../../workflows/core/outgoing.js';
import {
  isOver,
  livesByLease,
  nodeOfRow,
  unknownNode,
  withRefreshStarted,
  type Registration,
} from '../../../workflows/core/registration.js';
import { plusSeconds } from '../../../workflows/core/time.js';
import { currentTimer, timerChecked, type Finding } from '../../../workflows/core/timer.js';
import type { Turn } from '../../../workflows/core/turn.js';

/**
 * A node's life as data: what the workflow does with each task of `next`, without any server. Work that was started
 * stays in flight until a script answers it, as in the workflow.
 */

const NODE_ID = 'abc-123';
const ADA = { who: 'ada', why: 'a new disk' };
export const BEGINNING = '2026-01-01T00:00:00.000Z';

interface Group {
  readonly purpose: Purpose;
  readonly outstanding: EffectRoute[];
  cancelled: boolean;
}

const incarnation = fc.integer({ min: 0, max: 3 });
const finding: fc.Arbitrary<Finding> = fc.oneof(
  fc.record({ fires: fc.constant(true as const), last_heartbeat_at: fc.constantFrom(null, BEGINNING) }),
  fc.record({
    fires: fc.constant(false as const),
    again_in_seconds: fc.constantFrom(-5, 0, 0.1, 5, 90),
    why: fc.constantFrom(null, 'not read so far'),
  }),
);
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('introspect' as const),
      of: incarnation,
      reason: fc.constantFrom('startup' as const, ...REASONS),
      epoch: fc.boolean(),
      data: fc.integer({ min: 0, max: 2 }),
    }),
  },
  {
    weight: 9,
    arbitrary: fc.record({
      do: fc.constant('ack' as const),
      of: fc.oneof({ weight: 4, arbitrary: fc.constant('current' as const) }, { weight: 1, arbitrary: incarnation }),
      late: fc.constantFrom(false, false, false, true),
    }),
  },
  { weight: 14, arbitrary: fc.record({ do: fc.constant('all goes well' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('answer publish' as const),
      how: fc.constantFrom(
        'published' as const,
        'published' as const,
        'dead letter' as const,
        'not published' as const,
      ),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('answer effect' as const),
      how: fc.constantFrom('confirmed' as const, 'confirmed' as const, 'refused' as const, 'fenced' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'retry' as const,
        'suspect' as const,
        'repair' as const,
        'cancel' as const,
        'drain' as const,
        'undrain' as const,
        'evict' as const,
        'lose the run' as const,
        'continue as new' as const,
        'somebody asks' as const,
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('the node asks' as const),
      of: fc.oneof({ weight: 4, arbitrary: fc.constant('current' as const) }, { weight: 1, arbitrary: incarnation }),
      draining: fc.boolean(),
      again: fc.constantFrom(false, false, true),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('end what is cancelled' as const, 'answer them' as const) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('time passes' as const),
      seconds: fc.constantFrom(1, 31, 200, 11_000),
      finding,
    }),
  },
);
export type LifeStep = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** Random lives: what comes, in what order. */
export const lives = fc.array(step, { minLength: 1, maxLength: 40, size: 'max' });
/** Surroundings that have nothing to do with the life that is looked at, except its messages. */
const flight = fc.constantFrom<Flight>('none', 'in flight', 'cancelled');
export const randomSurroundings = fc.record({
  seconds: fc.constantFrom(-100, 0, 100, 20_000),
  answered: fc.boolean(),
  effects: flight,
  publish: flight,
  suspected: fc.boolean(),
  everybodyAnswered: fc.boolean(),
  continueAsNew: fc.boolean(),
});

/** Called with each task, before it is done and after it. */
export type Watch = (task: Task, life: Life, done: boolean) => void;

export class Life {
  node: Registration;
  now = BEGINNING;
  readonly inbox: Surroundings['inbox'][number][] = [];
  /** What has happened, in words. */
  readonly journal: string[] = [];
  readonly #answers: Answer[] = [];
  readonly #groups: Group[] = [];
  #publish: { readonly types: readonly string[]; readonly last_id: string; cancelled: boolean } | null = null;
  /** What the node has asked for last. */
  #asked: Message | null = null;
  #suspected = false;
  #everybodyAnswered = true;
  #continueAsNew = false;
  #messages = 0;
  /** What looking at a due timer finds. */
  #finding: Finding = { fires: true };

  constructor(
    readonly contract: CompiledContract,
    private readonly watch: Watch = () => undefined,
  ) {
    this.node = unknownNode(NODE_ID, null, contract);
  }

  surroundings(): Surroundings {
    const effects = this.#groups.some(({ cancelled }) => !cancelled);
    return {
      now: this.now,
      inbox: this.inbox,
      answered: this.#answers.length > 0,
      effects: effects ? 'in flight' : this.#groups.length > 0 ? 'cancelled' : 'none',
      publish: this.#publish === null ? 'none' : this.#publish.cancelled ? 'cancelled' : 'in flight',
      suspected: this.#suspected,
      everybodyAnswered: this.#everybodyAnswered,
      continueAsNew: this.#continueAsNew,
    };
  }

  next(): Task {
    return next(this.node, this.surroundings(), this.contract);
  }

  /** Everything that can change while no time passes, as text. */
  snapshot(): string {
    return JSON.stringify([this.node, this.surroundings(), this.#answers]);
  }

  /** One thing happens, then everything is done that is next. */
  step(one: LifeStep): void {
    switch (one.do) {
      case 'introspect':
        this.#send('ModelNodeIntrospectionEvent', this.#introspection(one));
        break;
      case 'ack': {
        const { ack_deadline, incarnation: known } = this.node;
        const correlation_id = one.of === 'current' ? (known?.correlation_id ?? 'c-none') : `c-${one.of}`;
        const at = one.late && ack_deadline !== null ? plusSeconds(ack_deadline, 0.001) : this.now;
        this.#send('ModelNodeRegistrationAcked', { message_id: this.#id(), node_id: NODE_ID, correlation_id, at });
        break;
      }
      case 'retry':
        this.#send('ModelRegistrationReset', { message_id: this.#id() });
        break;
      case 'repair':
        this.#send('ModelRepairRequested', { message_id: this.#id() });
        break;
      case 'cancel':
        this.#send('ModelRunCancelled', { message_id: this.#id() });
        break;
      case 'drain':
        this.#send('ModelNodeDrainRequested', { message_id: this.#id(), asked_by: ADA });
        break;
      case 'undrain':
        this.#send('ModelNodeUndrainRequested', { message_id: this.#id(), asked_by: ADA });
        break;
      case 'evict':
        this.#send('ModelNodeEvictionRequested', { message_id: this.#id(), asked_by: ADA });
        break;
      case 'the node asks':
        this.#nodeAsks(one);
        break;
      case 'lose the run':
        // The next message starts another one.
        this.#loseTheRun();
        return;
      case 'suspect':
        this.#suspected = true;
        break;
      case 'continue as new':
        this.#continueAsNew = true;
        break;
      case 'somebody asks':
        this.#everybodyAnswered = false;
        break;
      case 'answer them':
        this.#everybodyAnswered = true;
        break;
      case 'answer publish':
        this.#answerPublish(one.how);
        break;
      case 'answer effect':
        this.#answerEffect(one.how);
        break;
      case 'all goes well':
        this.#allGoesWell();
        return;
      case 'end what is cancelled':
        if (this.#publish?.cancelled === true) this.#publish = null;
        this.#groups.splice(0, this.#groups.length, ...this.#groups.filter(({ cancelled }) => !cancelled));
        break;
      case 'time passes':
        this.now = plusSeconds(this.now, one.seconds);
        this.#finding = one.finding;
    }
    this.run();
  }

  /** @param again the node's last request is delivered once more */
  #nodeAsks({ of, draining, again }: Extract<LifeStep, { readonly do: 'the node asks' }>): void {
    const correlation_id = of === 'current' ? (this.node.incarnation?.correlation_id ?? 'c-none') : `c-${of}`;
    const request = { message_id: this.#id(), node_id: NODE_ID, correlation_id, reason: null, at: this.now };
    const event_model = draining ? 'ModelNodeDrainRequested' : 'ModelNodeUndrainRequested';
    if (!again) this.#asked = { event_model, payload: request };
    if (this.#asked !== null) this.#send(this.#asked.event_model, this.#asked.payload);
  }

  /**
   * Does what is next until the life waits. A life that is over is read from its registry row by the next run.
   *
   * @throws Error when it never waits
   */
  run(): Task {
    for (let tasks = 0; tasks < 500; tasks++) {
      const task = this.next();
      this.watch(task, this, false);
      this.#do(task);
      this.watch(task, this, true);
      if (task.task === 'wait' || task.task === 'finish') return task;
    }
    throw new Error(`never waits: ${this.snapshot()}`);
  }

  /**
   * The node is silent from now on, whoever is asked answers, and every timer fires.
   *
   * @returns how many waits it took until it was over
   * @throws Error when it is never over
   */
  untilItsEnd(): number {
    this.#everybodyAnswered = true;
    this.#finding = { fires: true };
    for (let waits = 0; waits < 100; waits++) {
      const task = this.run();
      if (task.task === 'finish') return waits;
      if (this.#inFlight) this.#answerAll();
      else if (task.task === 'wait' && task.until !== null && task.until > this.now) this.now = task.until;
      else throw new Error(`waits for nothing: ${this.snapshot()}`);
    }
    throw new Error(`is never over: ${this.snapshot()}`);
  }

  /** @throws Error when something is always in flight */
  #allGoesWell(): void {
    for (let answered = 0; this.#inFlight; answered++) {
      if (answered === 100) throw new Error(`never rests: ${this.snapshot()}`);
      this.#answerAll();
      this.run();
    }
  }

  get #inFlight(): boolean {
    return this.#publish !== null || this.#groups.length > 0;
  }

  #answerAll(): void {
    this.#answerPublish('published');
    while (this.#groups.length > 0) this.#answerEffect('confirmed');
  }

  #do(task: Task): void {
    switch (task.task) {
      case 'publish': {
        const events = eventsOf(this.node, task.actions, this.contract);
        const types = events.map(({ event_type }) => event_type);
        this.#publish = { types, last_id: events.at(-1)?.id ?? '', cancelled: false };
        break;
      }
      case 'apply answer': {
        const answer = this.#answers.shift();
        if (answer !== undefined) this.#apply(applyAnswer(this.node, answer, this.now, this.contract));
        break;
      }
      case 'run effects':
        this.#start('step', task.actions);
        break;
      case 'handle': {
        this.inbox.splice(this.inbox.indexOf(task.message), 1);
        const output = decide(this.node, task.message, this.contract);
        this.#apply(applyOutput(this.node, output, this.now, this.contract));
        break;
      }
      case 'begin again':
        this.#apply(beginAgain(this.node, this.now, this.contract));
        break;
      case 'refresh':
        this.node = withRefreshStarted(this.node);
        this.#start('refresh', this.contract.refresh_actions);
        break;
      case 'check timer':
        if (currentTimer(this.node, this.contract)?.verify === 'lease') this.#suspected = false;
        this.#apply(timerChecked(this.node, this.#finding, this.now, this.contract));
        break;
      case 'continue as new':
        this.#continueAsNew = false;
        break;
      case 'finish':
        this.#beginAgain();
        break;
      case 'wait':
    }
  }

  /** Of an ended life the next run knows its registry row; what came too late for the one before starts it. */
  #beginAgain(): void {
    const row = this.#row(false);
    this.#suspected = false;
    this.#continueAsNew = false;
    if (row !== null) this.node = unknownNode(NODE_ID, row, this.contract);
  }

  /** Somebody terminates the run, with everything that it had in flight. A lease shows how far an ACTIVE one was. */
  #loseTheRun(): void {
    const row = this.#row(!isOver(this.node));
    if (row === null) return;
    this.#groups.length = 0;
    this.#publish = null;
    this.#answers.length = 0;
    this.inbox.length = 0;
    this.node = nodeOfRow(NODE_ID, row, this.contract, this.now);
  }

  /** What the registry says of the node now, had it seen everything. */
  #row(unfinished: boolean): NodeRow | null {
    const { attempt, incarnation: known, introspection, state, reducer, reason, since } = this.node;
    if (known === null || introspection === null || state === null) return null;
    const { correlation_id, epoch, at: introspected_at } = known;
    const { ack_deadline, liveness_deadline } = this.node;
    const hasLease = unfinished && livesByLease(state, this.contract);
    const lasting = hasLease ? { state_since: since ?? this.now, ack_deadline, liveness_deadline } : null;
    const row = { attempt, correlation_id, epoch, introspected_at, state, reason, introspection, lasting };
    return { ...row, reducer_status: reducer.status, unfinished: unfinished && !hasLease };
  }

  #apply({ registration, intents, cancels, notes }: Turn): void {
    this.journal.push(...notes);
    if (cancels) {
      for (const group of this.#groups) group.cancelled = true;
      if (this.#publish !== null) this.#publish.cancelled = true;
      this.#answers.length = 0;
    }
    if (registration.state !== this.node.state || registration.since !== this.node.since) this.#suspected = false;
    this.node = registration;
    if (intents.length > 0) this.#start('registration', intents);
  }

  #start(purpose: Purpose, actions: readonly string[]): void {
    const outstanding = intentsOf(this.node, actions, this.contract).flatMap(
      ({ payload }) => this.contract.effects[payload.intent_type] ?? [],
    );
    if (outstanding.length === 0) this.#answers.push({ kind: 'settled', purpose });
    else this.#groups.push({ purpose, outstanding, cancelled: false });
  }

  #answerPublish(how: 'published' | 'dead letter' | 'not published'): void {
    if (this.#publish === null) return;
    const { types, last_id, cancelled } = this.#publish;
    this.#publish = null;
    if (cancelled) return;
    if (how === 'not published') this.#answers.push({ kind: 'not published', types, reason: 'no broker' });
    else {
      const refused = how === 'published' ? [] : types.map((event_type) => ({ event_type, reason: 'too long' }));
      this.#answers.push({ kind: 'published', types, refused, sent_at: this.now, last_id });
    }
  }

  /** The oldest call that is in flight is answered; nobody reads the answer of what was cancelled. */
  #answerEffect(how: 'confirmed' | 'refused' | 'fenced'): void {
    const group = this.#groups[0];
    const route = group?.outstanding.shift();
    if (group === undefined || route === undefined) return;
    const { purpose, cancelled } = group;
    if (group.outstanding.length === 0) this.#groups.shift();
    if (cancelled) return;
    const correlation_id = this.node.incarnation?.correlation_id ?? '';
    const event = { event_type: route.confirmation, correlation_id };
    if (how === 'confirmed') this.#answers.push({ kind: 'confirmed', purpose, event });
    else if (how === 'refused') this.#answers.push({ kind: 'refused', purpose, route, reason: 'forbidden' });
    else this.#answers.push({ kind: 'fenced', purpose, by: this.node.attempt + 2 });
    if (group.outstanding.length === 0) this.#answers.push({ kind: 'settled', purpose });
  }

  #introspection({ of, reason, epoch, data }: Extract<LifeStep, { do: 'introspect' }>): Introspection {
    return {
      message_id: this.#id(),
      correlation_id: `c-${of}`,
      node_id: NODE_ID,
      node_type: 'effect',
      node_version: '1.0.0',
      endpoints: { health: 'http://10.0.0.1/health' },
      capabilities: [`capability.${data}`],
      reason,
      epoch: epoch ? of : null,
      at: this.now,
    };
  }

  #send(event_model: string, payload: unknown): void {
    this.inbox.push({ event_model, payload });
  }

  #id(): string {
    this.#messages += 1;
    return derivedId(NODE_ID, 'message', this.#messages);
  }
}
