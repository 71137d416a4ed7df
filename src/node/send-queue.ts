import type { RecordToSend } from '../kafka/index.js';

/** Brokers take 1 MB for a partition's batch by default; a single message has at most a quarter of this. */
const MAX_BATCH_BYTES = 512 * 1024;

interface Waiting {
  readonly record: RecordToSend;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Sends records in the order in which they came. One request is under way at a
 * time, and what has come meanwhile goes with the next one: a node alone waits
 * for nobody, and ten thousand need few requests.
 */
export class SendQueue {
  readonly #send: (records: readonly RecordToSend[]) => Promise<void>;
  #waiting: Waiting[] = [];
  #sending = false;

  constructor(send: (records: readonly RecordToSend[]) => Promise<void>) {
    this.#send = send;
  }

  /** Resolves when the broker has it; rejects when it may not have arrived. */
  push(record: RecordToSend): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ record, resolve, reject });
      if (!this.#sending) void this.#drain();
    });
  }

  async #drain(): Promise<void> {
    this.#sending = true;
    // Everything of this turn of the event loop goes into the first request.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#nextBatch();
      try {
        await this.#send(batch.map(({ record }) => record));
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#sending = false;
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
