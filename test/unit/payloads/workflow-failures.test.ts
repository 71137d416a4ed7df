import { ApplicationFailure, defaultPayloadConverter } from '@temporalio/common';
import { expect, it } from 'vitest';
import { failureConverter, withEncodedFailures } from '../../../src/payloads/workflow-failures.js';

it('a failure of workflow code is read in Temporal as it is, where nothing is encrypted', () => {
  const failure = failureConverter.errorToFailure(ApplicationFailure.nonRetryable('words'), defaultPayloadConverter);
  expect(failure.message).toBe('words');
  expect(failure.encodedAttributes).toBeUndefined();
});

it('the lines of the bundle stay where its source map has them', () => {
  expect(withEncodedFailures({ code: 'first\nsecond' }).code).toMatch(/^.*first\nsecond$/);
});
