import { setMaxListeners } from 'node:events';
import type { Logger } from 'pino';
import pRetry from 'p-retry';
import { errorText } from '../error-text.js';
import { OnceAMinute } from '../once-a-minute.js';

export interface WaitOptions {
  /** Ends the waiting. */
  readonly signal: AbortSignal;
  /** Failures that another try cannot mend: they are thrown at once. Default: none. */
  readonly isFinal?: (error: Error) => boolean;
}

/**
 * Longer than the limits that the clients have of their own: a call that hangs in spite of them must not hold its
 * caller.
 */
const ANSWER_WITHIN_MS = 60_000;

/**
 * One backend, which many callers share. While it is away each caller waits, with growing pauses and some jitter. An
 * outage is logged when it begins and when it ends. A backend that serves some calls and puts off others (Temporal
 * above its rate limit) goes and comes back with every answer: its outages are logged once a minute at most.
 */
export class Backend {
  readonly #name: string;
  readonly #logger: Logger;
  #downSince: number | null = null;
  #failures = 0;
  #logged = false;
  readonly #log = new OnceAMinute();

  /** @param name as it reads in "Temporal is away" */
  constructor(name: string, logger: Logger) {
    this.#name = name;
    this.#logger = logger;
  }

  /**
   * Repeats a call until it succeeds, fails for good, or the signal ends it.
   *
   * @throws the final failure, or the signal's reason
   */
  async untilAnswered<T>(call: () => Promise<T>, { signal, isFinal = () => false }: WaitOptions): Promise<T> {
    const final = (error: Error): boolean => error instanceof TypeError || isFinal(error);
    // A whole batch waits on one signal; that is no leak.
    setMaxListeners(0, signal);
    const answered = async (): Promise<T> => {
      try {
        return await inTime(call());
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

  /** For callers that do not wait, and can do without the answer: one try. A failure is logged once per outage. */
  async once(call: () => Promise<void>): Promise<void> {
    try {
      await inTime(call());
      this.answered();
    } catch (error) {
      this.failed(error);
    }
  }

  /** A failure, logged once per outage. */
  failed(error: unknown): void {
    this.#failures += 1;
    this.#downSince ??= Date.now();
    const text = `${this.#name} is away; waiting for it, nothing is lost`;
    if (this.#logged || !this.#log.isDue(text)) return;
    this.#logged = true;
    this.#logger.warn({ reason: errorText(error) }, text);
  }

  /** The counterpart of `failed`. */
  answered(): void {
    if (this.#downSince === null) return;
    const seconds = (Date.now() - this.#downSince) / 1000;
    this.#downSince = null;
    if (!this.#logged) return;
    this.#logger.info({ seconds, failures: this.#failures }, `${this.#name} answers again`);
    this.#logged = false;
    this.#failures = 0;
  }
}

/** The call's answer, or a failure when it has none in time. What it does then is repeatable, as after any failure. */
async function inTime<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ANSWER_WITHIN_MS / 1_000} s`)), ANSWER_WITHIN_MS);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
