import { ServiceError } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import { isAboutTheMessage, temporalErrorText } from '../../../src/runs/temporal-errors.js';

function grpc(code: number, details: string): ServiceError {
  return new ServiceError('Failed', { cause: Object.assign(new Error(`${code}`), { code, details, metadata: {} }) });
}

describe('an error of Temporal', () => {
  it.each([
    ['too many signals', grpc(3, 'exceeded workflow execution limit for signal events'), true],
    ['a value that it does not take', grpc(11, 'signal input exceeds limit'), true],
    [
      'a search attribute that nobody created',
      grpc(3, 'Namespace default has no mapping defined for search attribute NodeId'),
      false,
    ],
    ['a namespace that is not there', grpc(5, 'Namespace not found'), false],
    ['away', grpc(14, 'connect ECONNREFUSED'), false],
    ['busy', grpc(8, 'workflow is busy'), false],
    ['no permission', grpc(7, 'not allowed'), false],
    ['nothing of gRPC', new Error('bug'), false],
  ])('%s: about the message %s', (_name, error, expected) => {
    expect(isAboutTheMessage(error)).toBe(expected);
  });

  it('reads as the server says it; another error by its own message', () => {
    expect(temporalErrorText(grpc(14, 'no connection'))).toBe('no connection');
    expect(temporalErrorText(grpc(14, ''))).toBe('Failed');
    expect(temporalErrorText('thrown as a text')).toBe('thrown as a text');
  });
});
