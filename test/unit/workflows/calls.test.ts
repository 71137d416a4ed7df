import { ActivityFailure, ApplicationFailure, CancelledFailure, RetryState } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { localOptions, ordinaryOptions, reasonOf, rethrowUnlessFailed } from '../../../workflows/calls.js';

/** How activities are called: the contract's numbers, in Temporal's words. */

const failed = (cause: Error): ActivityFailure =>
  new ActivityFailure('activity failed', 'consul.register', '1', RetryState.MAXIMUM_ATTEMPTS_REACHED, 'me', cause);

describe('the options of an activity', () => {
  it('that is tried locally are in milliseconds', () => {
    const tries = {
      maximum_attempts: 2,
      initial_interval_seconds: 0.1,
      start_to_close_seconds: 1.5,
      schedule_to_close_seconds: 3,
    };
    expect(localOptions(tries)).toEqual({
      startToCloseTimeout: 1500,
      scheduleToCloseTimeout: 3000,
      retry: { maximumAttempts: 2, initialInterval: 100 },
    });
  });

  it('that is tried until it succeeds have no limit unless the contract has one', () => {
    const retry = { initial_interval_seconds: 3, backoff_coefficient: 1.5, maximum_interval_seconds: 20 };
    const without = { initialInterval: 3000, backoffCoefficient: 1.5, maximumInterval: 20_000 };
    expect(ordinaryOptions(5, retry)).toStrictEqual({ startToCloseTimeout: 5000, retry: without });
    expect(ordinaryOptions(5, { ...retry, maximum_attempts: 3 }).retry).toEqual({ ...without, maximumAttempts: 3 });
  });
});

describe('what an activity throws', () => {
  it('gives way to another try when the activity has failed', () => {
    expect(() => rethrowUnlessFailed(failed(ApplicationFailure.create({ message: 'no' })))).not.toThrow();
  });

  it.each([
    ['was cancelled', failed(new CancelledFailure('cancelled'))],
    ['is no failure of an activity', new TypeError('a fault of ours')],
  ])('is thrown on when it %s', (_, error) => {
    expect(() => rethrowUnlessFailed(error)).toThrow(error);
  });
});

describe('the reason of a failure', () => {
  it.each([
    [
      "is the backend's own words",
      failed(new Error('connection lost', { cause: new Error('ECONNRESET') })),
      'ECONNRESET',
    ],
    ['is its message, where nothing has caused it', new Error('alone'), 'alone'],
    ['is what was thrown, where that is no error', 'a word', 'a word'],
  ])('%s', (_, error, reason) => {
    expect(reasonOf(error)).toBe(reason);
  });
});
