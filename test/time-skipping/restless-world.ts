import { activityInfo, CompleteAsyncError } from '@temporalio/activity';
import type { AsyncCompletionClient } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import {
  REFUSED,
  UNAVAILABLE,
  type Activities,
  type EffectRequest,
  type EffectResult,
  type NodeRow,
} from '../../activities/api.js';
import type { CompiledContract } from '../../src/contracts/compiled.js';
import { derivedId } from '../../src/protocol/ids.js';
import type { Introspection } from '../../src/protocol/introspection.js';
import type { OutgoingEvent } from '../../src/protocol/published.js';
import { effectResult } from '../../activities/effect-result.js';
import { plusSeconds } from '../../workflows/core/time.js';
import { assertPublishable, callingNode } from './world.js';

/** How a try goes wrong: nothing was done, it was done but the answer is lost, or it is refused for good. */
export const HOW = ['undone', 'answer lost', 'refused'] as const;
export type How = (typeof HOW)[number];

export interface Acked {
  readonly what: 'acked';
  readonly correlation_id: string;
  readonly at: string;
  /** By then the server had taken its signal; null until then, and where no run was there. */
  taken_by: string | null;
}

/** What happened to a node, in the order in which the world saw it. */
export type Recorded =
  | { readonly what: 'published'; readonly event: OutgoingEvent; readonly at: string }
  /** The schema of an event refused it, with its reason. */
  | { readonly what: 'refused by its schema'; readonly why: string }
  | {
      readonly what: 'done';
      readonly activity: string;
      readonly attempt: number;
      readonly at: string;
      /** Whether others find the node afterwards, by what Consul holds. */
      readonly found: boolean;
    }
  | { readonly what: 'fenced'; readonly activity: string; readonly attempt: number; readonly by: number }
  /** At which `how` it went wrong, as a local activity or not. */
  | { readonly what: 'failed'; readonly activity: string; readonly how: How; readonly local: boolean }
  | { readonly what: 'introspected'; readonly introspection: Introspection }
  | { readonly what: 'asked to drain'; readonly draining: boolean }
  | Acked
  | { readonly what: 'noted'; readonly of: string };

/** A call of an ordinary activity that waits for its answer. */
interface Call {
  readonly activity: string;
  readonly activityId: string;
  readonly taskToken: Uint8Array;
  readonly ask: () => Promise<unknown>;
}

/**
 * What one node's backends hold of it, and what they answer to its workflow.
 *
 * The attempt's fence, the lease and the watermark of the ack topic are written
 * here a second time, in memory. A property over them proves that the workflow
 * is right if the backends answer like this. It does not prove that they do;
 * these tests in test/integration do:
 *
 * - that a lower attempt never overwrites a higher one, and that an ended row
 *   stays as it ended, in SQL: registry/rows.test.ts and
 *   registry/fence.properties.test.ts;
 * - that Consul's transaction is fenced likewise: registry/consul.test.ts;
 * - that a lease opens once, is only ever renewed later, and expires only behind
 *   the watermark while self-preservation is off: registry/leases.test.ts,
 *   registry/verify.test.ts, sweep.test.ts and self-preservation-rules.test.ts;
 * - that the watermark is behind every record that was not handled:
 *   bridge.test.ts.
 *
 * Left out: self-preservation, replicas, other nodes' leases, a database that
 * forgets, and a watermark that is behind (only the ack topic's is played).
 */
export class NodeWorld {
  readonly log: Recorded[] = [];
  /** Ordinary activities in flight, oldest first. */
  readonly calls: Call[] = [];
  /** Called when one of them begins. */
  onCall: () => void = () => undefined;
  /** The tries to come that go wrong, by activity. */
  readonly troubles = new Map<string, How[]>();
  consul: { readonly attempt: number; readonly passing: boolean } | null = null;
  /** What Consul shows of the node besides. */
  consulTags: readonly string[] = [];
  row: (NodeRow & { readonly ended: boolean }) | null = null;
  lease: {
    readonly attempt: number;
    readonly deadline: string;
    readonly last_heartbeat_at: string | null;
    readonly expired: boolean;
  } | null = null;
  /** Until then the ack topic is not read. */
  acksReadFrom = '';
  #gate: Promise<void> | null = null;
  #held = 0;
  #onHeld: () => void = () => undefined;

