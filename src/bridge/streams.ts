import type { Pool } from 'pg';
import type { Contracts } from '../contracts/load.js';
import type { KafkaAdmin } from '../kafka/admin.js';
import { consume, type RecordBatch, type Subscription } from '../kafka/consumer.js';
import type { KafkaHandle } from '../kafka/client.js';
import type { HeartbeatTopics } from '../registry/leases/heartbeat-stream.js';
import { alignPartitions } from '../registry/leases/watermarks.js';
import { acks } from './acks.js';
import { Backend } from './backend.js';
import { bridgeEvent } from './bridge-event.js';
import { groupId, type BridgeTopics, type StreamKind } from './bridge-topics.js';
import type { Names } from '../protocol/topics.js';
import type { BridgeContext } from './context.js';
import { drainRequests } from './drain-requests.js';
import { introspections } from './introspections.js';
import { heartbeats } from './liveness/heartbeats.js';
import { IntrospectionRequests } from './liveness/introspection-requests.js';
import { AskedTopic } from './liveness/asked-topic.js';
import { MarkedTopic } from './liveness/marked-topic.js';
import type { TopicWatermarks } from './liveness/topic-watermarks.js';
import { recordByRecord } from './record-by-record.js';

/** One kind of message: where it is read, and what is done with it. */
export interface Stream {
  readonly topics: HeartbeatTopics;
  readonly groupId: string;
  readonly handle: (batch: RecordBatch) => Promise<void>;
  /** Of each topic whose watermarks are kept in the database. */
  readonly watermarks: readonly TopicWatermarks[];
}

export interface StreamOptions {
  readonly names: Names;
  readonly topics: BridgeTopics;
  readonly contracts: Pick<Contracts, 'compiled' | 'stream_markers'>;
}

/** A node's heartbeat with its headers: 1,000 to 1,400 bytes of existing nodes and ours. */
const HEARTBEAT_BYTES = 1_536;
/** An ack is not made larger: a week of its topic stays small. */
const ACK_BYTES = 0;

/** Everything that a bridge reads. */
export function streamsOf(
  context: BridgeContext,
  admin: KafkaAdmin,
  { names, topics, contracts: { compiled, stream_markers } }: StreamOptions,
): readonly Stream[] {
  const { heartbeat_interval_seconds: stalledSeconds, window_seconds } = compiled.liveness;
  const keep = (kind: StreamKind, markerBytes: number): TopicWatermarks[] =>
    topics[kind].map((topic) =>
      stream_markers
        ? new MarkedTopic(context.producer, { topic, stalledSeconds, markerBytes })
        : new AskedTopic(admin, { topic, stalledSeconds, groupId: groupId(kind, names) }),
    );
  const kept = {
    introspections: [],
    drains: [],
    acks: keep('acks', ACK_BYTES),
    heartbeats: keep('heartbeats', HEARTBEAT_BYTES),
  };
  const request = bridgeEvent(compiled, 'request_introspection', topics.introspectionRequests);
  const requests = new IntrospectionRequests(context, request);
  const handlers: readonly (readonly [StreamKind, Stream['handle']])[] = [
    ['introspections', introspections(context)],
    ['drains', drainRequests(context)],
    ['acks', acks(context, oneOf(kept.acks))],
    ['heartbeats', heartbeats(context, { window_seconds, watermarksOf: oneOf(kept.heartbeats), requests })],
  ];
  return handlers.map(([kind, handle]) => ({
    topics: topics[kind],
    groupId: groupId(kind, names),
    handle: recordByRecord(context, handle),
    watermarks: kept[kind],
  }));
}

const oneOf =
  (kept: readonly TopicWatermarks[]) =>
  (topic: string): TopicWatermarks => {
    const found = kept.find((one) => one.topic === topic);
    if (found === undefined) throw new Error(`nobody keeps the watermarks of ${topic}`);
    return found;
  };

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
  admin: KafkaAdmin,
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
    streams.map((stream) => subscribe(context, admin, stream, { ...options, signal }).catch(abandon)),
  );
  const subscriptions = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed === undefined) return subscriptions;
  await Promise.all(subscriptions.map((subscription) => subscription.stop()));
  throw failed.reason;
}

/**
 * Keeps a row for each partition that the broker names now, and for no other. The row of a partition that is gone would
 * keep everybody from expiring for ever. A partition without a row would not count.
 */
export async function align(admin: KafkaAdmin, pool: Pool, topic: string): Promise<void> {
  await alignPartitions(pool, topic, await admin.partitions(topic));
}

async function subscribe(
  { pool, logger }: BridgeContext,
  admin: KafkaAdmin,
  { topics, groupId, handle, watermarks }: Stream,
  { kafka, signal, onFatal, stopGraceMs }: SubscribeOptions & { readonly signal: AbortSignal },
): Promise<Subscription> {
  const backends = new Backend('Kafka or PostgreSQL', logger);
  for (const { topic } of watermarks) await backends.untilAnswered(() => align(admin, pool, topic), { signal });
  return consume(kafka, {
    groupId,
    topics,
    // A node that introduced itself before the first bridge ever ran must not be lost.
    from: 'beginning',
    signal,
    onBatch: handle,
    onAssigned: (assignment) => {
      for (const one of watermarks) one.assign(assignment[one.topic] ?? []);
    },
    ...(onFatal ? { onFatal } : {}),
    ...(stopGraceMs === undefined ? {} : { stopGraceMs }),
  });
}
