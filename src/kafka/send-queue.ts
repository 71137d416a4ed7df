import type { EventProducer, RecordToSend } from './producer.js';
import { isAboutATopic, isTooLarge } from './refusals.js';

/** Brokers take 1 MB for a partition's batch by default; a single message has at most a quarter of this. */
const MAX_BATCH_BYTES = 512 * 1024;

interface Waiting {
  readonly record: RecordToSend;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  /** When it is too late to send it, in milliseconds since 1970. */
  readonly until: number;
}

/**
 * Sends records in the order in which they came. One request is in flight at a
 * time, and what has come meanwhile goes with the next one: a node alone waits
 * for nobody, and ten thousand need few requests.
 */
export class SendQueue {
  readonly #send: (records: readonly RecordToSend[]) => Promise<void>;
  #waiting: Waiting[] = [];
  #sending = false;

  /**
   * @param maxWaitMs a record that has waited longer behind others is not sent but rejected: its sender has given up by
   *   then, and will send it again. Milliseconds; by default it waits as long as it takes
   */
  constructor(
    send: (records: readonly RecordToSend[]) => Promise<void>,
    private readonly maxWaitMs = Infinity,
  ) {
    this.#send = send;
  }

  /** Resolves when the broker has it; rejects when it may not have arrived. */
  push(record: RecordToSend): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ record, resolve, reject, until: Date.now() + this.maxWaitMs });
      if (!this.#sending) void this.#drain();
    });
  }

  async #drain(): Promise<void> {
    this.#sending = true;
    // Everything of this turn of the event loop goes into the first request: each costs the broker and its readers more
    // than a record does.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      this.#rejectLate();
      await this.#settle(this.#nextBatch());
    }
    this.#sending = false;
  }

  /** One caller's missing topic, or a record that is too large, is no failure of the callers beside it. */
  async #settle(batch: readonly Waiting[]): Promise<void> {
    try {
      await this.#send(batch.map(({ record }) => record));
      for (const { resolve } of batch) resolve();
    } catch (error) {
      const parts = apart(batch, error);
      if (parts.length > 1) for (const part of parts) await this.#settle(part);
      else for (const { reject } of batch) reject(error);
    }
  }

  #rejectLate(): void {
    const now = Date.now();
    const late = this.#waiting.filter(({ until }) => until < now);
    if (late.length === 0) return;
    this.#waiting = this.#waiting.filter(({ until }) => until >= now);
    for (const { reject } of late)
      reject(new Error(`not sent within ${this.maxWaitMs} ms: requests to the broker take too long`));
  }

  #nextBatch(): Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const { record } of this.#waiting) {
      bytes += record.value?.length ?? 0;
      if (count > 0 && bytes > MAX_BATCH_BYTES) break;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }
}

/** What may succeed without the others, in order; one part where all of it has failed together. */
function apart(batch: readonly Waiting[], error: unknown): (readonly Waiting[])[] {
  const isLarge = isTooLarge(error);
  if (!isLarge && !isAboutATopic(error)) return [batch];
  const byTopic = new Map<string, Waiting[]>();
  for (const one of batch) byTopic.set(one.record.topic, [...(byTopic.get(one.record.topic) ?? []), one]);
  return byTopic.size === 1 && isLarge ? batch.map((one) => [one]) : [...byTopic.values()];
}

/** The same producer, with what many callers send at once in few requests. */
export function batched(producer: EventProducer, maxWaitMs: number): EventProducer {
  const queue = new SendQueue((records) => producer.send(records), maxWaitMs);
  return {
    connect: (topics) => producer.connect(topics),
    async send(records) {
      await Promise.all(records.map((record) => queue.push(record)));
    },
    close: () => producer.close(),
  };
}