  constructor(
    readonly node_id: string,
    public contract: CompiledContract,
  ) {}

  /** Keeps local activities, and so a workflow task, in flight until the answered function is called. */
  holdLocals(): () => void {
    let letGo = (): void => undefined;
    this.#gate = new Promise((resolve) => {
      letGo = () => {
        this.#gate = null;
        resolve();
      };
    });
    return letGo;
  }

  get holdsLocal(): boolean {
    return this.#held > 0;
  }

  /** Resolves when a local activity is held. */
  whenLocalHeld(): Promise<void> {
    return this.holdsLocal ? Promise.resolve() : new Promise((resolve) => (this.#onHeld = resolve));
  }

  async localTurn(): Promise<void> {
    if (this.#gate === null) return;
    this.#held += 1;
    this.#onHeld();
    await this.#gate;
    this.#held -= 1;
  }

  /** A heartbeat, as the bridge stores it. */
  beat(at: string): void {
    if (this.lease === null || this.lease.expired) return;
    const renewed = plusSeconds(at, this.contract.liveness.window_seconds);
    this.lease = {
      ...this.lease,
      deadline: renewed > this.lease.deadline ? renewed : this.lease.deadline,
      last_heartbeat_at: at,
    };
  }

  /** As the real backends do it: a lower attempt never overwrites a higher one. */
  carryOut(activity: string, request: EffectRequest, at: string): EffectResult {
    const { attempt } = request;
    const by = (activity.startsWith('consul.') ? this.consul?.attempt : this.row?.attempt) ?? 0;
    if (by > attempt) {
      this.log.push({ what: 'fenced', activity, attempt, by });
      return { done: false, fenced_by: by };
    }
    if (activity.startsWith('consul.')) this.consulTags = request.intent.payload['tags'] as readonly string[];
    if (activity === 'consul.register') {
      // A drain says that the node is not to be found; whoever says nothing leaves that as it is.
      const passing = request.intent.payload['passing'] ?? (by === attempt && this.consul?.passing === true);
      this.consul = { attempt, passing: passing === true };
    } else if (activity === 'consul.pass') this.consul = { attempt, passing: true };
    else if (activity === 'consul.deregister') this.consul = null;
    else this.#write(request);
    this.log.push({ what: 'done', activity, attempt, at, found: this.consul?.passing === true });
    return effectResult(request, { done: true });
  }

  #write({ attempt, intent: { payload } }: EffectRequest): void {
    // An attempt that has ended stays as it ended.
    if (this.row?.attempt === attempt && this.row.ended) return;
    const {
      correlation_id,
      epoch,
      introspected_at,
      state,
      reducer_status,
      reason,
      ended,
      lease,
      liveness_deadline,
      ...data
    } = payload as unknown as NodeRow &
      Introspection & { ended?: boolean; lease?: 'open' | 'close'; liveness_deadline?: string | null };
    const { node_id, node_type, node_version, endpoints, capabilities } = data;
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
    const held = this.row?.attempt === attempt ? this.row : null;
    const says = payload['ended'] === undefined && held !== null ? held : { state, reason: reason ?? null };
    this.row = {
      attempt,
      correlation_id,
      epoch,
      introspected_at,
      state: says.state,
      reducer_status,
      reason: says.reason,
      introspection,
      lasting: null,
      unfinished: false,
      ended: ended === true,
    };
    if (lease === 'close') this.lease = null;
    if (lease === 'open' && this.lease?.attempt !== attempt)
      this.lease = { attempt, deadline: liveness_deadline ?? '', last_heartbeat_at: null, expired: false };
  }
}

/**
 * The world of many nodes at once, each with troubles of its own. What an
 * ordinary activity answers, and when, is the test's to say: it stays in
 * `calls` until `answer`. (As asynchronous completion, since only then does the
 * test know that the server has recorded the answer.)
 */
export class RestlessWorld {
  readonly #nodes = new Map<string, NodeWorld>();
  readonly #completion: AsyncCompletionClient;

  constructor(private readonly env: TestWorkflowEnvironment) {
    this.#completion = env.client.activity;
  }

  add(node: NodeWorld): void {
    this.#nodes.set(node.node_id, node);
  }

  async now(): Promise<string> {
    return new Date(await this.env.currentTimeMs()).toISOString();
  }

  /**
   * Carries out what an ordinary activity asked for; when this returns, the server has its answer.
   *
   * @param cancelled its cancellation was asked for: a failure is not tried again
   */
  async answer({ taskToken, ask }: Call, cancelled: boolean): Promise<void> {
    const reply = await ask().then(
      (result) => () => this.#completion.complete(taskToken, result),
      (error: unknown) => () =>
        this.#completion.fail(taskToken, cancelled ? ApplicationFailure.nonRetryable(String(error)) : error),
    );
    await reply();
  }

  activities(): Activities {
    const effect =
      (activity: string) =>
      (request: EffectRequest): Promise<EffectResult> =>
        this.#call(activity, request.node_id, (node, now) => node.carryOut(activity, request, now));
    return {
      open_attempt: (node_id) => this.#call('open_attempt', node_id, ({ row, contract }) => ({ row, contract })),
      publish_events: (events) =>
        this.#call('publish_events', events[0]?.node_id ?? '', (node, at) => {
          for (const event of events) {
            try {
              assertPublishable(event, at);
            } catch (error) {
              node.log.push({ what: 'refused by its schema', why: String(error) });
              throw error;
            }
          }
          for (const event of events) node.log.push({ what: 'published', event, at });
          return { sent_at: at, refused: [] };
        }),
      verify_lease: ({ node_id, attempt, window_seconds, grace_seconds, first_deadline = '' }) =>
        this.#call('verify_lease', node_id, (node, now) => {
          const contract_version = node.contract.version;
          const { lease } = node;
          if (lease?.attempt !== attempt)
            return {
              outcome: 'unknown',
              why: `the lease is not attempt ${attempt}'s`,
              again_in_seconds: window_seconds,
              contract_version,
            };
          const isFirst = lease.last_heartbeat_at === null && !lease.expired && first_deadline > lease.deadline;
          const deadline = isFirst ? first_deadline : lease.deadline;
          if (!lease.expired && plusSeconds(deadline, grace_seconds) >= now) {
            node.lease = { ...lease, deadline };
            return { outcome: 'renewed', deadline, contract_version };
          }
          node.lease = { ...lease, expired: true };
          return { outcome: 'expired', last_heartbeat_at: lease.last_heartbeat_at, contract_version };
        }),
      verify_acks_read: (deadline) =>
        this.#call('verify_acks_read', callingNode(), ({ acksReadFrom }, now) =>
          deadline < now && acksReadFrom <= now
            ? { read: true }
            : // Far enough away for a burst: see docs/decisions/races-the-test-server-loses.md.
              { read: false, why: 'the ack topic has not been read so far', again_in_seconds: 20 },
        ),
      'consul.register': effect('consul.register'),
      'consul.pass': effect('consul.pass'),
      'consul.deregister': effect('consul.deregister'),
      'postgres.upsert_registration': effect('postgres.upsert_registration'),
      'postgres.update_registration': effect('postgres.update_registration'),
    };
  }

  async #call<T>(activity: string, node_id: string, act: (node: NodeWorld, now: string) => T): Promise<T> {
    const node = this.#nodes.get(node_id);
    if (node === undefined)
      throw ApplicationFailure.nonRetryable(`${activity} asks for ${node_id}, a node of no script`);
    const { isLocal: local, activityId, taskToken } = activityInfo();
    const ask = async (): Promise<T> => {
      const now = await this.now();
      const how = node.troubles.get(activity)?.shift();
      if (how === undefined) return act(node, now);
      node.log.push({ what: 'failed', activity, how, local });
      if (how === 'answer lost') act(node, now);
      throw ApplicationFailure.create({
        message: `${activity}: ${how}`,
        type: how === 'refused' ? REFUSED : UNAVAILABLE,
      });
    };
    if (local) {
      await node.localTurn();
      return ask();
    }
    node.calls.push({ activity, activityId, taskToken, ask });
    node.onCall();
    throw new CompleteAsyncError();
  }
}
