import { ApplicationFailure, DefaultFailureConverter, defaultPayloadConverter } from '@temporalio/common';
import proto from '@temporalio/proto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { UNAVAILABLE } from '../../../activities/api.js';
import { oneLine } from '../../../activities/one-line.js';
import { shortFailure } from '../../../activities/short-failure.js';
import { assertProperty } from '../../run/properties.js';

/** Above this, Temporal Server keeps none of the words (limit.mutableStateActivityFailureSize.error). */
const LIMIT = 4_096;

function encoded(error: Error): number {
  const failure = new DefaultFailureConverter().errorToFailure(error, defaultPayloadConverter);
  return proto.temporal.api.failure.v1.Failure.encode(failure).finish().length;
}

/** An error of a package that lies deep in folders. */
function deepError(words: string): Error {
  const error = new Error(words);
  const frame = `    at send (${'/opt/a-folder-of-somebody'.repeat(6)}/node_modules/kafkajs/src/index.js:1:1)`;
  error.stack = `Error: ${words}\n${`${frame}\n`.repeat(10)}`;
  return error;
}

it('the failure of any error fits into what Temporal keeps of one that is tried again', () => {
  const words = fc.string({ unit: fc.constantFrom('a', ' ', 'é', '漢', '😀'), maxLength: 3_000 });
  assertProperty(
    fc.property(words, (said) => {
      const failure = shortFailure(UNAVAILABLE, deepError(said), oneLine(said), (cut) => oneLine(`Kafka: ${cut}`));
      expect(encoded(failure)).toBeLessThanOrEqual(LIMIT);
    }),
  );
  // What is kept short here is longer than that by itself.
  expect(encoded(ApplicationFailure.create({ cause: deepError('漢'.repeat(1_000)) }))).toBeGreaterThan(LIMIT);
});

it('has the words of whoever refused in its message, and alone in its cause, with where they were said', () => {
  const error = new Error('broker 3 is away');
  const failure = shortFailure(UNAVAILABLE, error, error.message, (cut) => `Kafka: ${cut}; retried until it does`);
  expect(failure.message).toBe('Kafka: broker 3 is away; retried until it does');
  expect(failure.cause).toMatchObject({
    message: 'broker 3 is away',
    stack: expect.stringContaining('short-failure.test.ts') as string,
  });
});
