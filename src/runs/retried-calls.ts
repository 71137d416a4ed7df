import { defaultGrpcRetryOptions, makeGrpcRetryInterceptor, type ConnectionOptions } from '@temporalio/client';

/** gRPC's status code of a server that is away. */
const UNAVAILABLE = 14;

const { delayFunction, retryableDecider } = defaultGrpcRetryOptions();

/**
 * Repeats calls to Temporal as its library does, but for those to a server that is away: who waits for it anyway learns
 * at once that it is away, and why, instead of when the call's time is up.
 */
export const retriedCalls: NonNullable<ConnectionOptions['interceptors']> = [
  makeGrpcRetryInterceptor({
    delayFunction,
    retryableDecider(attempt, status) {
      const code: number = status.code;
      return code !== UNAVAILABLE && retryableDecider(attempt, status);
    },
  }),
];
