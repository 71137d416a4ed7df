import type { Consumer, EachBatchPayload } from 'kafkajs';
import pRetry from 'p-retry';
import { createAdmin } from './admin.js';
import { Commits } from './commits.js';
import { Contiguous } from './contiguous.js';
import { CLIENT, type KafkaHandle } from './kafka.js';
import { contentOf, type IncomingRecord, type ReadUpTo } from './records.js';

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
  /** Where a group that has never committed begins: with the oldest record, or with what is sent from now on. */
  readonly from: 'beginning' | 'now';
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
}

export interface Subscription {
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
  const { groupId, topics, from, signal, stopGraceMs = 8_000 } = options;
  const stopping = new AbortController();
  const consumer = kafka[CLIENT]().consumer({
    groupId,
    // So long a killed member keeps its partitions (measured with the next one's first batch: 11.6 s, far within a
    // lease window), and so long the group waits after an outage of Kafka for the members that it remembers, which are
    // ourselves before it.
    sessionTimeout: 10_000,
    heartbeatInterval: 2_000,
    rebalanceTimeout: 20_000,
    // How long an idle fetch (and with it a stop) may last; a record is delivered at once all the same.
    maxWaitTimeInMs: 500,
    allowAutoTopicCreation: false,
  });
  const positions = from === 'now' ? await endsOf(kafka, options) : null;
  const commits = new Commits(kafka.logger);
  consumer.on(consumer.events.REBALANCING, () => void commits.flush());
  const start = async (): Promise<void> => {
    await patiently(kafka, `cannot consume ${topics.join(', ')} yet`, signal, async () => {
      await consumer.connect();
      await consumer.subscribe({ topics: [...topics], fromBeginning: from === 'beginning' });
    });
    await consumer.run({
      eachBatchAutoResolve: false,
      autoCommit: false,
      partitionsConsumedConcurrently: options.partitionsAtOnce ?? 4,
      eachBatch: (payload) => work(payload, options, stopping.signal, positions, commits),
    });
  };
  let stopped = false;
  const startAgain = async (): Promise<void> => {
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
    async stop() {
      stopped = true;
      const timer = setTimeout(() => stopping.abort(new Error('the consumer is being stopped')), stopGraceMs);
      await commits.flush();
      await consumer.disconnect();
      clearTimeout(timer);
    },
  };
}

/** Next offset by topic and partition, for a consumer that begins now. */
type Positions = Map<string, string>;

function place(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}

/**
 * kafkajs looks for the end of a topic with its first fetch, some time after
 * the group has been joined. Somebody who asks and then waits for the answer
 * would miss it; so the end is noted before.
 */
async function endsOf(kafka: KafkaHandle, { topics, signal }: ConsumeOptions): Promise<Positions> {
  const admin = createAdmin(kafka);
  try {
    return await patiently(kafka, `cannot ask for the end of ${topics.join(', ')} yet`, signal, async () => {
      const positions: Positions = new Map();
      for (const topic of topics)
        for (const { partition, high } of await admin.topicEnds(topic)) positions.set(place(topic, partition), high);
      return positions;
    });
  } finally {
    await admin.close();
  }
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
  positions: Positions | null,
  startAgain: () => Promise<void>,
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
      if (isOutage(error)) startAgain().catch(end);
      else end(error);
    });
  });
}

function endProcess(error: Error): void {
  setImmediate(() => {
    throw error;
  });
}

async function work(
  payload: EachBatchPayload,
  options: ConsumeOptions,
  stopped: AbortSignal,
  positions: Positions | null,
  commits: Commits,
): Promise<void> {
  const { topic, partition } = payload.batch;
  if (!payload.isRunning() || payload.isStale()) return;
  const { records, upTo, markers } = contentOf(payload.batch);
  if (upTo === null) return;
  const finished = new Contiguous(payload.batch.messages.map(({ offset }) => offset));
  const done = (offset: string): void => {
    const last = finished.done(offset);
    if (last === null) return;
    payload.resolveOffset(last);
    commits.due(payload);
    positions?.set(place(topic, partition), String(BigInt(last) + 1n));
  };
  for (const offset of markers) done(offset);
  const member = keepMembership(payload);
  try {
    await options.onBatch({
      topic,
      partition,
      records,
      upTo,
      isRunning: () => payload.isRunning(),
      signal: AbortSignal.any([member.signal, stopped]),
      done: ({ offset }) => done(offset),
    });
  } catch (error) {
    // The end of a batch whose signal was aborted is no failure of its own.
    if (error !== member.signal.reason && error !== stopped.reason) throw error;
  } finally {
    member.release();
    // The group is left after this.
    if (!payload.isRunning()) await commits.flush();
  }
  // kafkajs must see a rebalance: it joins the group again.
  member.signal.throwIfAborted();
}

/** Keeps the membership alive for as long as a batch is worked on; aborts when the group has gone on without us. */
function keepMembership(payload: EachBatchPayload): { readonly signal: AbortSignal; release(): void } {
  const lost = new AbortController();
  const timer = setInterval(() => {
    payload.heartbeat().catch((error: unknown) => lost.abort(error));
  }, 1_000);
  return { signal: lost.signal, release: () => clearInterval(timer) };
}

/** Waits for Kafka with growing pauses; that is logged once, and once when it is over. */
async function patiently<T>(
  kafka: KafkaHandle,
  what: string,
  signal: AbortSignal | undefined,
  attempt: () => Promise<T>,
): Promise<T> {
  let logged = false;
  const result = await pRetry(attempt, {
    retries: Number.POSITIVE_INFINITY,
    minTimeout: 500,
    maxTimeout: 5_000,
    ...(signal === undefined ? {} : { signal }),
    onFailedAttempt: ({ error }) => {
      if (!logged) kafka.logger.warn({ reason: error.message }, `${what}; waiting for it`);
      logged = true;
    },
  });
  if (logged) kafka.logger.info(`Kafka answers: over with "${what}"`);
  return result;
}
