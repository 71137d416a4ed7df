import type { Consumer, EachBatchPayload } from 'kafkajs';
import type { Logger } from 'pino';
import { errorText } from '../error-text.js';
import { OnceAMinute } from '../once-a-minute.js';
import { explainRefusal, explained, isRefused, type Need } from './access/refusal.js';
import { Commits } from './commits.js';
import { Contiguous } from './contiguous.js';
import { CLIENT, type KafkaHandle } from './client.js';
import { patiently } from './patiently.js';
import { endsOf, place, type NextOffsets } from './positions.js';
import { contentOf, type IncomingRecord, type ReadUpTo } from './records.js';
import { Working } from './working.js';

export type { IncomingRecord } from './records.js';

/** Records of one partition, in order; there are none where all that was read are markers. */
export interface RecordBatch {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly IncomingRecord[];
  readonly upTo: ReadUpTo;
  /** This record's effect is durable. What is not marked is delivered again. */
  done(record: IncomingRecord): void;
  /** False once the consumer is being stopped: start nothing new, finish what is begun. */
  isRunning(): boolean;
  /**
   * Aborted when there is no point in going on: the partition belongs to another member now, or stopping has lasted too
   * long.
   */
  readonly signal: AbortSignal;
}

export interface ConsumeOptions {
  readonly groupId: string;
  readonly topics: readonly string[];
  /** Where a group that has never committed begins: with the oldest record, what is sent from now on, or here. */
  readonly from: 'beginning' | 'now' | NextOffsets;
  /** Called for several partitions at once, never twice at once for one. */
  readonly onBatch: (batch: RecordBatch) => Promise<void>;
  /** The partitions that this process reads now, by topic. */
  readonly onAssigned?: (partitions: Readonly<Record<string, readonly number[]>>) => void;
  /** The consumer has ended for good and reads nothing any more. Default: the process ends with this error. */
  readonly onFatal?: (error: Error) => void;
  /** Partitions worked on at once. Default 4. */
  readonly partitionsAtOnce?: number;
  /**
   * How long stop() lets a batch finish what it has begun, before its signal is aborted. Milliseconds, default 8000.
   */
  readonly stopGraceMs?: number;
  /** Gives up waiting for Kafka at the start. */
  readonly signal?: AbortSignal;
  /** Called with why nothing can be read yet, or any more; it is tried again all the same. */
  readonly onTrouble?: (error: Error) => void;
}

export interface Subscription {
  /**
   * How long it has not got on: since the broker's last answer to a fetch, or since the oldest batch was begun that is
   * still worked on. Milliseconds.
   */
  stalledMs(): number;
  /** Finishes what is begun, commits, leaves the group. */
  stop(): Promise<void>;
}

/**
 * Consumes topics as a member of a group. Resolves when the group has been
 * joined; while Kafka or a topic is not there, it waits.
 *
 * Offsets are committed only as far as every record has been marked as done.
 * While a batch is worked on, however long that takes, the group learns that
 * this member lives. However long a backlog is, at most 1 MB of a partition
 * and 10 MB in all are held of it (kafkajs's defaults).
 */
export async function consume(kafka: KafkaHandle, options: ConsumeOptions): Promise<Subscription> {
  const { groupId, topics, from, stopGraceMs = 8_000 } = options;
  const need: Need = { operation: 'READ', topics, group: groupId };
  const working = new Working();
  const consumer = kafka[CLIENT]().consumer({
    groupId,
    // A killed member keeps its partitions for so long. Measured until the next member's first batch: 11.6 s, far less
    // than the lease duration. After an outage of Kafka the group waits for so long, too: it still counts this very
    // member as it was before the outage.
    sessionTimeout: 10_000,
    heartbeatInterval: 2_000,
    rebalanceTimeout: 20_000,
    // How long an idle fetch (and with it a stop) may last; a record is delivered at once all the same.
    maxWaitTimeInMs: 500,
    allowAutoTopicCreation: false,
  });
  const positions = from === 'now' ? await endsOf(kafka, topics, options) : from === 'beginning' ? null : from;
  const commits = new Commits(kafka.logger);
  let fetchedAt = performance.now();
  consumer.on(consumer.events.FETCH, () => {
    fetchedAt = performance.now();
  });
  consumer.on(consumer.events.REBALANCING, () => void commits.flush());
  const start = async (): Promise<void> => {
    await patiently(kafka, `cannot consume ${topics.join(', ')} yet`, options, () =>
      explained(kafka, need, async () => {
        await consumer.connect();
        await consumer.subscribe({ topics: [...topics], fromBeginning: from === 'beginning' });
      }),
    );
    await consumer.run({
      eachBatchAutoResolve: false,
      autoCommit: false,
      partitionsConsumedConcurrently: options.partitionsAtOnce ?? 4,
      eachBatch: (payload) => work(payload, options, { working, positions, commits, logger: kafka.logger }),
    });
  };
  let stopped = false;
  const minute = new OnceAMinute();
  const startAgain = async (error: Error): Promise<void> => {
    const reason = errorText(await explainRefusal(kafka, need, error));
    const text = `cannot consume ${topics.join(', ')} any more; waiting for Kafka`;
    if (minute.isDue(reason)) kafka.logger.warn({ reason }, text);
    options.onTrouble?.(new Error(reason, { cause: error }));
    await new Promise((resolve) => setTimeout(resolve, START_AGAIN_AFTER_MS));
    if (!stopped) await start();
  };
  try {
    await Promise.all([watch(consumer, options, positions, startAgain), start()]);
  } catch (error) {
    stopped = true;
    await consumer.disconnect();
    throw error;
  }

  return {
    stalledMs: () => Math.max(performance.now() - fetchedAt, working.oldestMs()),
    async stop() {
      stopped = true;
      const timer = setTimeout(() => working.abort(new Error('the consumer is being stopped')), stopGraceMs);
      await commits.flush();
      await consumer.disconnect();
      clearTimeout(timer);
    },
  };
}

