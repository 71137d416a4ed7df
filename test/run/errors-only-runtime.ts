import { IllegalStateError } from '@temporalio/common';
import { DefaultLogger, Runtime } from '@temporalio/worker';

/**
 * Failing activities are what many tests are about: only what goes wrong otherwise is worth a line. Where files of
 * tests share a process, the runtime of the one before may still be there.
 */
export function errorsOnlyRuntime(): void {
  try {
    Runtime.install({ logger: new DefaultLogger('ERROR') });
  } catch (error) {
    if (!(error instanceof IllegalStateError)) throw error;
  }
}
