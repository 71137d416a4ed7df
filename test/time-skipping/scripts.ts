import { setTimeout } from 'node:timers/promises';
import {
  ActivityNotFoundError,
  Client,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  type WorkflowHandle,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import proto from '@temporalio/proto';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import fc from 'fast-check';
import { derivedId } from '../../src/protocol/ids.js';
import type { DrainRequest } from '../../src/protocol/drain-request.js';
import { REASONS, type Introspection } from '../../src/protocol/introspection.js';
import { millisBetween, plusSeconds } from '../../workflows/core/time.js';
import type { Status } from '../../workflows/details.js';
import {
  ACK_SIGNAL,
  INTROSPECTION_SIGNAL,
  COMMAND_REFUSED,
  DRAIN,
  REQUEST_SIGNAL,
  RETRY,
  STATUS_QUERY,
  SUSPECT_SIGNAL,
  UNDRAIN,
  workflowId,
  WORKFLOW_TYPE,
  type AckSignal,
  type CommandRequest,
} from '../../workflows/messages.js';
import type { Outcome, Start } from '../../workflows/registration.js';
import { command, TASK_QUEUE } from './harness.js';
import { HOW, type Acked, type NodeWorld, type RestlessWorld } from './restless-world.js';
import { ADA } from './situations.js';

/** What can go wrong: every activity that the workflow knows. */
const ACTIVITIES = [
  'open_attempt',
  'publish_events',
  'verify_lease',
  'verify_acks_read',
  'consul.register',
  'consul.pass',
  'consul.deregister',
  'postgres.upsert_registration',
  'postgres.update_registration',
] as const;

const incarnation = fc.integer({ min: 0, max: 3 });
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('introspect' as const),
      of: incarnation,
      reason: fc.oneof(
        { weight: 5, arbitrary: fc.constant('startup' as const) },
        { weight: 5, arbitrary: fc.constantFrom(...REASONS) },
      ),
      /** Has an epoch, the higher the newer. */
      epoch: fc.boolean(),
      /** Of its record: now, as the one before it, or from before all of them. */
      time: fc.constantFrom('now' as const, 'now' as const, 'same' as const, 'old' as const),
      /** Which capability it has. */
      data: fc.integer({ min: 0, max: 2 }),
    }),
  },
  {
    weight: 9,
    arbitrary: fc.record({
      do: fc.constant('ack' as const),
      of: fc.oneof({ weight: 3, arbitrary: fc.constant('current' as const) }, { weight: 2, arbitrary: incarnation }),
      time: fc.constantFrom(
        'now' as const,
        'now' as const,
        'now' as const,
        'at its deadline' as const,
        'too late' as const,
        'unknown' as const,
      ),
      copies: fc.constantFrom(1, 1, 2),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('suspect' as const, 'beat' as const, 'retry' as const, 'edit contract' as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('ask for a drain' as const),
      /** false: that it ends. */
      draining: fc.boolean(),
      by: fc.constantFrom('an operator' as const, 'the node' as const),
      /** Whose request it is, where the node asks. */
      of: fc.oneof({ weight: 4, arbitrary: fc.constant('current' as const) }, { weight: 1, arbitrary: incarnation }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('read acks later' as const), seconds: fc.constantFrom(5, 60) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('hold a higher attempt' as const),
      backend: fc.constantFrom('consul' as const, 'postgres' as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('answer a call' as const) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('break' as const),
      activity: fc.constantFrom(...ACTIVITIES),
      how: fc.constantFrom(...HOW),
      tries: fc.integer({ min: 1, max: 6 }),
    }),
  },
);
export type ScriptStep = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** Steps with no time between them. */
const burst = fc.record({
  /** Each when the one before it has been dealt with; without waiting; or while a local activity is in flight. */
  pace: fc.constantFrom('one by one' as const, 'at once' as const, 'meanwhile' as const),
  steps: fc.array(step, { minLength: 1, maxLength: 4, size: 'max' }),
  /** Which of the calls that are in flight afterwards is answered first. */
  answers: fc.constantFrom('oldest first' as const, 'newest first' as const),
});
type Burst = typeof burst extends fc.Arbitrary<infer B> ? B : never;

/** Some nodes, each with bursts of its own, and the same time between them. */
export const scripts = (nodes: number) =>
  fc.array(
    fc.record({
      bursts: fc.array(burst, { minLength: nodes, maxLength: nodes }),
      seconds: fc.constantFrom(0, 0, 2, 2, 7, 7, 31, 95, 11_000),
    }),
    { minLength: 1, maxLength: 6, size: 'max' },
  );
export type Scripts = ReturnType<typeof scripts> extends fc.Arbitrary<infer S> ? S : never;

type Handle = WorkflowHandle<(start: Start) => Promise<Outcome>>;

const CANCEL_REQUESTED = proto.temporal.api.enums.v1.PendingActivityState.PENDING_ACTIVITY_STATE_CANCEL_REQUESTED;

/** A workflow task alone was seen to take 11 s, on a machine with much to do. */
const STUCK_AFTER_MS = 120_000;
const ASKED_AGAIN_AFTER_MS = 2_000;
/** Nothing is sent while a timer is due within this time; on a slow machine, within twice what a burst has taken. */
const TIMER_IS_NEAR_MS = { least: 2_000, most: 8_000 };
/** The server's clock goes on while a burst is played. */
let longestBurstMs = 0;

/** Plays one node's script to its running workflow. */
export class Player {
  readonly handle: Handle;
  readonly #client: Client;
  #first: Introspection | null = null;
  #last: Introspection | null = null;
  #messages = 0;
  #draining: Promise<void> = Promise.resolve();
  readonly #commands: Promise<void>[] = [];

  constructor(
    env: TestWorkflowEnvironment,
    private readonly world: RestlessWorld,
    readonly node: NodeWorld,
  ) {
    // The environment's own client lets time pass while a result is awaited.
    this.#client = new Client({ connection: env.connection });
    this.handle = this.#client.workflow.getHandle(workflowId(node.node_id));
    world.add(node);
  }

  /** Plays a burst and answers every call that is in flight afterwards. */
  async play({ pace, steps, answers }: Burst): Promise<void> {
    await this.awayFromTimers();
    const since = Date.now();
    const letGo = pace === 'meanwhile' ? this.node.holdLocals() : (): void => undefined;
    for (const one of steps) {
      await this.#step(one, pace);
      if (pace === 'one by one') await this.#settled();
    }
    letGo();
    await this.settle(answers);
    longestBurstMs = Math.max(longestBurstMs, Date.now() - since);
  }

  /** Lets a timer fire that is nearly due: see docs/decisions/races-the-test-server-loses.md. */
  async awayFromTimers(): Promise<void> {
    for (;;) {
      const status = await this.#settled();
      const due = status?.registration?.timer_due ?? null;
      if (due === null) return;
      const near = millisBetween(await this.world.now(), due);
      if (near > Math.min(Math.max(TIMER_IS_NEAR_MS.least, 2 * longestBurstMs), TIMER_IS_NEAR_MS.most)) return;
      await setTimeout(Math.max(near, 0) + 50);
    }
  }

  /** Answers the calls in flight, one by one, until the workflow has nothing left to do now. */
  async settle(answers: Burst['answers'] = 'oldest first'): Promise<void> {
    for (;;) {
      await this.#settled();
      const call = answers === 'oldest first' ? this.node.calls.shift() : this.node.calls.pop();
      if (call === undefined) return;
      await this.#answer(call);
    }
  }

  /** While time is skipped, calls are answered as they come. */
  answerAtOnce(): () => Promise<void> {
    this.node.onCall = () => {
      this.#draining = this.#draining.then(() => this.settle());
    };
    return async () => {
      this.node.onCall = () => undefined;
      await this.#draining;
      await this.settle();
    };
  }

  async introspect(changes: Partial<Introspection> & Pick<Introspection, 'correlation_id'>): Promise<Introspection> {
    const { node_id } = this.node;
    const now = await this.world.now();
    const introspection: Introspection = {
      message_id: this.#id(),
      node_id,
      node_type: 'effect',
      node_version: '1.2.3',
      endpoints: { health: 'http://10.0.0.1:8080/health' },
      capabilities: [],
      reason: 'startup',
      epoch: null,
      at: now,
      ...changes,
    };
    this.#first ??= introspection;
    this.#last = introspection;
    this.node.log.push({ what: 'introspected', introspection });
    await this.#client.workflow.signalWithStart(WORKFLOW_TYPE, {
      workflowId: workflowId(node_id),
      taskQueue: TASK_QUEUE,
      args: [{ node_id }],
      signal: INTROSPECTION_SIGNAL,
      signalArgs: [introspection],
    });
    return introspection;
  }

  async ack(correlation_id: string, at: string | null): Promise<void> {
    const acked: Acked = { what: 'acked', correlation_id, at: at ?? (await this.world.now()), taken_by: null };
    this.node.log.push(acked);
    const ack: AckSignal = { message_id: this.#id(), node_id: this.node.node_id, correlation_id, at };
    if (await this.#signal(ACK_SIGNAL, ack)) acked.taken_by = await this.world.now();
  }

  /** As the sweep does it: a run that is gone is started. */
  async suspect(): Promise<void> {
    const { node_id } = this.node;
    await this.#client.workflow.signalWithStart(WORKFLOW_TYPE, {
      workflowId: workflowId(node_id),
      taskQueue: TASK_QUEUE,
      args: [{ node_id }],
      signal: SUSPECT_SIGNAL,
    });
  }

  /** What operators have asked for has been answered. */
  async answered(): Promise<void> {
    await Promise.all(this.#commands);
  }

  /** An operator asks for a drain, or for its end. */
  async drainByCommand(draining: boolean): Promise<void> {
    this.node.log.push({ what: 'asked to drain', draining });
    const request = { ...(draining ? DRAIN : UNDRAIN), payload: { asked_by: ADA } };
    await this.#ask(this.#command(request, draining ? 'a drain' : 'an undrain'));
  }

  /** The node asks for it itself. */
  async drainByNode(draining: boolean, correlation_id: string): Promise<void> {
    this.node.log.push({ what: 'asked to drain', draining });
    const { event_model } = draining ? DRAIN : UNDRAIN;
    const payload: DrainRequest = {
      message_id: this.#id(),
      node_id: this.node.node_id,
      correlation_id,
      draining,
      reason: null,
      at: await this.world.now(),
    };
    await this.#signal(REQUEST_SIGNAL, { event_model, payload });
  }

  status(): Promise<Status> {
    return this.handle.query<Status>(STATUS_QUERY);
  }

  /** Somebody has started a run of this node. */
  async exists(): Promise<boolean> {
    try {
      await this.handle.describe();
      return true;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      throw error;
    }
  }

  /** The run goes on; false too when there has never been one. */
  async runs(): Promise<boolean> {
    return (await this.#progress()) !== null;
  }

  async #step(one: ScriptStep, pace: Burst['pace']): Promise<void> {
    const { node } = this;
    switch (one.do) {
      case 'introspect': {
        const at =
          one.time === 'same'
            ? this.#last?.at
            : one.time === 'old' && this.#first !== null
              ? plusSeconds(this.#first.at, -60)
              : undefined;
        await this.introspect({
          correlation_id: derivedId(node.node_id, 'incarnation', one.of),
          reason: one.reason,
          epoch: one.epoch ? one.of : null,
          capabilities: [`capability.${one.data}`],
          ...(at === undefined ? {} : { at }),
        });
        return;
      }
      case 'ack': {
        const { correlation_id: current, accepted_at } = this.#current();
        const deadline = plusSeconds(
          accepted_at ?? (await this.world.now()),
          node.contract.timers['ack']?.seconds ?? 0,
        );
        const at =
          one.time === 'unknown'
            ? null
            : one.time === 'now'
              ? await this.world.now()
              : one.time === 'too late'
                ? plusSeconds(deadline, 0.001)
                : deadline;
        for (let copy = 0; copy < one.copies; copy++)
          await this.ack(one.of === 'current' ? current : derivedId(node.node_id, 'incarnation', one.of), at);
        return;
      }
      case 'suspect':
        await this.suspect();
        return;
      case 'beat':
        return node.beat(await this.world.now());
      case 'retry':
        await this.#ask(this.#command(RETRY, 'a retry'));
        return;
      case 'ask for a drain':
        if (one.by === 'an operator') await this.drainByCommand(one.draining);
        else
          await this.drainByNode(
            one.draining,
            one.of === 'current' ? this.#current().correlation_id : derivedId(node.node_id, 'incarnation', one.of),
          );
        return;
      case 'edit contract':
        node.contract = { ...node.contract, version: `${node.contract.version}+` };
        return;
      case 'read acks later':
        node.acksReadFrom = plusSeconds(await this.world.now(), one.seconds);
        return;
      case 'hold a higher attempt':
        // As after a lost registry row: another life of this node has come further.
        if (one.backend === 'consul') node.consul = { attempt: (node.consul?.attempt ?? 0) + 3, passing: false };
        else if (node.row !== null) node.row = { ...node.row, attempt: node.row.attempt + 3, ended: true };
        return;
      case 'answer a call': {
        // Only where no workflow task is open: see docs/decisions/races-the-test-server-loses.md.
        if (pace !== 'one by one') return;
        const call = node.calls.shift();
        if (call !== undefined) await this.#answer(call);
        return;
      }
      case 'break':
        node.troubles.set(
          one.activity,
          Array.from({ length: one.tries }, () => one.how),
        );
        return;
    }
  }

  /** The incarnation that was accepted last, and when; before that the one that has introduced itself last. */
  #current(): { readonly correlation_id: string; readonly accepted_at: string | null } {
    const accepted = this.node.log.findLast(
      (entry) => entry.what === 'published' && entry.event.event_type === 'NodeRegistrationAccepted',
    );
    return accepted?.what === 'published'
      ? { correlation_id: accepted.event.correlation_id, accepted_at: accepted.at }
      : { correlation_id: this.#last?.correlation_id ?? '', accepted_at: null };
  }

  async #answer(call: NodeWorld['calls'][number]): Promise<void> {
    try {
      // The test server forgets a cancelled activity that fails: see docs/decisions/races-the-test-server-loses.md.
      const { pendingActivities } = (await this.handle.describe()).raw;
      const pending = pendingActivities?.find(({ activityId }) => activityId === call.activityId);
      await this.world.answer(call, pending?.state === CANCEL_REQUESTED);
    } catch (error) {
      // The run is over, or the call was given up: what it has done, it has done.
      if (!(error instanceof ActivityNotFoundError)) throw error;
      this.node.log.push({ what: 'noted', of: `${call.activity} answers to nobody` });
    }
  }

  /** Returns whether there was a run to take it. */
  async #signal(name: string, ...args: unknown[]): Promise<boolean> {
    try {
      await this.handle.signal(name, ...args);
      return true;
    } catch (error) {
      // As the bridge has it: a signal to a node without a run is nothing to carry out.
      if (error instanceof WorkflowNotFoundError) return false;
      throw error;
    }
  }

  /** Goes on when the run that is asked exists; its answer may need time that has not passed yet. */
  async #ask(asked: Promise<void>): Promise<void> {
    let answered = false;
    this.#commands.push(asked.finally(() => (answered = true)));
    while (!answered && !(await this.runs())) await setTimeout(10);
  }

  async #command(request: CommandRequest, words: string): Promise<void> {
    try {
      const attempt = await command(this.#client, this.node.node_id, request);
      this.node.log.push({ what: 'noted', of: `attempt ${attempt} by ${words}` });
    } catch (error) {
      if (!(
        error instanceof WorkflowUpdateFailedError &&
        error.cause instanceof ApplicationFailure &&
        error.cause.type === COMMAND_REFUSED
      ))
        throw error;
      this.node.log.push({ what: 'noted', of: `${words} is refused` });
    }
  }

  #id(): string {
    this.#messages += 1;
    return derivedId(this.node.node_id, 'message', this.#messages);
  }

  /** How long the history of the open run is; null if none is open. */
  async #progress(): Promise<number | null> {
    try {
      const { status, historyLength } = await this.handle.describe();
      return status.name === 'RUNNING' ? historyLength : null;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return null;
      throw error;
    }
  }

  /** Waits until no workflow task is open, except one that waits for a held local activity. */
  async #settled(): Promise<Status | null> {
    const since = Date.now();
    for (;;) {
      if (this.node.holdsLocal) return null;
      const before = await this.#progress();
      if (before === null) return null;
      const status = await Promise.race([
        this.status(),
        this.node.whenLocalHeld(),
        setTimeout(ASKED_AGAIN_AFTER_MS, 'no answer' as const, { ref: false }),
      ]);
      if (Date.now() - since > STUCK_AFTER_MS) throw new Error(`node ${this.node.node_id} does not come to rest`);
      // The test server never answers a query that came while the run ended: the next look finds no run.
      if (status === 'no answer') continue;
      if (status !== undefined && (await this.#progress()) === before) return status;
    }
  }
}
