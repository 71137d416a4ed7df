/** How pauses grow. */
export interface BackoffOptions {
  /** The first pause, in seconds. */
  readonly first_seconds: number;
  /** Where the doubling ends, in seconds. */
  readonly max_seconds: number;
}

/** Pauses that double, each lengthened at random by up to half, so that a fleet does not move in step. */
export class Backoff {
  readonly #options: BackoffOptions;
  #tries = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** The next pause, in milliseconds. */
  next(): number {
    const { first_seconds, max_seconds } = this.#options;
    const seconds = Math.min(first_seconds * 2 ** this.#tries, max_seconds);
    if (seconds < max_seconds) this.#tries += 1;
    return Math.round(seconds * 1_000 * (1 + Math.random() / 2));
  }

  /** The next pause is the first one again. */
  reset(): void {
    this.#tries = 0;
  }
}

/**
 * Waits.
 *
 * @returns whether the time has passed; false when the signal came first
 */
export function pause(milliseconds: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false);
  return new Promise((resolve) => {
    const end = (passed: boolean) => () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
      resolve(passed);
    };
    const aborted = end(false);
    const timer = setTimeout(end(true), milliseconds);
    signal.addEventListener('abort', aborted);
  });
}

/** Resolves with the promise, or with undefined once the time has passed; rejects only with the promise. */
export async function within<T>(promise: Promise<T>, milliseconds: number): Promise<T | undefined> {
  const settled = new AbortController();
  try {
    return await Promise.race([promise, pause(milliseconds, settled.signal).then(() => undefined)]);
  } finally {
    settled.abort();
  }
}