const START_AGAIN_AFTER_MS = 1_000;

/** An absent broker, in kafkajs's words for it that do not make it begin anew by itself. */
const OUTAGES: ReadonlySet<string> = new Set(['KafkaJSLockTimeout', 'KafkaJSGroupCoordinatorNotFound']);

function isOutage(error: unknown): boolean {
  for (let one = error; one instanceof Error; one = one.cause) if (OUTAGES.has(one.name)) return true;
  return false;
}

/** Follows the consumer's life. Resolves when it has joined the group for the first time. */
function watch(
  consumer: Consumer,
  options: ConsumeOptions,
  positions: NextOffsets | null,
  startAgain: (error: Error) => Promise<void>,
): Promise<void> {
  const fatal = options.onFatal ?? endProcess;
  let joined = false;
  return new Promise((resolve, reject) => {
    options.signal?.addEventListener('abort', ({ target }) => reject((target as AbortSignal).reason as Error), {
      once: true,
    });
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      // kafkajs knows no "from now on" across a rebalance: it would look for the end again.
      for (const [topic, partitions] of Object.entries(payload.memberAssignment)) {
        for (const partition of partitions) {
          const offset = positions?.get(place(topic, partition));
          if (offset !== undefined) consumer.seek({ topic, partition, offset });
        }
      }
      options.onAssigned?.(payload.memberAssignment);
      joined = true;
      resolve();
    });
    const end = (error: Error): void => {
      const ended = new Error(`the consumer of group ${options.groupId} has ended: ${error.message}`, { cause: error });
      if (joined) fatal(ended);
      else reject(ended);
    };
    consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
      // With restart, kafkajs begins anew by itself; without, a process is left that consumes nothing.
      if (restart) return;
      if (isOutage(error) || isRefused(error)) startAgain(error).catch(end);
      else end(error);
    });
  });
}

function endProcess(error: Error): void {
  setImmediate(() => {
    throw error;
  });
}

/** What the batches of a consumer share. */
interface Shared {
  readonly working: Working;
  readonly positions: NextOffsets | null;
  readonly commits: Commits;
  readonly logger: Logger;
}

/**
 * Hands a batch to the handler and keeps the membership alive for as long as it is worked on. What the handler throws
 * makes kafkajs deliver the batch again.
 */
async function work(
  payload: EachBatchPayload,
  { onBatch }: Pick<ConsumeOptions, 'onBatch'>,
  { working, positions, commits, logger }: Shared,
): Promise<void> {
  const { topic, partition } = payload.batch;
  if (!payload.isRunning() || payload.isStale()) return;
  const { records, upTo, markers } = contentOf(payload.batch);
  if (upTo === null) return;
  for (const { undecodable } of records)
    if (undecodable !== undefined) logger.error({ topic, partition }, `${undecodable}; it is passed over`);
  const finished = new Contiguous(payload.batch.messages.map(({ offset }) => offset));
  const done = (offset: string): void => {
    const last = finished.done(offset);
    if (last === null) return;
    payload.resolveOffset(last);
    commits.due(payload);
    positions?.set(place(topic, partition), String(BigInt(last) + 1n));
  };
  for (const offset of markers) done(offset);
  const ending = working.begin();
  let lost: { readonly error: unknown } | null = null;
  const timer = setInterval(() => {
    payload.heartbeat().catch((error: unknown) => {
      // The group has gone on without us.
      lost ??= { error };
      ending.abort(error);
    });
  }, 1_000);
  try {
    await onBatch({
      topic,
      partition,
      records,
      upTo,
      isRunning: () => payload.isRunning(),
      signal: ending.signal,
      done: ({ offset }) => done(offset),
    });
  } catch (error) {
    // The end of a batch whose signal was aborted is no failure of its own. kafkajs holds a TypeError and the like for
    // the end of everything: hence an error of another kind.
    if (!ending.signal.aborted) throw new Error(errorText(error), { cause: error });
    if (error !== ending.signal.reason)
      logger.warn({ topic, partition, err: error }, 'a batch that was given up failed');
  } finally {
    clearInterval(timer);
    working.end(ending);
    // The group is left after this.
    if (!payload.isRunning()) await commits.flush();
  }
  // kafkajs must see a rebalance: it joins the group again.
  throwIfLost(lost);
}

function throwIfLost(lost: { readonly error: unknown } | null): void {
  if (lost !== null) throw lost.error;
}
