import type { Client } from '@temporalio/client';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Contracts } from '../contracts/load.js';
import { createAdmin } from '../kafka/admin.js';
import { consume, type RecordBatch, type Subscription } from '../kafka/consumer.js';
import type { KafkaHandle } from '../kafka/kafka.js';
import { createProducer } from '../kafka/producer.js';
import { logger as namedLogger } from '../telemetry.js';
import { acks } from './acks.js';
import { brakeQuestion, watchBrake } from './liveness/watch-self-preservation.js';
import type { BridgeContext } from './context.js';
import { newCounters, type BridgeCounters } from './counters.js';
import { DeadLetters } from './dead-letters.js';
import { every, type Repetition } from './every.js';
import { heartbeats } from './liveness/heartbeats.js';
import { IntrospectionRequests } from './liveness/introspection-requests.js';
import { introspections } from './introspections.js';
import { bridgeMetrics, type ReadTopic } from './metrics.js';
import { Backend } from './outage.js';
import { startSweep } from './liveness/sweep.js';
import { bridgeTopics, groupId, type Names } from './bridge-topics.js';
import { QuietPartitions, type StoredStream } from './liveness/watermarks.js';

export interface BridgeOptions {
  /** The {env} and {namespace} of topics, and the task queue of the workers. */
  readonly config: Names & { readonly taskQueue: string };
  /** Topics, and how often a heartbeat is expected. */
  readonly contracts: Contracts;
  readonly temporalClient: Client;
  readonly pool: Pool;
  readonly kafka: KafkaHandle;
  /** Default: a logger named "bridge". */
  readonly logger?: Logger;
  /** Gives up a start that is waiting for Kafka or PostgreSQL. */
  readonly signal?: AbortSignal;
  /** A consumer has ended for good. Default: the process ends with this error. */
  readonly onFatal?: (error: Error) => void;
  /** How long stop() waits for what is under way. Milliseconds, default 8000. */
  readonly stopGraceMs?: number;
}

export interface Bridge {
  /** Finishes what it holds, commits, leaves the groups, closes what it opened. The Temporal client and the pool stay open. */
  stop(): Promise<void>;
  counters(): Readonly<BridgeCounters>;
  /** The counters, lags, watermarks and the brake, for Prometheus. */
  readonly metrics: Registry;
}

/** Often enough that a quiet second is not taken for a standstill, however short the heartbeat interval is. */
function quietMs(heartbeatIntervalSeconds: number): number {
  return Math.min(1_000, heartbeatIntervalSeconds * 250);
}

/**
 * Carries messages from Kafka to where they have an effect: introspections and
 * acks to the nodes' workflows, heartbeats to the lease table, and what nobody
 * can understand to the dead letters. An offset is committed only after the
 * effect is durable, so whatever is away is waited for, and nothing is lost.
 * Whoever falls silent is looked for by one of the bridges (sweep.ts).
 *
 * Resolves when it reads all three topics.
 */
export async function startBridge(options: BridgeOptions): Promise<Bridge> {
  const { config, contracts, pool, kafka, temporalClient, logger = namedLogger('bridge') } = options;
  const topics = bridgeTopics(contracts, config);
  const stalledSeconds = contracts.compiled.liveness.heartbeat_interval_seconds;
  const stream = (kind: 'acks' | 'heartbeats'): StoredStream => ({
    topic: topics[kind],
    groupId: groupId(kind, config),
    stalledSeconds,
  });
  const streams = { acks: stream('acks'), heartbeats: stream('heartbeats') };

  const producer = createProducer(kafka);
  const admin = createAdmin(kafka);
  const counters = newCounters();
  const backends = {
    temporal: new Backend('Temporal', logger),
    postgres: new Backend('PostgreSQL', logger),
    kafka: new Backend('Kafka', logger),
  };
  const deadLetters = new DeadLetters(topics.deadLetters, producer, backends.kafka, counters);
  const context: BridgeContext = {
    temporalClient,
    taskQueue: config.taskQueue,
    pool,
    producer,
    deadLetters,
    counters,
    logger,
    ...backends,
  };
  const quiet = {
    acks: new QuietPartitions(admin, streams.acks),
    heartbeats: new QuietPartitions(admin, streams.heartbeats),
  };

  const abandoned = new AbortController();
  const signal = AbortSignal.any([abandoned.signal, ...(options.signal ? [options.signal] : [])]);
  const subscribe = (
    topic: string,
    group: string,
    onBatch: (batch: RecordBatch) => Promise<void>,
    assigned?: QuietPartitions,
  ): Promise<Subscription> =>
    consume(kafka, {
      groupId: group,
      topics: [topic],
      // A node that introduced itself before the first bridge ever ran must not be lost.
      from: 'beginning',
      signal,
      onBatch,
      onAssigned: (partitions) => assigned?.assign(partitions[topic] ?? []),
      ...(options.onFatal ? { onFatal: options.onFatal } : {}),
      ...(options.stopGraceMs === undefined ? {} : { stopGraceMs: options.stopGraceMs }),
    });

  const giveUpAll = (error: unknown): never => {
    abandoned.abort(error);
    throw error;
  };

  const release = async (subscriptions: readonly Subscription[], ticks: readonly Repetition[]): Promise<void> => {
    await Promise.all([...subscriptions, ...ticks].map((one) => one.stop()));
    await Promise.all([producer.close(), admin.close()]);
  };

  const requests = new IntrospectionRequests(context, topics.introspectionRequests);
  const before = new Backend('Kafka or PostgreSQL', logger);
  const starts = [
    () => subscribe(topics.introspections, groupId('introspections', config), introspections(context)),
    async () => {
      await before.ride(() => quiet.acks.seed(pool), { signal });
      return subscribe(topics.acks, streams.acks.groupId, acks(context, streams.acks), quiet.acks);
    },
    async () => {
      await before.ride(() => quiet.heartbeats.seed(pool), { signal });
      return subscribe(
        topics.heartbeats,
        streams.heartbeats.groupId,
        heartbeats(context, streams.heartbeats, requests),
        quiet.heartbeats,
      );
    },
  ];
  const results = await Promise.allSettled(starts.map((start) => start().catch(giveUpAll)));
  const subscriptions = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) {
    await release(subscriptions, []);
    throw failed.reason;
  }

  const watermarks = new Backend('the broker or the database that keeps the watermarks', logger);
  const brake = watchBrake(context, brakeQuestion(contracts, config));
  const read = (kind: 'introspections' | 'acks' | 'heartbeats'): ReadTopic => ({
    topic: topics[kind],
    groupId: groupId(kind, config),
    hasWatermark: kind !== 'introspections',
  });
  const metrics = bridgeMetrics(
    context,
    admin,
    [read('introspections'), read('acks'), read('heartbeats')],
    brake.state,
  );
  const ticks = Object.values(quiet).map((partitions) =>
    every(quietMs(stalledSeconds), async () => {
      try {
        await partitions.advance(pool);
        watermarks.answered();
      } catch (error) {
        watermarks.failed(error);
      }
    }),
  );
  ticks.push(startSweep(context, contracts, topics.heartbeats), brake);
  logger.info({ topics, taskQueue: config.taskQueue }, 'bridge runs');
  return { stop: () => release(subscriptions, ticks), counters: () => ({ ...counters }), metrics };
}
