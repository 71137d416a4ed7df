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
  type NodeRecord,
} from '../../activities/api.js';
import type { CompiledContract } from '../../src/contracts/compiled.js';
import { plusSeconds } from '../../workflows/core/time.js';
import type { Introspection } from '../../src/protocol/introspection.js';
import type { OutgoingEvent } from '../../src/protocol/published.js';

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

/**
 * The world around a workflow where time is skipped: backends that only
 * remember what they were told, and fail as told. Real I/O has no place there,
 * since the server skips time while it is under way.
 */
export class World {
  readonly published: PublishedEvent[] = [];
  readonly effects: { readonly activity: Backend; readonly request: EffectRequest }[] = [];
  readonly records = new Map<string, NodeRecord>();
  /** How many tries of an activity fail from now on, and how. */
  readonly failures = new Map<string, { tries: number; type: typeof UNAVAILABLE | typeof REFUSED; message: string }>();
  /** Activities that are kept in flight, by name and node. */
  private readonly held = new Map<string, Promise<void>>();
  /** Tries of activities, by name and node. */
  readonly tries = new Map<string, number>();
  /** Answers of the fence, used up one by one. */
  readonly fences = new Map<Backend, number[]>();
  /** What verifying a lease finds; by default a lease that nobody renews. */
  lease: (node_id: string, now: string) => Omit<LeaseAnswer, 'contract_version'> = () => ({
    outcome: 'claimed',
    last_heartbeat_at: null,
  });
  acksReadAfter: string | null = null;
  /** How far reading the ack topic is behind, in seconds. */
  acksLag = 0;

  constructor(
    private readonly env: TestWorkflowEnvironment,
    public contract: CompiledContract,
  ) {}

  /** The types of what was published for a node, in order. */
  types(node_id: string): string[] {
    return this.of(node_id).map((event) => event.event_type);
  }

  of(node_id: string): PublishedEvent[] {
    return this.published.filter((event) => event.node_id === node_id);
  }

  /** Names of the effects that were carried out for a node, in order. */
  done(node_id: string): string[] {
    return this.effects.filter(({ request }) => request.node_id === node_id).map(({ activity }) => activity);
  }

  fail(
    name: string,
    tries: number,
    message = 'connect ECONNREFUSED 127.0.0.1',
    type: typeof UNAVAILABLE | typeof REFUSED = UNAVAILABLE,
  ): void {
    this.failures.set(name, { tries, type, message });
  }

  /**
   * Keeps an activity of a node in flight until the answered function is called:
   * its tries as a local one fail, and as an ordinary one it takes its time.
   */
  hold(activity: keyof Activities, node_id: string): () => void {
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    this.held.set(`${activity} ${node_id}`, released);
    return () => {
      this.held.delete(`${activity} ${node_id}`);
      release();
    };
  }

  async now(): Promise<string> {
    return new Date(await this.env.currentTimeMs()).toISOString();
  }

  activities(): Activities {
    const effect =
      (activity: Backend) =>
      async (request: EffectRequest): Promise<EffectResult> => {
        await this.tried(activity, request.node_id);
        const fenced_by = this.fences.get(activity)?.shift();
        if (fenced_by !== undefined) return { done: false, fenced_by };
        this.effects.push({ activity, request });
        if (activity.startsWith('postgres.')) this.remember(request);
        return { done: true };
      };
    return {
      open_attempt: async (node_id) => {
        await this.tried('open_attempt', node_id);
        return { record: this.records.get(node_id) ?? null, contract: this.contract };
      },
      publish_events: async (events) => {
        await this.tried('publish_events', events[0]?.node_id ?? '');
        const sent_at = await this.now();
        this.published.push(...events.map((event) => ({ ...event, sent_at })));
        return { sent_at };
      },
      verify_lease: async ({ node_id }) => {
        await this.tried('verify_lease', node_id);
        return { ...this.lease(node_id, await this.now()), contract_version: this.contract.version } as LeaseAnswer;
      },
      verify_acks_read: async (deadline) => {
        await this.tried('verify_acks_read', '');
        const now = await this.now();
        const readUpTo = plusSeconds(now, -this.acksLag);
        // Nobody has read what is still to come.
        if (readUpTo >= deadline && (this.acksReadAfter === null || now >= this.acksReadAfter)) return { read: true };
        return {
          read: false,
          why: `the ack topic has been read only up to ${readUpTo}`,
          again_at: plusSeconds(now, 1),
        };
      },
      'consul.register': effect('consul.register'),
      'consul.pass': effect('consul.pass'),
      'consul.deregister': effect('consul.deregister'),
      'postgres.upsert_registration': effect('postgres.upsert_registration'),
      'postgres.update_registration': effect('postgres.update_registration'),
    };
  }

  private async tried(name: string, node_id: string): Promise<void> {
    const key = `${name} ${node_id}`;
    this.tries.set(key, (this.tries.get(key) ?? 0) + 1);
    const released = this.held.get(key);
    if (released !== undefined) {
      if (activityInfo().isLocal) throw ApplicationFailure.create({ message: 'held', type: UNAVAILABLE });
      await released;
    }
    const failure = this.failures.get(name);
    if (failure === undefined || failure.tries <= 0) return;
    failure.tries -= 1;
    throw ApplicationFailure.create({ message: failure.message, type: failure.type });
  }

  private remember({ node_id, attempt, intent: { payload } }: EffectRequest): void {
    const { correlation_id, epoch, introspected_at, state, reason, ...data } = payload as unknown as NodeRecord &
      Introspection;
    const { node_type, node_version, endpoints, capabilities } = data;
    const introspection: Introspection = {
      message_id: 'record',
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
    this.records.set(node_id, {
      attempt,
      correlation_id,
      epoch,
      introspected_at,
      state,
      reason: reason ?? null,
      introspection,
      lasting,
    });
  }

  /** An attempt lasts from the opening of its lease to its end. */
  private lasting(
    node_id: string,
    attempt: number,
    payload: EffectRequest['intent']['payload'],
  ): NodeRecord['lasting'] {
    if (payload['ended'] === true) return null;
    if (payload['lease'] !== 'open') {
      const before = this.records.get(node_id);
      return before?.attempt === attempt ? before.lasting : null;
    }
    const { reducer_status, ack_deadline, liveness_deadline } = payload as unknown as LastingAttempt;
    return { reducer_status, state_since: new Date(0).toISOString(), ack_deadline, liveness_deadline };
  }
}
