import pRetry from 'p-retry';
import type { KafkaHandle } from './client.js';

export interface PatienceOptions {
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
  /** Called at each try that fails. */
  readonly onTrouble?: (error: Error) => void;
}

/** Waits for Kafka with growing pauses; that is logged once, and once when it is over. */
export async function patiently<T>(
  kafka: KafkaHandle,
  what: string,
  { signal, onTrouble }: PatienceOptions,
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
      onTrouble?.(error);
    },
  });
  if (logged) kafka.logger.info(`Kafka answers: over with "${what}"`);
  return result;
}
