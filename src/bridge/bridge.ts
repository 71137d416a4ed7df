import type { Client } from '@temporalio/client';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Contracts } from '../contracts/load.js';
import { createAdmin, type KafkaAdmin } from '../kafka/admin.js';
import { createProducer } from '../kafka/producer.js';
import { logger as namedLogger } from '../telemetry.js';
import { Backend } from './backend.js';
import { Bans } from './bans.js';
import { bridgeEvent } from './bridge-event.js';
import { bridgeTopics, type BridgeTopics } from './bridge-topics.js';
import type { Names } from '../protocol/topics.js';
import type { BridgeContext } from './context.js';
import { newCounters, type BridgeCounters } from './counters.js';
import { DeadLetters } from './dead-letters.js';
import type { Config } from '../config/index.js';
import { every, type Repetition } from '../every.js';
import { startSweep } from './liveness/sweep.js';
import { selfPreservationQuestion, watchSelfPreservation } from './liveness/watch-self-preservation.js';
import { bridgeMetrics } from './bridge-metrics.js';
import { addReconciliationMetrics } from './reconciliation/metrics.js';
import { startReconciler } from './reconciliation/reconciler.js';
import { whyNotReading } from './readiness.js';
import { runStart } from './run-options.js';
import { openKeyDirectory, type KeyDirectory } from './signing/key-directory.js';
import { Signing } from './signing/signing.js';
import { idleAfterMs } from './liveness/topic-watermarks.js';
import { align, streamsOf, subscribeAll, type Stream, type SubscribeOptions } from './streams.js';

export interface BridgeOptions extends SubscribeOptions {
  /** The {env} and {namespace} of topics, the task queue of the workers, and Consul's address. */
  readonly config: Names & Pick<Config, 'consul' | 'taskQueue'>;
  /** Topics, and how often a heartbeat is expected. */
  readonly contracts: Contracts;
  readonly temporalClient: Client;
  readonly pool: Pool;
  /** Default: a logger named "bridge". */
  readonly logger?: Logger;
}

export interface Bridge {
  /**
   * Finishes what it holds, commits, leaves the groups, closes what it opened. The Temporal client and the pool stay
   * open.
   */
  stop(): Promise<void>;
  counters(): Readonly<BridgeCounters> & { readonly dead_letters: number };
  /** Why it does not read; null while it does. */
  notReady(): string | null;
  /** The counters, lags, watermarks and self-preservation, for Prometheus. */
  readonly metrics: Registry;
}

/**
 * Carries messages from Kafka to where they have an effect: introspections and
 * acks to the nodes' workflows, heartbeats to the lease table, and what cannot
 * be understood to the dead letters. An offset is committed only after the
 * effect is durable, so whatever is away is waited for, and nothing is lost.
 * Whoever sends no heartbeat any more is looked for by one of the bridges (sweep.ts).
 *
 * Resolves when it reads all topics.
 */
export async function startBridge(options: BridgeOptions): Promise<Bridge> {
  const { config, contracts } = options;
  const { liveness } = contracts.compiled;
  const topics = bridgeTopics(contracts, config);
  const directory = await openKeyDirectory(contracts.signing, options.logger ?? namedLogger('bridge'));
  const admin = createAdmin(options.kafka);
  const context = contextOf(options, topics, directory);
  const close = async (): Promise<void> => {
    await Promise.all([context.producer.close(), admin.close()]);
  };
  const streams = streamsOf(context, admin, { names: config, topics, contracts });
  const subscriptions = await subscribeAll(context, admin, streams, options).catch(async (error: unknown) => {
    await close();
    throw error;
  });

  const selfPreservation = watchSelfPreservation(context, selfPreservationQuestion(contracts, config));
  const sweep = startSweep(context, contracts, topics.heartbeats);
  const reconciler = startReconciler(context, contracts, config, sweep.leads);
  const repetitions = [
    ...keepWatermarks(context, admin, streams, liveness.heartbeat_interval_seconds),
    ...readKeys(directory, context.logger),
    every(READ_BANS_EVERY_MS, () => context.postgres.once(() => context.bans.read(context.pool))),
    sweep,
    reconciler,
    selfPreservation,
  ];
  const metrics = bridgeMetrics(context, admin, streams, selfPreservation.state, liveness.window_seconds);
  addReconciliationMetrics(metrics, reconciler.last);
  context.logger.info({ topics, taskQueue: config.taskQueue }, 'bridge runs');
  return {
    async stop() {
      await Promise.all([...subscriptions, ...repetitions].map((one) => one.stop()));
      await close();
    },
    notReady: () => whyNotReading(streams, subscriptions),
    counters: () => ({ ...context.counters, dead_letters: total(context.deadLetters.counts().values()) }),
    metrics,
  };
}

function total(counts: Iterable<number>): number {
  return [...counts].reduce((sum, count) => sum + count, 0);
}

function contextOf(options: BridgeOptions, topics: BridgeTopics, directory: KeyDirectory | null): BridgeContext {
  const { config, contracts, temporalClient, pool, kafka, logger = namedLogger('bridge') } = options;
  const producer = createProducer(kafka);
  const counters = newCounters();
  const backends = {
    temporal: new Backend('Temporal', logger),
    postgres: new Backend('PostgreSQL', logger),
    kafka: new Backend('Kafka', logger),
  };
  return {
    temporalClient,
    runs: runStart(contracts, config.taskQueue),
    pool,
    producer,
    deadLetters: new DeadLetters(
      bridgeEvent(contracts.compiled, 'dead_letter', topics.deadLetters),
      producer,
      backends.kafka,
      logger,
    ),
    bans: new Bans(contracts.compiled.liveness.window_seconds),
    signing:
      contracts.signing.mode === 'off'
        ? null
        : new Signing({ pool, postgres: backends.postgres, logger, mode: contracts.signing.mode, directory }),
    counters,
    logger,
    ...backends,
  };
}

/** A node that is let in again waits at most so long. */
const READ_BANS_EVERY_MS = 5_000;

/** A key that is put into the directory, or taken out of it, counts so much later at most. */
const READ_KEYS_EVERY_MS = 10_000;

function readKeys(directory: KeyDirectory | null, logger: Logger): Repetition[] {
  if (directory === null) return [];
  const backend = new Backend("the directory of nodes' keys", logger);
  return [every(READ_KEYS_EVERY_MS, () => backend.once(() => directory.read()))];
}

/** How often the broker is asked which partitions a topic has. */
const ALIGN_EVERY_MS = 5_000;

/** Moves the watermarks of idle partitions, and keeps a row for each partition that there is. */
function keepWatermarks(
  { pool, logger }: BridgeContext,
  admin: KafkaAdmin,
  streams: readonly Stream[],
  stalledSeconds: number,
): Repetition[] {
  const backends = new Backend('the broker or the database that keeps the watermarks', logger);
  return streams
    .flatMap(({ watermarks }) => watermarks)
    .flatMap((one) => [
      every(idleAfterMs(stalledSeconds), () => backends.once(() => one.advance(pool))),
      every(ALIGN_EVERY_MS, () => backends.once(() => align(admin, pool, one.topic))),
    ]);
}
