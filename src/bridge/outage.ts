import { setMaxListeners } from 'node:events';
import type { Logger } from 'pino';
import pRetry from 'p-retry';

export interface RideOptions {
  /** Ends the waiting. */
  readonly signal: AbortSignal;
  /** Failures that repeating can't mend; they are thrown at once. Default: none. */
  readonly isFinal?: (error: Error) => boolean;
}

const SAY_AGAIN_AFTER_MS = 60_000;

/**
 * One backend as many callers see it. While it is away each of them waits, with
 * growing pauses and some jitter; the log says so once, and once when it is over.
 * One that serves some and puts off others (Temporal above its rate limit) comes
 * and goes with every answer: that is said once a minute.
 */
export class Backend {
  readonly #name: string;
  readonly #logger: Logger;
  #downSince: number | null = null;
  #failures = 0;
  #said = false;
  #saidAt = -Infinity;

  /** @param name as it reads in "Temporal is away" */
  constructor(name: string, logger: Logger) {
    this.#name = name;
    this.#logger = logger;
  }

  /**
   * Repeats an attempt until it succeeds, fails for good, or the signal ends it.
   *
   * @throws the final failure, or the signal's reason
   */
  async ride<T>(attempt: () => Promise<T>, { signal, isFinal = () => false }: RideOptions): Promise<T> {
    const final = (error: Error): boolean => error instanceof TypeError || isFinal(error);
    // A whole batch waits on one signal; that is no leak.
    setMaxListeners(0, signal);
    const answered = async (): Promise<T> => {
      try {
        return await attempt();
      } catch (error) {
        // A refusal is an answer too.
        if (error instanceof Error && isFinal(error)) this.answered();
        throw error;
      }
    };
    const result = await pRetry(answered, {
      retries: Number.POSITIVE_INFINITY,
      minTimeout: 100,
      maxTimeout: 2_000,
      randomize: true,
      signal,
      shouldRetry: ({ error }) => !final(error),
      onFailedAttempt: ({ error }) => {
        if (!final(error)) this.failed(error);
      },
    });
    this.answered();
    return result;
  }

  /** For callers that do not wait, and can do without the answer: one try; a failure is said once per outage. */
  async look(attempt: () => Promise<void>): Promise<void> {
    try {
      await attempt();
      this.answered();
    } catch (error) {
      this.failed(error);
    }
  }

  /** A failure, said once per outage. */
  failed(error: unknown): void {
    this.#failures += 1;
    const now = Date.now();
    this.#downSince ??= now;
    if (this.#said || now - this.#saidAt < SAY_AGAIN_AFTER_MS) return;
    this.#said = true;
    this.#saidAt = now;
    this.#logger.warn({ reason: wordsOf(error) }, `${this.#name} is away; waiting for it, nothing is lost`);
  }

  /** The counterpart of `failed`. */
  answered(): void {
    if (this.#downSince === null) return;
    const seconds = (Date.now() - this.#downSince) / 1000;
    this.#downSince = null;
    if (!this.#said) return;
    this.#logger.info({ seconds, failures: this.#failures }, `${this.#name} answers again`);
    this.#said = false;
    this.#failures = 0;
  }
}

/** A connection refused at each of a name's addresses is an error of errors, with no message of its own. */
export function wordsOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(wordsOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
