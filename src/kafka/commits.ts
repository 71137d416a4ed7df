import type { EachBatchPayload } from 'kafkajs';
import type { Logger } from 'pino';

/** Of what a killed process had finished, so much is read again. */
const COMMIT_EVERY_MS = 250;

/**
 * Commits the offsets of what is done, a quarter of a second after the first
 * of it. kafkajs itself asks the broker after every batch, and while nodes
 * come one by one every record is a batch: a third of all requests (measured).
 */
export class Commits {
  #latest: EachBatchPayload | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** The last commit; never rejects. */
  #committing: Promise<void> = Promise.resolve();

  constructor(private readonly logger: Logger) {}

  /** Something of this batch is done. */
  due(payload: EachBatchPayload): void {
    this.#latest = payload;
    this.#timer ??= setTimeout(() => void this.flush(), COMMIT_EVERY_MS);
  }

  /**
   * Commits now what is done. A failed commit is tried again; a partition that is somebody else's now is theirs to
   * commit.
   */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#committing = this.#committing.then(() => this.#commit());
    return this.#committing;
  }

  async #commit(): Promise<void> {
    const payload = this.#latest;
    this.#latest = undefined;
    if (payload === undefined) return;
    try {
      await payload.commitOffsetsIfNecessary(payload.uncommittedOffsets());
    } catch (error) {
      this.logger.debug({ err: error }, 'offsets could not be committed yet');
      if (payload.isRunning()) this.due(payload);
    }
  }
}
