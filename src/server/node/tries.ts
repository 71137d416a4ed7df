import type { RetryPolicy } from '../../contracts/compiled.js';

/**
 * When the tries of an activity were made. Temporal keeps the time of the last
 * one only; those before it are computed backwards from the retry policy.
 *
 * @param attempt number of the try that runs or comes next
 * @param last when the last try began, milliseconds since 1970
 * @param most tries that are computed at most
 */
export function triesBefore(attempt: number, last: number, retry: RetryPolicy, most = 40): number[] {
  const tries = [last];
  for (let number = attempt - 1; number >= 1 && tries.length < most; number -= 1)
    tries.unshift((tries[0] ?? last) - pauseAfter(number, retry));
  return tries;
}

/** Milliseconds from a try to the next. */
function pauseAfter(number: number, retry: RetryPolicy): number {
  const { initial_interval_seconds, backoff_coefficient, maximum_interval_seconds } = retry;
  return Math.min(maximum_interval_seconds, initial_interval_seconds * backoff_coefficient ** (number - 1)) * 1_000;
}
