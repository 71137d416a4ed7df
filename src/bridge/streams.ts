import type { CompiledContract } from '../contracts/compiled.js';
import type { KafkaAdmin } from '../kafka/admin.js';
import { consume, type RecordBatch, type Subscription } from '../kafka/consumer.js';
import type { KafkaHandle } from '../kafka/kafka.js';
import type { Topics } from '../registry/leases/heartbeat-stream.js';
import { acks } from './acks.js';
import { Backend } from './backend.js';
import { bridgeEvent } from './bridge-event.js';
import { groupId, type BridgeTopics, type Names, type StreamKind } from './bridge-topics.js';
import type { BridgeContext } from './context.js';
import { introspections } from './introspections.js';
import { heartbeats } from './liveness/heartbeats.js';
import { IntrospectionRequests } from './liveness/introspection-requests.js';
import { IdlePartitions } from './liveness/idle-partitions.js';

/** One kind of message: where it is read, and what is done with it. */
export interface Stream {
  readonly topics: Topics;
  readonly groupId: string;
  readonly handle: (batch: RecordBatch) => Promise<void>;
  /** The idle partitions of each topic whose watermark is kept in the database. */
  readonly idle: readonly IdlePartitions[];
}

export interface StreamOptions {
  readonly names: Names;
  readonly topics: BridgeTopics;
  readonly contract: CompiledContract;
}

/** Everything that a bridge reads. */
export function streamsOf(
  context: BridgeContext,
  admin: KafkaAdmin,
  { names, topics, contract }: StreamOptions,
): readonly Stream[] {
  const stalledSeconds = contract.liveness.heartbeat_interval_seconds;
  const request = bridgeEvent(contract, 'request_introspection', topics.introspectionRequests);
  const requests = new IntrospectionRequests(context, request);
  const table: readonly (readonly [StreamKind, Stream['handle'], { readonly hasWatermark: boolean }])[] = [
    ['introspections', introspections(context), { hasWatermark: false }],
    ['acks', acks(context, stalledSeconds), { hasWatermark: true }],
    ['heartbeats', heartbeats(context, stalledSeconds, requests), { hasWatermark: true }],
  ];
  return table.map(([kind, handle, { hasWatermark }]) => {
    const group = groupId(kind, names);
    const idle = hasWatermark ? topics[kind] : [];
    return {
      topics: topics[kind],
      groupId: group,
      handle,
      idle: idle.map((topic) => new IdlePartitions(admin, { topic, groupId: group, stalledSeconds })),
    };
  });
}

export interface SubscribeOptions {
  readonly kafka: KafkaHandle;
  /** Gives up a start that is waiting for Kafka or PostgreSQL. */
  readonly signal?: AbortSignal;
  /** A consumer has ended for good. Default: the process ends with this error. */
  readonly onFatal?: (error: Error) => void;
  /** How long a stop waits for what is in flight. Milliseconds, default 8000. */
  readonly stopGraceMs?: number;
}

/**
 * Subscribes to all streams at once.
 *
 * @throws the first failure; whatever had been subscribed to by then is stopped
 */
export async function subscribeAll(
  context: BridgeContext,
  streams: readonly Stream[],
  options: SubscribeOptions,
): Promise<Subscription[]> {
  const abandoned = new AbortController();
  const signal = AbortSignal.any([abandoned.signal, ...(options.signal ? [options.signal] : [])]);
  const abandon = (error: unknown): never => {
    abandoned.abort(error);
    throw error;
  };
  const results = await Promise.allSettled(
    streams.map((stream) => subscribe(context, stream, { ...options, signal }).catch(abandon)),
  );
  const subscriptions = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed === undefined) return subscriptions;
  await Promise.all(subscriptions.map((subscription) => subscription.stop()));
  throw failed.reason;
}

async function subscribe(
  { pool, logger }: BridgeContext,
  { topics, groupId, handle, idle }: Stream,
  { kafka, signal, onFatal, stopGraceMs }: SubscribeOptions & { readonly signal: AbortSignal },
): Promise<Subscription> {
  const backends = new Backend('Kafka or PostgreSQL', logger);
  for (const partitions of idle) await backends.untilAnswered(() => partitions.seed(pool), { signal });
  return consume(kafka, {
    groupId,
    topics,
    // A node that introduced itself before the first bridge ever ran must not be lost.
    from: 'beginning',
    signal,
    onBatch: handle,
    onAssigned: (assignment) => {
      for (const partitions of idle) partitions.assign(assignment[partitions.topic] ?? []);
    },
    ...(onFatal ? { onFatal } : {}),
    ...(stopGraceMs === undefined ? {} : { stopGraceMs }),
  });
}
