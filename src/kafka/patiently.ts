import pRetry from 'p-retry';
import type { KafkaHandle } from './client.js';

/** Waits for Kafka with growing pauses; that is logged once, and once when it is over. */
export async function patiently<T>(
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
