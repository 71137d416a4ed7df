import { activityInfo } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { REFUSED } from '../../activities/api.js';
import {
  UNAVAILABLE,
  type Activities,
  type EffectRequest,
  type EffectResult,
  type LastingAttempt,
  type LeaseAnswer,
  type LeaseQuestion,
  type NodeRow,
  type RefusedEvent,
} from '../../activities/api.js';
import type { CompiledContract } from '../../src/contracts/compiled.js';
import { buildPublished } from '../../src/protocol/published.js';
import { derivedId } from '../../src/protocol/ids.js';
import { effectResult } from '../../activities/effect-result.js';
import { plusSeconds } from '../../workflows/core/time.js';
import type { Introspection } from '../../src/protocol/introspection.js';
import type { OutgoingEvent } from '../../src/protocol/published.js';
import { workflowId } from '../../workflows/messages.js';

type Backend = keyof Pick<
  Activities,
  | 'consul.register'
  | 'consul.pass'
  | 'consul.deregister'
  | 'postgres.upsert_registration'
  | 'postgres.update_registration'
>;

/** An event as it was published, with what the activity stamped. */
export interface PublishedEvent extends OutgoingEvent {
  readonly sent_at: string;
}

interface Failure {
  tries: number;
  readonly type: typeof UNAVAILABLE | typeof REFUSED;
  readonly message: string;
}

/** One node's calls of one activity: what fails or is held for one node never meets another node's call. */
const callOf = (activity: string, node_id: string): string => `${activity} ${node_id}`;

/** The node whose run calls an activity, also where the activity's arguments do not name it. */
export function callingNode(): string {
  return activityInfo().workflowExecution?.workflowId.slice(workflowId('').length) ?? '';
}

/**
 * Checks an event as the real activity does before it sends it.
 *
 * @param event what the workflow wants published
 * @param sent_at the moment of the send, ISO 8601
 * @throws TypeError when the schema of its type refuses it
 */
export function assertPublishable(event: OutgoingEvent, sent_at: string): void {
  buildPublished(event, { sentAt: new Date(sent_at), source: 'time-skipping tests' });
}

/**
 * The world around a workflow where time is skipped: backends that remember
 * each request in memory, and fail where a test wants it. Real I/O has no place
 * there, since the server skips time while it is under way.
 */
export class World {
  readonly published: PublishedEvent[] = [];
  readonly effects: { readonly activity: Backend; readonly request: EffectRequest }[] = [];
  readonly rows = new Map<string, NodeRow>();
  /** Why nodes may not come in. */
  readonly bans = new Map<string, string>();
  /** How many tries fail from now on, and how, by activity and node. */
  readonly failures = new Map<string, Failure>();
  /** Why events were refused by their schemas. A harness fails when it sees one, and when it stops. */
  readonly refused: string[] = [];
  /** Nodes whose refused events become dead letters, as those of the real activity do: their tests are about that. */
  readonly deadLettersFor = new Set<string>();
  /** Calls that are held in flight, by activity and node: a worker that stops waits for them. */
  readonly inFlight = new Set<string>();
  /** Activities that are kept in flight, by name and node. */
  private readonly held = new Map<string, Promise<void>>();
  /** Tries of activities, by name and node. */
  readonly tries = new Map<string, number>();
  /** The higher attempt that a backend holds, used up by one call, by activity and node. */
  private readonly fences = new Map<string, number>();
  /** What verifying a lease finds; by default a lease that nobody renews. */
  lease: (node_id: string, now: string, question: LeaseQuestion) => Omit<LeaseAnswer, 'contract_version'> = () => ({
    outcome: 'expired',
    last_heartbeat_at: null,
  });
  acksReadAfter: string | null = null;
  /** How far reading the ack topic is behind, in seconds. */
  acksLag = 0;
  /** In how many seconds it is to be asked again how far the ack topic was read. */
  acksAgainInSeconds = 1;
  /** What a call that ends a run's other calls waits for (see others-at-rest.ts). */
  othersAtRest: (held: (activity: string) => boolean) => Promise<void> = () => Promise.resolve();

  constructor(
    private readonly env: Pick<TestWorkflowEnvironment, 'currentTimeMs'>,
    public contract: CompiledContract,
  ) {}

  /**
   * The types of what was published for a node, in order. A task that a busy machine does not end in time is done anew
   * and publishes again: a repeat has the id of what it repeats, and counts once.
   */
  types(node_id: string): string[] {
    const types = new Map(this.of(node_id).map(({ id, event_type }) => [id, event_type]));
    return [...types.values()];
  }

  of(node_id: string): PublishedEvent[] {
    return this.published.filter((event) => event.node_id === node_id);
  }

  /** Names of the effects that were carried out for a node, in order. */
  done(node_id: string): string[] {
    return this.effects.filter(({ request }) => request.node_id === node_id).map(({ activity }) => activity);
  }

  /**
   * Lets the next tries of an activity fail, for one node.
   *
   * @param tries how many; 0 ends it
   */
  fail(
    node_id: string,
    activity: keyof Activities,
    tries: number,
    message = 'connect ECONNREFUSED 127.0.0.1',
    type: Failure['type'] = UNAVAILABLE,
  ): void {
    this.failures.set(callOf(activity, node_id), { tries, type, message });
  }

  /** Lets a backend answer the next call of an activity, for one node, that it holds a higher attempt. */
  fence(node_id: string, activity: Backend, attempt: number): void {
    this.fences.set(callOf(activity, node_id), attempt);
  }

  /**
   * Keeps an activity of a node in flight until the answered function is called:
   * its tries as a local one fail, and as an ordinary one it takes its time.
   */
  hold(activity: keyof Activities, node_id: string): () => void {
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    this.held.set(callOf(activity, node_id), released);
    return () => {
      this.held.delete(callOf(activity, node_id));
      release();
    };
  }

  async now(): Promise<string> {
    return new Date(await this.env.currentTimeMs()).toISOString();
  }

  /** @throws Error when an event was refused by its schema: nobody would ever read it */
  assertNothingRefused(): void {
    if (this.refused.length > 0)
      throw new Error(`events were to be published that their schemas refuse:\n${this.refused.join('\n')}`);
  }

  activities(): Activities {
    const effect =
      (activity: Backend) =>
      async (request: EffectRequest): Promise<EffectResult> => {
        await this.tried(activity);
        const fenced_by = this.fences.get(callOf(activity, request.node_id));
        this.fences.delete(callOf(activity, request.node_id));
        if (fenced_by !== undefined) {
          await this.othersAtRest((other) => this.inFlight.has(callOf(other, callingNode())));
          return { done: false, fenced_by };
        }
        this.effects.push({ activity, request });
        if (activity.startsWith('postgres.')) this.remember(request, await this.now());
        return effectResult(request, { done: true });
      };
    return {
      open_attempt: async (node_id) => {
        await this.tried('open_attempt');
        const ban = this.bans.get(node_id) ?? null;
        return { row: this.rows.get(node_id) ?? null, ban, contract: this.contract };
      },
      publish_events: async (events) => {
        await this.tried('publish_events');
        const sent_at = await this.now();
        const refused = events.flatMap((event) => this.check(event, sent_at));
        const fitting = events.filter(({ event_type }) => !refused.some((each) => each.event_type === event_type));
        this.published.push(...fitting.map((event) => ({ ...event, sent_at })));
        return { sent_at, refused };
      },
      verify_lease: async (question) => {
        await this.tried('verify_lease');
        return {
          ...this.lease(question.node_id, await this.now(), question),
          contract_version: this.contract.version,
        } as LeaseAnswer;
      },
      verify_acks_read: async (deadline) => {
        await this.tried('verify_acks_read');
        const now = await this.now();
        const readUpTo = plusSeconds(now, -this.acksLag);
        // Nobody has read what is still to come.
        if (readUpTo >= deadline && (this.acksReadAfter === null || now >= this.acksReadAfter)) return { read: true };
        return {
          read: false,
          why: `the ack topic has been read only up to ${readUpTo}`,
          again_in_seconds: this.acksAgainInSeconds,
        };
      },
      'consul.register': effect('consul.register'),
      'consul.pass': effect('consul.pass'),
      'consul.deregister': effect('consul.deregister'),
      'postgres.upsert_registration': effect('postgres.upsert_registration'),
      'postgres.update_registration': effect('postgres.update_registration'),
    };
  }

  /** @throws TypeError when a schema refuses the event of a node whose events are not to become dead letters */
  private check(event: OutgoingEvent, sent_at: string): RefusedEvent[] {
    try {
      assertPublishable(event, sent_at);
      return [];
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (this.deadLettersFor.has(event.node_id)) return [{ event_type: event.event_type, reason }];
      this.refused.push(reason);
      throw error;
    }
  }

  private async tried(activity: keyof Activities): Promise<void> {
    const key = callOf(activity, callingNode());
    this.tries.set(key, (this.tries.get(key) ?? 0) + 1);
    const released = this.held.get(key);
    if (released !== undefined) {
      if (activityInfo().isLocal) throw ApplicationFailure.create({ message: 'held', type: UNAVAILABLE });
      this.inFlight.add(key);
      await released;
      this.inFlight.delete(key);
    }
    const failure = this.failures.get(key);
    if (failure === undefined || failure.tries <= 0) return;
    failure.tries -= 1;
    if (failure.type !== UNAVAILABLE)
      await this.othersAtRest((other) => this.inFlight.has(callOf(other, callingNode())));
    throw ApplicationFailure.create({ message: failure.message, type: failure.type });
  }

  private remember({ node_id, attempt, intent: { payload } }: EffectRequest, now: string): void {
    const { correlation_id, epoch, introspected_at, state, reducer_status, reason, ...data } =
      payload as unknown as NodeRow & Introspection;
    const { node_type, node_version, endpoints, capabilities } = data;
    const introspection: Introspection = {
      message_id: derivedId(node_id, correlation_id, 'record', attempt),
      correlation_id,
      node_id,
      node_type,
      node_version,
      endpoints,
      capabilities,
      reason: 'startup',
      epoch,
      at: introspected_at,
    };
    const lasting = this.lasting(node_id, attempt, payload);
    this.rows.set(node_id, {
      attempt,
      correlation_id,
      epoch,
      introspected_at,
      state,
      reducer_status,
      reason: reason ?? null,
      introspection,
      lasting,
      unfinished: payload['ended'] !== true && lasting === null,
      ended_at: payload['ended'] === true ? now : null,
    });
  }

  /** An attempt lasts from the opening of its lease to its end. */
  private lasting(node_id: string, attempt: number, payload: EffectRequest['intent']['payload']): NodeRow['lasting'] {
    if (payload['ended'] === true) return null;
    if (payload['lease'] !== 'open') {
      const before = this.rows.get(node_id);
      return before?.attempt === attempt ? before.lasting : null;
    }
    const { ack_deadline, liveness_deadline } = payload as unknown as LastingAttempt;
    return { state_since: new Date(0).toISOString(), ack_deadline, liveness_deadline };
  }
}
